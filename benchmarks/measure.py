"""Time two ways of doing the same thing, in turn, and print the ratio."""

import time
from collections.abc import Callable


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
