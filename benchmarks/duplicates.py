"""Duplicates found without labels and without settings, held against planted and published truth.

    python benchmarks/duplicates.py [SET ...]        # all sets if none is named

Their folder is named by CRMLAB_DATA.
Prints pairwise precision, recall and F1 over the final clusters at the automatic cut, CPU seconds and
peak memory, each set in a process of its own; then whether rows in another order, and one thread
instead of two, give the same bytes.
"""

import hashlib
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(os.environ.get("CRMLAB_DATA", "data"))
PERSIAN, FEBRL = DATA / "er-persian-synthetic", DATA / "er-febrl"
#: Set: what is to be reached, and what others reach.
SETS = {
    "fake1000": ("-", "-"),
    "febrl3": ("0.999", "Splink, hand-set: 0.9999"),
    "febrl4": ("0.999", "Splink, hand-set: 1.0"),
    "persian10k": ("-", "Splink on raw: 0.92"),
    "historical50k": ("0.92", "Splink, hand-tuned: 0.882"),
    "persian100k": ("0.985, P 0.999", "Splink on raw: 0.903"),
    "persian100k-no-id": ("0.975", "Splink, normalised: 0.964"),
}


def read(name: str) -> tuple[pd.DataFrame, pd.Series]:
    """The records of a set, without anything that gives them away, and their truth."""
    if name.startswith("persian"):
        frame = pd.read_parquet(PERSIAN / f"persian_{'10k' if '10k' in name else '100k'}_raw.parquet")
        hidden = ["cluster"] + (["national_id"] if name.endswith("no-id") else [])
        return frame.drop(columns=hidden), frame["cluster"]
    if name == "historical50k":
        frame = pd.read_parquet(DATA / "er-historical50k" / "historical_50k.parquet")
        return frame.drop(columns=["cluster", "unique_id"]), frame["cluster"]
    if name == "fake1000":
        frame = pd.read_csv(DATA / "er-fake1000" / "fake_1000.csv", dtype="str")
        return frame.drop(columns=["cluster", "unique_id"]), frame["cluster"]
    files = ["febrl3"] if name == "febrl3" else ["febrl4a", "febrl4b"]
    parts = [pd.read_csv(FEBRL / f"{file}.csv", skipinitialspace=True, dtype="str") for file in files]
    frame = pd.concat(parts, ignore_index=True)
    return frame.drop(columns="rec_id"), frame["rec_id"].str.extract(r"rec-(\d+)")[0]


def pairwise(found: pd.Series, truth: pd.Series) -> tuple[float, float, float]:
    def pairs(labels: np.ndarray) -> float:
        sizes = np.unique(labels, return_counts=True)[1].astype("float64")
        return float((sizes * (sizes - 1) / 2).sum())

    found, truth = pd.factorize(found)[0], pd.factorize(truth)[0]
    right = pairs(found.astype("int64") * (truth.max() + 1) + truth)
    precision, recall = right / pairs(found), right / pairs(truth)
    return precision, recall, 2 * precision * recall / (precision + recall)


def measure(name: str, threads: int | None, mixed: bool) -> tuple:
    from crmlab.cleansing import find_duplicates

    frame, truth = read(name)
    if mixed:
        frame = frame.sample(frac=1, random_state=1)
    began = time.process_time()
    found = find_duplicates(frame, threads=threads)
    seconds = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = found.sort_index()
    content = hashlib.sha256(found.to_csv().encode()).hexdigest()[:12]
    return *pairwise(found["cluster_id"], truth), len(frame), seconds, memory, content


def in_own_process(name: str, threads: int | None = None, mixed: bool = False) -> tuple:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, name, threads, mixed).result()


def main() -> None:
    names = sys.argv[1:] or list(SETS)
    print(f"{'set':18} {'rows':>8} {'P':>7} {'R':>7} {'F1':>7} {'CPU s':>7} {'GB':>5}  to reach; others")
    for name in names:
        precision, recall, f1, rows, seconds, memory, content = in_own_process(name)
        reach, others = SETS[name]
        print(f"{name:18} {rows:>8,} {precision:7.4f} {recall:7.4f} {f1:7.4f} {seconds:7.1f} {memory:5.2f}"
              f"  {reach}; {others}", flush=True)  # fmt: skip
        if name in ("febrl3", "persian10k"):
            other = in_own_process(name, threads=1, mixed=True)[-1]
            print(f"{'':18} rows mixed, one thread: {'the same bytes' if other == content else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
