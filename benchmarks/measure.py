"""Time two ways of doing the same thing, in turn, and print the ratio."""

import ctypes
import gc
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

#: Columns that two ways of making a table must agree on.
SAME = ("frequency", "recency", "T", "monetary_value", "frequency_holdout", "monetary_value_holdout",
        "r_score", "f_score", "m_score", "customers", "orders", "amount")  # fmt: skip


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds over all threads, and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def compare(
    what: str, ours: Callable[[], object], peer: Callable[[], object], name: str, times: int = 3
) -> None:
    """Print the best of some runs of each, taken in turn."""
    runs = [(seconds(ours), seconds(peer)) for _ in range(times)]
    (cpu, wall), (peer_cpu, peer_wall) = (min(run[side] for run in runs) for side in (0, 1))
    print(f"{what:<34} {'CPU s':>8} {'wall s':>8}")
    print(f"  {'crmlab':<32} {cpu:8.2f} {wall:8.2f}")
    print(f"  {name:<32} {peer_cpu:8.2f} {peer_wall:8.2f}")
    print(f"  {'ratio':<32} {cpu / peer_cpu:8.2f} {wall / peer_wall:8.2f}")


def run_alone(prepare: Callable[[Path], Callable[[], object]], folder: Path) -> None:
    """Prepare and do a piece of work in this process, and print what it cost as a line of JSON."""
    work = prepare(folder)
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    # Unlike the peak that getrusage knows, this one is not inherited from the process that started us.
    print(
        json.dumps(
            {"cpu": cpu, "wall": wall, "mb": resident("VmHWM"), "check": digest(found), "words": words(found)}
        )
    )


def extra_memory(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of a piece of work, and by how many MB it raised the memory of this process at its peak."""
    gc.collect()
    # What was freed but kept for later use would be used by the work without being seen.
    ctypes.CDLL(None).malloc_trim(0)
    # Linux: the peak starts anew from what is held now.
    Path("/proc/self/clear_refs").write_text("5")
    held = resident("VmRSS")
    cpu, _ = seconds(work)
    return cpu, resident("VmHWM") - held


def resident(which: str) -> float:
    """Memory of this process in MB: VmRSS is what it holds, VmHWM the most it held."""
    return int(re.search(which + r":\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def digest(found: object) -> list[float]:
    """Sums of each column, and of its squares, of a table, of one in a file, or of some of either."""
    if isinstance(found, list):
        return [number for one in found for number in digest(one)]
    if isinstance(found, Path):
        found = pd.read_parquet(found)
    if not isinstance(found, pd.DataFrame):
        return []
    columns = [found[name].astype(float) for name in SAME if name in found]
    return [float(number) for column in columns for number in (column.sum(), (column**2).sum())]


def words(found: object) -> str:
    """What is to be said of a number, or of fits and how they ended."""
    if isinstance(found, float | np.floating):
        return f"{found:,.4f}"
    if not isinstance(found, pd.DataFrame) or "status" not in found:
        return ""
    said = [f"{n:,} {status}" for status, n in found["status"].value_counts().items()]
    if "lower" in found:
        said.append(f"{found['lower'].sum():,} with a likelihood of crmlab's below it")
    return ", ".join(said)
