"""A scripted novice builds trees by hand: always the suggestion that is worth most, 12 acts, 15 leaves.

    python benchmarks/tree_novice.py [--sets SET ...] [--ahead] [--cache FILE]

On each of five folds the novice drafts a tree of the training rows; each act takes the best suggestion at
the leaf where it saves most bits for each leaf that it adds, until none is worth anything or fits into 15
leaves, and the accuracy is that of the draft's
classifier on the other rows. A learner who knows a little takes one of the three best suggestions at that
leaf by chance (seeds 0 to 4, the mean of five drafts of each fold). CART is pruned by one standard error, as
tree_peers.py tells. With `--ahead` suggestions are looked at one level ahead. `--cache` is that of trees.py.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from tree_peers import Folds
from tree_sets import SETS, load
from trees import Kept, cross, of_peers

from crmlab.mining.methods.trees import TreeDraft
from crmlab.mining.methods.trees.draft_search import Suggestion

ACTS, LEAVES, BELOW, SEEDS = 12, 15, 1.0, range(5)


def drafted(X: pd.DataFrame, y: np.ndarray, ahead: bool, random: np.random.Generator | None) -> TreeDraft:
    """A tree of the best suggestions; with chance, of one of the three best at the best leaf."""
    draft = TreeDraft(X, y, held_out=0)
    suggest = draft.look_ahead if ahead else draft.suggest
    waiting, leaves = {"1": suggest("1")}, 1
    for _ in range(ACTS):
        fitting = {
            key: found
            for key, listed in waiting.items()
            if (found := [one for one in listed if one.worth > 0 and leaves + one.split.degree - 1 <= LEAVES])
        }
        if not fitting:
            break
        key = max(fitting, key=lambda key: per_leaf(fitting[key][0]))
        listed = fitting[key][:3]
        split = listed[0 if random is None else random.integers(len(listed))].split
        draft.apply(key, split)
        del waiting[key]
        waiting |= {f"{key}.{place + 1}": suggest(f"{key}.{place + 1}") for place in range(split.degree)}
        leaves += split.degree - 1
    return draft


def per_leaf(found: Suggestion) -> float:
    """Bits that a split saves for each leaf it adds: leaves are what the novice has fifteen of."""
    return found.saving / (found.split.degree - 1)


def measured(X: pd.DataFrame, y: np.ndarray, folds: Folds, ahead: bool, seeds: range | None) -> dict:
    """Accuracy, leaves, acts and CPU seconds of a draft, as the mean over folds and seeds."""
    found = []
    for train, test in folds:
        for seed in [None] if seeds is None else seeds:
            began = time.process_time()
            draft = drafted(
                X.iloc[train], y[train], ahead, None if seed is None else np.random.default_rng(seed)
            )
            cpu = time.process_time() - began
            right = 100 * (draft.estimator_.predict(X.iloc[test]) == y[test]).mean()
            tree = draft.tree
            found.append({"accuracy": right, "leaves": len(tree.leaves), "acts": len(tree.inner_nodes),
                          "height": tree.height, "cpu": cpu})  # fmt: skip
    return pd.DataFrame(found).mean().to_dict()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--cache", type=Path)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    kept, reached, lost = Kept(chosen.cache), [], []
    widths = {"": 16, "CART 1-SE": -10, "leaves": -8, "novice": -9, " leaves": -8, "acts": -6, "height": -8,
              "CPU s": -8, "above CART": -12, "one of three": -14}  # fmt: skip
    print("  " + "".join(f"{title:>{-n}}" if n < 0 else " " * n for title, n in widths.items()))
    for name in chosen.sets:
        X, y = load(name)
        folds = cross(y)
        cart = of_peers(("CART 1-SE",), name, kept, (X, y), folds)["CART 1-SE"]
        novice = measured(X, y, folds, chosen.ahead, None)
        chance = measured(X, y, folds, chosen.ahead, SEEDS)
        above = novice["accuracy"] - cart["accuracy"]
        reached.append(above >= -BELOW)
        lost.append(novice["accuracy"] - chance["accuracy"])
        print(f"  {name:<16}{cart['accuracy']:>10.2f}{cart['leaves']:>8.1f}{novice['accuracy']:>9.2f}"
              f"{novice['leaves']:>8.1f}{novice['acts']:>6.1f}{novice['height']:>8.1f}{novice['cpu']:>8.2f}"
              f"{above:>+12.2f}{chance['accuracy']:>14.2f}", flush=True)  # fmt: skip
    many = f"{sum(reached)} of {len(reached)} sets"
    print(f"  within {BELOW:g} point of pruned CART on {many}; to reach: 10 of 13")
    print(f"  one of the three best instead of the best: {np.mean(lost):.2f} points less on average,"
          f" {max(lost):.2f} at most; to reach: 1")  # fmt: skip


if __name__ == "__main__":
    main()
