"""One tree of 64 leaves from millions of rows: time, memory and accuracy against CART and LightGBM.

    CRMLAB_PEERS=PYTHON python benchmarks/trees_scale.py [--rows N] [--file N] [--ours JSON]

20 columns: 14 skewed ones of two decimals, some with missing values or many zeros, three of names, one of
them with missing ones, and three small counts; two classes that hang on planted interactions and on much
chance. Everything is in memory before the fit; each way is a process of its own. Memory is the most that
the process held during the fit less what it held before. Accuracy is that on a million other rows.

CART and LightGBM are given one array of float64, built before and not counted: for CART the names as their
places in the order of the share of events among the training rows, which loses no split of two classes
(Breiman et al. 1984, theorem 4.5), missing ones among them as one more name; for LightGBM codes that it is
told are categories. As scikit-learn makes float32 of what it is given, a second CART is given float32.
LightGBM is taken from the interpreter that CRMLAB_PEERS names, one thread.

`--file N` also learns from a parquet file of N rows, written in blocks to a temporary folder, and checks on
two million rows that the file and the memory give the same cuts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measure import extra_memory, resident, seconds

BLOCK, FRESH, LEAVES = 1_000_000, 1_000_000, 64
NAMES = {"c1": 6, "c2": 12, "c3": 30}
COUNTS = {"k1": 1.5, "k2": 4.0, "k3": 10.0}

#: Another interpreter, which has LightGBM.
PEERS = os.environ.get("CRMLAB_PEERS", "")

Fit = tuple[Callable[[], object], Callable[[pd.DataFrame], np.ndarray], Callable[[], dict]]


def customers(seed: int, rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns and classes, 0 and 1; blocks of a million rows are drawn each from seed and place."""
    parts = [block(seed, place, min(BLOCK, rows - BLOCK * place)) for place in range(-(-rows // BLOCK))]
    return pd.concat([X for X, _ in parts], ignore_index=True), np.concatenate([y for _, y in parts])


def block(seed: int, place: int, n: int) -> tuple[pd.DataFrame, np.ndarray]:
    """One block of rows."""
    random = np.random.default_rng([seed, place])
    hidden, columns, codes = random.normal(size=(14, n)), {}, {}
    for number, latent in enumerate(hidden):
        values = np.round(100 * np.exp((0.5 + number / 10) * latent), 2)
        if number >= 12:
            values[latent < 0.3] = 0
        if number % 4 == 2:
            values[random.random(n) < 0.1] = np.nan
        columns[f"x{number + 1}"] = values
    for name, kinds in NAMES.items():
        upto = np.cumsum(1 / np.arange(1, kinds + 1))
        codes[name] = np.searchsorted(upto / upto[-1], random.random(n)).astype(np.int8)
        if name == "c2":
            codes[name][random.random(n) < 0.05] = -1
        columns[name] = pd.Categorical.from_codes(codes[name], [f"{name}_{kind}" for kind in range(kinds)])
    columns |= {name: random.poisson(mean, n) for name, mean in COUNTS.items()}
    odds = 1.3 * (
        (hidden[0] > 0) * (hidden[1] > -0.4)
        - 0.9 * (hidden[2] > 0.3) * np.isin(codes["c1"], (1, 3, 4))
        + 0.7 * np.tanh(hidden[3]) * (columns["k1"] >= 2)
        + 0.8 * (hidden[4] < -0.2) * (hidden[5] > 0)
        - 0.6 * np.isin(codes["c2"], (-1, 2, 3, 7))
        + 0.5 * np.isnan(columns["x7"])
        + 0.3 * hidden[12] * (columns["k2"] > 4)
        - 0.2
    )
    return pd.DataFrame(columns), (random.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int8)


def as_array(X: pd.DataFrame, orders: dict[str, np.ndarray], dtype: str = "float64") -> np.ndarray:
    """One array, each name as what its code is told to be; the last is for missing ones."""
    table = np.empty(X.shape, dtype)
    for place, name in enumerate(X):
        table[:, place] = orders[name][X[name].cat.codes] if name in orders else X[name]
    return table


def by_cart(X: pd.DataFrame, y: np.ndarray, _: dict, dtype: str = "float64") -> Fit:
    """CART of depth 6."""
    from sklearn.tree import DecisionTreeClassifier
    from tree_peers import size

    orders = {}
    for name in NAMES:
        share = pd.Series(y).groupby(X[name].cat.codes.to_numpy()).mean()
        orders[name] = share.rank().reindex([*range(NAMES[name]), -1]).fillna(0).to_numpy()
    table, model = as_array(X, orders, dtype), DecisionTreeClassifier(max_depth=6, random_state=0)
    return (
        lambda: model.fit(table, y),
        lambda X: model.predict(as_array(X, orders, dtype)),
        lambda: size(model),
    )


def by_lightgbm(X: pd.DataFrame, y: np.ndarray, _: dict) -> Fit:
    """LightGBM's first tree; its step is the whole one."""
    import lightgbm

    orders = {name: np.append(np.arange(kinds, dtype=float), np.nan) for name, kinds in NAMES.items()}
    table = as_array(X, orders)
    settings = {"objective": "binary", "num_leaves": LEAVES, "learning_rate": 1.0, "num_threads": 1,
                "verbose": -1, "seed": 0}  # fmt: skip
    named, found = [X.columns.get_loc(name) for name in NAMES], []

    def fit() -> None:
        data = lightgbm.Dataset(table, y, categorical_feature=named)
        found.append(lightgbm.train(settings, data, 1))

    def told() -> dict:
        tree = found[0].dump_model()["tree_info"][0]
        deepest = found[0].trees_to_dataframe()["node_depth"].max() - 1
        return {"leaves": tree["num_leaves"], "inner": tree["num_leaves"] - 1, "depth": int(deepest)}

    return fit, lambda X: found[0].predict(as_array(X, orders)) > 0.5, told


def by_us(X: pd.DataFrame, y: np.ndarray, settings: dict) -> Fit:
    """Our tree, of the columns as they are."""
    from tree_peers import size

    from crmlab.mining.methods.trees import CompactTreeClassifier

    model = CompactTreeClassifier(**{"max_leaf_nodes": LEAVES} | settings)
    small = X.iloc[:5000], y[:5000]
    CompactTreeClassifier(**{"max_leaf_nodes": LEAVES} | settings).fit(*small)
    return lambda: model.fit(X, y), lambda X: model.predict(X), lambda: size(model)


WAYS = {
    "CART depth 6": by_cart,
    "CART, given float32": lambda X, y, given: by_cart(X, y, given, "float32"),
    "LightGBM, 1 tree": by_lightgbm,
    "crmlab fast": lambda X, y, given: by_us(X, y, {"memory": "fast"} | given),
    "crmlab lean": lambda X, y, given: by_us(X, y, {"memory": "lean"} | given),
}
#: What each of ours is to reach against the first CART: time, memory.
REACH = {"crmlab fast": (40, 5), "crmlab lean": (25, 50)}


def run(way: str, rows: int, given: dict) -> None:
    """One way in this process."""
    X, y = customers(0, rows)
    fit, predict, told = WAYS[way](X, y, given)
    cpu, extra = extra_memory(fit)
    fresh, truth = customers(1, FRESH)
    found = {"cpu": cpu, "mb": extra, "accuracy": 100 * float((predict(fresh) == truth).mean())}
    print(json.dumps(found | told()))


def measured(*call: object, python: str = sys.executable) -> dict | None:
    """What a part gave that runs in a process of its own; None where it cannot, which is said."""
    done = subprocess.run([python, __file__, *map(str, call)], capture_output=True, text=True)
    if done.returncode:
        print(f"{call[1]}: left out, {(done.stderr.splitlines() or ['?'])[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def in_memory(rows: int, given: dict) -> None:
    """All ways, and ours against CART."""
    print(f"{rows:,} rows x 20 columns, {LEAVES} leaves")
    print(f"  {'':<22}{'CPU s':>9}{'extra MB':>10}{'accuracy %':>12}{'leaves':>8}{'inner':>7}{'depth':>7}"
          f"{'CART time':>12}{'CART MB':>10}")  # fmt: skip
    cart = None
    for way in WAYS:
        if way.startswith("LightGBM") and not PEERS:
            print("LightGBM is left out: CRMLAB_PEERS names no interpreter that has it.")
            continue
        python = PEERS if way.startswith("LightGBM") else sys.executable
        found = measured("--run", way, rows, json.dumps(given), python=python)
        if found is None:
            continue
        cart = cart or found
        time, memory = cart["cpu"] / found["cpu"], cart["mb"] / max(found["mb"], 0.1)
        print(f"  {way:<22}{found['cpu']:>9.2f}{found['mb']:>10.1f}{found['accuracy']:>12.2f}"
              f"{found['leaves']:>8}{found['inner']:>7}{found['depth']:>7}"
              f"{f'1/{time:.1f}':>12}{f'1/{memory:.1f}':>10}", flush=True)  # fmt: skip
        if way in REACH:
            less = cart["accuracy"] - found["accuracy"]
            least = "  to reach 1/{} of the time, 1/{} of the memory".format(*REACH[way])
            print(f"  {least}, accuracy {less:+.2f} below CART's; 0.2 at most")


def write(path: Path, rows: int) -> None:
    """The rows in a parquet file, with the class as its last column, one block at a time."""
    import pyarrow
    import pyarrow.parquet

    writer = None
    for place in range(-(-rows // BLOCK)):
        X, y = block(0, place, min(BLOCK, rows - BLOCK * place))
        # Names are written as text: a file knows no categories of pandas'.
        table = pyarrow.Table.from_pandas(
            X.assign(**{name: X[name].astype("str") for name in NAMES}, y=y), preserve_index=False
        )
        writer = writer or pyarrow.parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def run_file(path: str, given: dict) -> None:
    """Our tree from a file in this process; the memory is that of the whole process."""
    from crmlab.mining.methods.trees import CompactTreeClassifier

    model = CompactTreeClassifier(**{"max_leaf_nodes": LEAVES} | given)
    cpu, _ = seconds(lambda: model.fit_parquet(path, "y", progress=False))
    peak = resident("VmHWM")
    from tree_peers import size  # it brings more of scikit-learn into memory than our tree needs

    fresh, truth = customers(1, FRESH)
    found = {"cpu": cpu, "mb": peak, "accuracy": 100 * float((model.predict(fresh) == truth).mean())}
    print(json.dumps(found | size(model) | {"splits": splits(model)}))


def run_same(rows: int, given: dict) -> None:
    """The splits from memory."""
    from crmlab.mining.methods.trees import CompactTreeClassifier

    X, y = customers(0, rows)
    print(
        json.dumps({"splits": splits(CompactTreeClassifier(**{"max_leaf_nodes": LEAVES} | given).fit(X, y))})
    )


def splits(model: object) -> list:
    """Every split of a tree, in the order of its nodes."""
    return [node.split.to_dict() for node in model.tree_.inner_nodes]


def from_file(rows: int, given: dict) -> None:
    """Our tree from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "customers.parquet")
        for n in sorted({min(rows, 2 * BLOCK), rows}):
            write(path, n)
            found = measured("--run-file", "file", path, json.dumps(given))
            if found is None:
                return
            print(f"\n{n:,} rows, {path.stat().st_size / 1e9:.2f} GB of parquet: {found['cpu']:.1f} CPU s,"
                  f" accuracy {found['accuracy']:.2f} %, {found['leaves']} leaves, depth {found['depth']}\n"
                  f"memory of the process {found['mb']:.0f} MB, to reach 400", flush=True)  # fmt: skip
            if n <= 2 * BLOCK:
                memory = measured("--run-same", "memory", n, json.dumps(given))
                same = memory and memory["splits"] == found["splits"]
                print(f"the same {len(found['splits'])} splits as from memory: {'yes' if same else 'NO'}")


def main() -> None:
    """Measure all and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--file", type=int, default=0, help="rows of the parquet file, such as 50_000_000")
    parser.add_argument("--ours", type=json.loads, default={}, help="settings of our tree")
    chosen = parser.parse_args()
    if chosen.rows:
        in_memory(chosen.rows, chosen.ours)
    if chosen.file:
        from_file(chosen.file, chosen.ours)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--run", way, rows, given]:
            run(way, int(rows), json.loads(given))
        case ["--run-file", _, path, given]:
            run_file(path, json.loads(given))
        case ["--run-same", _, rows, given]:
            run_same(int(rows), json.loads(given))
        case _:
            main()
