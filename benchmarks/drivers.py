"""Key drivers: exact LMG, and 1,000 bootstrap replicates of relative weights, against plain ways.

    python benchmarks/drivers.py [--peer DRIVERS] [--rows N]

Each run is a process of its own, so that its peak memory is its own. The peers are written with numpy as
a textbook has them: LMG by one regression for each subset and driver, timed up to `--peer` drivers and
told for more by what it takes for one subset; the bootstrap by drawing rows, timed for 20 samples and told
for 1,000. Both ways must give the same weights.
"""

import argparse
import json
import subprocess
import sys
from math import factorial
from pathlib import Path

import numpy as np
from measure import run_alone

DRIVERS, REPLICATES, PLAIN_REPLICATES = (12, 16, 20, 24), 1000, 20


def survey(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers on 1 to 5 that go together, and an overall one."""
    random = np.random.default_rng(p)
    felt = random.normal(size=(n, p)) + random.normal(size=(n, 1))
    overall = felt @ random.uniform(0, 1, p) + 3 * random.normal(size=n)
    return np.clip(np.rint(3 + felt), 1, 5), overall


def exact(n: int, p: int) -> object:
    """Weights by the package."""
    from crmlab.mining.satisfaction import lmg

    ratings, overall = survey(n, p)
    lmg(ratings[:, :2], overall)
    return lambda: told(lmg(ratings, overall)["weight"].to_numpy())


def by_regressions(n: int, p: int) -> object:
    """Weights by a regression for each of the 2^p subsets, on correlations."""
    ratings, overall = survey(n, p)

    def work() -> float:
        correlation = np.corrcoef(np.column_stack([ratings, overall]).T)
        explained = np.zeros(1 << p)
        for subset in range(1, 1 << p):
            chosen = [driver for driver in range(p) if subset >> driver & 1]
            outer = correlation[chosen, -1]
            explained[subset] = outer @ np.linalg.solve(correlation[np.ix_(chosen, chosen)], outer)
        sizes = np.bitwise_count(np.arange(1 << p))
        weights = []
        for driver in range(p):
            without = np.flatnonzero(~np.arange(1 << p) >> driver & 1)
            share = np.array([factorial(s) * factorial(p - 1 - s) / factorial(p) for s in range(p)])
            added = explained[without | 1 << driver] - explained[without]
            weights.append(share[sizes[without]] @ added)
        return told(np.array(weights))

    return work


def told(weights: np.ndarray) -> float:
    """One number that tells two sets of weights apart."""
    return float(weights @ np.arange(1, len(weights) + 1))


def bootstrap(n: int, p: int) -> object:
    """Intervals by the package."""
    from crmlab.mining.satisfaction import relative_weights

    ratings, overall = survey(n, p)
    relative_weights(ratings[:100], overall[:100], replicates=2)
    return lambda: told(relative_weights(ratings, overall, replicates=REPLICATES)["high"].to_numpy())


def by_drawing_rows(n: int, p: int) -> object:
    """Intervals from samples of rows."""
    from crmlab.mining.methods import johnson_weights

    ratings, overall = survey(n, p)
    both, random = np.column_stack([ratings, overall]), np.random.default_rng(0)

    def work() -> float:
        samples = [both[random.integers(0, n, n)] for _ in range(PLAIN_REPLICATES)]
        drawn = [johnson_weights(np.corrcoef(sample.T)) for sample in samples]
        return told(np.quantile(drawn, 0.975, axis=0))

    return work


WAYS = {"exact": exact, "by regressions": by_regressions, "bootstrap": bootstrap, "by rows": by_drawing_rows}


def measured(way: str, n: int, p: int) -> dict:
    """CPU seconds, wall seconds and peak MB of one way in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", way, str(n), str(p)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def line(what: str, found: dict, times: float = 1, ratio: float | None = None) -> None:
    """Print a measurement; `times` more than was measured is told, not timed, and has a mark."""
    mark, more = ("" if times == 1 else " *"), ("" if ratio is None else f"{ratio:12.5f}")
    cpu, wall = times * found["cpu"], times * found["wall"]
    print(f"{what + mark:<52}{cpu:10.2f}{wall:10.2f}{found['mb']:9.0f}{more}", flush=True)


def main() -> None:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peer", type=int, default=16, help="most drivers that the plain LMG is timed with")
    parser.add_argument("--rows", type=int, default=100_000)
    chosen = parser.parse_args()
    print(f"{'':<52}{'CPU s':>10}{'wall s':>10}{'peak MB':>9}{'ours/theirs':>12}  * reckoned from less")
    plain, known = {}, 0
    for p in DRIVERS:
        ours = measured("exact", chosen.rows, p)
        if p <= chosen.peer:
            plain, known = measured("by regressions", chosen.rows, p), p
            if ours["words"] != plain["words"]:
                raise SystemExit(f"{p} drivers: crmlab gives {ours['words']}, the peer {plain['words']}.")
        times = 2.0 ** (p - known)
        line(f"LMG of {p} drivers, {chosen.rows:,} rows", ours, ratio=ours["cpu"] / (times * plain["cpu"]))
        line("  numpy, a regression for each subset", plain, times)
    ours, plain = (measured(way, chosen.rows, 20) for way in ("bootstrap", "by rows"))
    times = REPLICATES / PLAIN_REPLICATES
    line(f"{REPLICATES:,} replicates, 20 drivers", ours, ratio=ours["cpu"] / (times * plain["cpu"]))
    line("  numpy, samples of rows", plain, times)
    print(f"upper ends, told in one number: {ours['words']}; of {PLAIN_REPLICATES} samples {plain['words']}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        way, n, p = sys.argv[2:]
        run_alone(lambda _: WAYS[way](int(n), int(p)), Path())
    else:
        main()
