"""Compact trees against CART, plain and pruned, and against the best trees of depth 3.

    CRMLAB_PEERS=PYTHON python benchmarks/trees.py [--only PART ...] [--sets SET ...] [--cache FILE]

All trees are fitted on the same folds; the time is CPU seconds of the fit of one fold. What the peers are,
and how CART is pruned, is told in tree_peers.py. CRMLAB_PEERS names an interpreter that has pystreed, which
finds the best tree of depth 3 on columns of yes and no; without it that part is left out. On these columns
our trees have two branches, and at most depth 3, too, so that both search the same trees, and CART likewise;
the last column has the same number of leaves at most, on the columns as they are and of several branches.
Our tree is that of OURS in each part: small by the criterion "accuracy" where classes are told, by its own
default where probabilities are. `--ours` gives other settings of it, such as '{"max_leaf_nodes": 50}', and
`--cache` keeps what the peers gave in a file, and takes it from there the next time.
"""

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier
from tree_peers import PEERS, TREES, Folds, binary, coded, measured, optimum
from tree_sets import CUSTOMERS, SETS, Set, load, load_split

from crmlab.mining.methods.trees import CompactTreeClassifier

#: What each StatLog problem is to reach: accuracy, leaves; the last two have no mark.
STATLOG = {"satimage": (86.0, 50), "segment": (94.8, 21), "shuttle": (None, None), "letter": (None, None)}
#: Settings of our tree. For the best trees of depth 3 nothing is paid for a split, training mistakes alone
#: count, and each split is chosen with those below it.
OURS = {
    "sets": {"criterion": "accuracy"},
    "statlog": {"criterion": "accuracy"},
    "probabilities": {},
    "optimum": {"criterion": "accuracy", "complexity": 0, "shrinkage": 0, "max_depth": 3,
                "max_leaf_nodes": 8, "look_ahead": 2},
}  # fmt: skip
GAP, SECONDS = 0.5, 300


class Kept:
    """What the peers gave, in a file where one is named."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found = json.loads(path.read_text()) if path and path.exists() else {}

    def __call__(self, key: str, work: Callable[..., dict], *given: object) -> dict:
        if key not in self.found:
            self.found[key] = work(*given)
            if self.path:
                self.path.write_text(json.dumps(self.found, indent=1))
        return self.found[key]


def cross(y: np.ndarray, n: int = 5) -> Folds:
    """Stratified folds, shuffled with seed 0."""
    return list(StratifiedKFold(n, shuffle=True, random_state=0).split(y, y))


def of_peers(names: tuple[str, ...], where: str, kept: Kept, data: Set, folds: Folds) -> dict[str, dict]:
    """What each peer gave on a set."""
    X, y = data
    table = coded(X)
    return {name: kept(f"{where}/{name}", measured, TREES[name], table, y, folds) for name in names}


def head(what: str) -> None:
    """Title of a table of lines."""
    print(f"\n{what:<48}{'ours':>10}{'to reach':>12}{'CART 1-SE':>10}{'ratio':>8}")


def line(what: str, ours: float, reach: str, peer: float, digits: int = 2) -> None:
    """Ours, to reach, the peer's and their ratio."""
    print(f"  {what:<46}{ours:>10.{digits}f}{reach:>12}{peer:>10.{digits}f}{ours / peer:>8.3f}", flush=True)


def short(found: dict) -> str:
    """Accuracy, leaves, inner nodes, depth and time."""
    sizes = f"{found['leaves']:8.1f}{found['inner']:8.1f}{found['depth']:6.1f}"
    return f"{found['accuracy']:8.2f}{sizes}{found['cpu']:8.3f}"


