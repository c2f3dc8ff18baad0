"""A million raw Persian records, from the file to the quality report, and a thousand more beside them.

    python benchmarks/million.py [ROWS]

Prints CPU seconds, wall seconds and peak memory of `crmlab clean` with ``customers = "merge"`` and of
`crmlab report quality`, each a process of its own; then how long a fitted finder takes for a thousand
new records, and whether an old one changed its cluster. Names are read from the folder that
CRMLAB_DATA names.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from duplicates import pairwise
from persian_people import planted

from crmlab import open_workspace
from crmlab.cleansing import DuplicateFinder

TOML = """[workspace]
language = "fa"
currency = "IRR"
time_zone = "Asia/Tehran"
phone_region = "IR"

[duplicates]
customers = "merge"

[[source]]
table = "customers"
file = "people.parquet"
"""
NEW = 1000


def run(*arguments: str) -> None:
    began = time.perf_counter()
    command = Path(sys.executable).with_name("crmlab")
    process = subprocess.Popen([command, *arguments], stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
    print(f"crmlab {arguments[0]:<28} {cpu:8.1f} CPU s {wall:8.1f} s {memory:6.2f} GB", flush=True)


def main() -> None:
    rows = int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 1_000_000
    people, truth = planted(rows + NEW)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people[:rows].to_parquet(folder / "people.parquet")
        (folder / "crmlab.toml").write_text(TOML, encoding="utf-8")
        run("clean", str(folder))
        run("report", "quality", "--workspace", str(folder), "--out", str(folder / "reports"))
        workspace = open_workspace(folder)
        counts = workspace.state["tables"]["customers"]
        merged = workspace.persons.set_index("customer_id")["person_id"]
    numbers = truth[:rows].set_axis("#" + (truth.index[:rows] + 1).astype("str"))
    found = merged.reindex(numbers.index).fillna(numbers.index.to_series())
    precision, recall, f1 = pairwise(found, numbers)
    print(f"{counts}\nP {precision:.4f} R {recall:.4f} F1 {f1:.4f}")
    finder = DuplicateFinder().fit(people[:rows])
    before = finder.result_["cluster_id"].copy()
    cpu, wall = time.process_time(), time.perf_counter()
    new = finder.add(people[rows:])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{NEW} new records {cpu:27.1f} CPU s {wall:8.1f} s")
    known = new["cluster_id"].isin(before).sum()
    same = finder.result_["cluster_id"][: len(before)].equals(before)
    print(f"{known} of them are known; old clusters {'are the same' if same else 'CHANGED'}")


if __name__ == "__main__":
    main()