def on_sets(names: list[str], kept: Kept, settings: dict) -> None:
    """Every tree on every set, and what it comes to."""
    peers, found = ("CART", "CART 1-SE", "CART depth 4"), {}
    print("Five folds: accuracy %, leaves, inner nodes, depth, CPU s of a fit")
    print(f"  {'':<15}" + "".join(f"{name:^38}" for name in (*peers, "ours")))
    for name in names:
        X, y = load(name)
        folds = cross(y)
        found[name] = of_peers(peers, name, kept, (X, y), folds)
        found[name]["ours"] = measured(CompactTreeClassifier(**settings), X, y, folds)
        print(f"  {name:<15}" + "".join(short(one) for one in found[name].values()), flush=True)
    for who in (*peers, "ours"):
        print(
            f"  {who:<15} mean accuracy {np.mean([of_set[who]['accuracy'] for of_set in found.values()]):.2f}"
        )
    summary(*(pd.DataFrame([of_set[who] for of_set in found.values()], names)
              for who in ("CART 1-SE", "ours")))  # fmt: skip


def summary(peer: pd.DataFrame, ours: pd.DataFrame) -> None:
    """Over all sets; of sizes and times also the mean ratio, so that no single set decides."""

    def each(what: str, reach: str, work: Callable[[pd.DataFrame], float], digits: int = 1) -> None:
        line(what, work(ours), reach, work(peer), digits)

    head(f"{len(peer)} sets")
    each("mean accuracy, %", "88.4", lambda table: table["accuracy"].mean(), 2)
    for measure, what, reach in (("inner", "inner nodes", "0.6x"), ("depth", "depth", "0.65x")):
        each(f"{what}, median", reach, lambda table, of=measure: table[of].median())
        each(f"{what}, mean", reach, lambda table, of=measure: table[of].mean())
        each(f"{what}, geometric mean, 1 at least", reach, lambda table, of=measure: geometric(table[of]))
    each("leaves, geometric mean", "-", lambda table: geometric(table["leaves"]))
    each("fit time, sum, CPU s", "0.1x", lambda table: table["cpu"].sum(), 3)
    each("fit time, geometric mean, CPU s", "0.1x", lambda table: np.exp(np.log(table["cpu"]).mean()), 3)
    line("fit time, sum, of six trees without pruning", ours["cpu"].sum(), "-",
         peer["least"].sum(), 3)  # fmt: skip
    gain = ours["accuracy"] - peer["accuracy"]
    worst = f"{gain.min():+.2f} on {gain.idxmin()}"
    print(f"  more accurate on {(gain > 0).sum()} of {len(gain)} sets, at worst {worst}")


def geometric(values: pd.Series) -> float:
    """Geometric mean; the ratio of two of them is the mean ratio of the sets."""
    return float(np.exp(np.log(values.clip(1)).mean()))


def on_statlog(kept: Kept, settings: dict) -> None:
    """The splits that the literature reports."""
    for name, (accuracy, leaves) in STATLOG.items():
        if name == "segment":
            X, y = load(name)
            folds = cross(y, 10)
        else:
            X, y, test, y_test = load_split(name)
            folds = [(np.arange(len(y)), len(y) + np.arange(len(y_test)))]
            X, y = pd.concat([X, test], ignore_index=True), np.append(y, y_test)
        peer = of_peers(("CART 1-SE",), f"StatLog {name}", kept, (X, y), folds)["CART 1-SE"]
        ours = measured(CompactTreeClassifier(**settings), X, y, folds)
        head(f"StatLog {name}, {'ten folds' if len(folds) > 1 else 'its split'}")
        line("accuracy, %", ours["accuracy"], f"{accuracy or '-'}", peer["accuracy"])
        line("leaves", ours["leaves"], f"<= {leaves}" if leaves else "-", peer["leaves"], 1)
        for measure, what in (("inner", "inner nodes"), ("depth", "depth"), ("cpu", "fit time, CPU s")):
            line(what, ours[measure], "-", peer[measure])
        smaller = measured(CompactTreeClassifier(**settings | {"complexity": 2}), X, y, folds)
        line("accuracy, %, complexity 2", smaller["accuracy"], f"{accuracy or '-'}", peer["accuracy"])
        line("leaves, complexity 2", smaller["leaves"], f"<= {leaves}" if leaves else "-", peer["leaves"], 1)


def on_probabilities(kept: Kept, settings: dict) -> None:
    """Ranking and log-loss of customers, of the peers also smoothed; to reach is the best in each."""
    peers = ("CART", "CART 1-SE", "CART depth 6", "CART leaf 50")
    print(f"\nProbabilities, five folds\n  {'':<34}{'leaves':>8}{'AUC':>9}{'log-loss':>10}"
          f"{'AUC, Laplace':>14}{'log-loss, Laplace':>19}")  # fmt: skip
    for name in CUSTOMERS:
        X, y = load(name)
        folds = cross(y)
        found = of_peers(peers, name, kept, (X, y), folds)
        for who, one in found.items():
            print(f"  {name:<16}{who:<18}{one['leaves']:>8.0f}{one['auc']:>9.4f}{one['log_loss']:>10.4f}"
                  f"{one['auc_laplace']:>14.4f}{one['log_loss_laplace']:>19.4f}")  # fmt: skip
        table = pd.DataFrame(found).T
        auc, auc_laplace = table[["auc", "auc_laplace"]].max()
        loss, loss_laplace = table[["log_loss", "log_loss_laplace"]].min()
        told = f"{auc:>9.4f}{loss:>10.4f}{auc_laplace:>14.4f}{loss_laplace:>19.4f}"
        print(f"  {name:<16}{'best of these':<26}{told}")
        one = measured(CompactTreeClassifier(**settings), X, y, folds)
        told = f"{one['leaves']:>8.0f}{one['auc']:>9.4f}{one['log_loss']:>10.4f}"
        print(f"  {name:<16}{'ours':<18}{told}", flush=True)


def on_optimum(names: list[str], kept: Kept, settings: dict) -> None:
    """Training accuracy of trees of depth 3 on columns of yes and no."""
    if not PEERS:
        print("\nThe best trees of depth 3 are left out: CRMLAB_PEERS names no interpreter with pystreed.")
        return
    print(f"\nDepth 3, 8 leaves at most: training accuracy % on the same columns of yes and no\n  {'':<15}"
          f"{'columns':>8}{'best':>8}{'CPU s':>8}{'CART':>8}{'gap':>7}{'ours':>8}{'gap':>7}{'CPU s':>8}"
          f"{'leaves':>8}{'as they are':>12}")  # fmt: skip
    gaps = []
    for name in names:
        X, y = load(name)
        table = binary(X)
        best = kept(f"{name}/optimum", optimum, table, y, SECONDS)
        cart = 100 * DecisionTreeClassifier(max_depth=3, random_state=0).fit(table, y).score(table, y)
        told = f"{table.shape[1]:>8}{best['accuracy']:>8.2f}{best['cpu']:>8.2f}"
        told += f"{cart:>8.2f}{best['accuracy'] - cart:>7.2f}"
        everything = [(np.arange(len(y)), np.arange(len(y)))]
        frame = pd.DataFrame(table, columns=[f"x{place}" for place in range(table.shape[1])])
        ours = measured(CompactTreeClassifier(**settings | {"max_branches": 2}), frame, y, everything)
        whole = measured(CompactTreeClassifier(**settings), X, y, everything)
        gaps.append(best["accuracy"] - ours["accuracy"])
        told += f"{ours['accuracy']:>8.2f}{gaps[-1]:>7.2f}{ours['cpu']:>8.2f}{ours['leaves']:>8.0f}"
        told += f"{whole['accuracy']:>12.2f}"
        print(f"  {name:<15}{told}{'' if best['proved'] else '  not proved best'}", flush=True)
    print(f"  within {GAP} points on {sum(gap <= GAP for gap in gaps)} of {len(gaps)} sets; to reach: 10")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=OURS, default=list(OURS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--ours", type=json.loads, default={}, help="settings of our tree")
    parser.add_argument("--cache", type=Path, help="file that keeps what the peers gave")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    kept = Kept(chosen.cache)
    CompactTreeClassifier().fit(*load("iris"))  # what is imported at the first fit is no part of any
    parts = {
        "sets": lambda settings: on_sets(chosen.sets, kept, settings),
        "statlog": lambda settings: on_statlog(kept, settings),
        "probabilities": lambda settings: on_probabilities(kept, settings),
        "optimum": lambda settings: on_optimum(chosen.sets, kept, settings),
    }
    for part in chosen.only:
        settings = OURS[part] | chosen.ours
        parts[part](settings)
        print(f"  our settings: {settings or 'the default ones'}\n")


if __name__ == "__main__":
    main()
