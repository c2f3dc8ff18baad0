"""How often 95 % intervals of the NPS hold the truth, counted over all samples. 94.5 to 97 % is right.

    python benchmarks/coverage_nps.py [N ...]

For each number of answers the mixes of promoters, detractors and passives are a grid of twentieths, and
around its edges mixes in which one or two kinds are expected a few times, once, or hardly ever. The second
line of a method is about mixes in which each kind is expected three times or more. Promoters and detractors
change places without a change in coverage, so that only mixes with more promoters are counted.
"""

import sys
import time

import numpy as np
from scipy.special import gammaln, xlogy

from crmlab.mining.methods import share_difference

METHODS = ("wald", "adjusted", "score")
#: How often a rare kind is expected.
RARE = (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7, 10)


def mixes(n: int) -> np.ndarray:
    """Shares of promoters, detractors and passives."""
    steps = np.arange(0.05, 1, 0.05)
    rare = np.array([times / n for times in RARE if times <= n / 2])
    shares = np.unique(np.round(np.concatenate([rare, steps]), 9))
    plus, minus = (side.ravel() for side in np.meshgrid(shares, shares))
    # As many of them again with few passives.
    up, between = (side.ravel() for side in np.meshgrid(np.arange(0.5, 1.001, 0.02), rare))
    plus, minus = np.concatenate([plus, up]), np.concatenate([minus, 1 - up - between])
    mix = np.column_stack([plus, minus, 1 - plus - minus]).round(9)
    return np.unique(np.abs(mix[(mix >= 0).all(axis=1) & (mix[:, 0] >= mix[:, 1])]), axis=0)


def coverage(n: int, mix: np.ndarray) -> dict[str, np.ndarray]:
    """Probability, by method, that the interval holds the difference, over all samples of each mix."""
    plus, minus = (side.ravel() for side in np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0)))
    counts = np.column_stack([plus, minus, n - plus - minus])[plus + minus <= n]
    ways = gammaln(n + 1) - gammaln(counts + 1).sum(axis=1)
    intervals = {method: share_difference(*counts[:, :2].T, n, method=method) for method in METHODS}
    held = {method: np.zeros(len(mix)) for method in METHODS}
    for at, shares in enumerate(mix):
        # Samples that lie eight standard errors away add less than 1e-14.
        reach = 8 * np.sqrt(n * shares * (1 - shares)) + 30
        near = (np.abs(counts - n * shares) <= reach).all(axis=1)
        chance = np.exp(ways[near] + xlogy(counts[near], shares).sum(axis=1))
        truth = shares[0] - shares[1]
        for method, (low, high) in intervals.items():
            inside = (low[near] <= truth + 1e-12) & (truth - 1e-12 <= high[near])
            held[method][at] = chance[inside].sum()
    return held


def show(n: int) -> None:
    """Print what the methods hold at one number of answers."""
    started, mix = time.process_time(), mixes(n)
    held, enough = coverage(n, mix), n * mix.min(axis=1) >= 3
    print(f"n = {n:,}: {len(mix):,} mixes, {time.process_time() - started:.0f} CPU s")
    for method, share in held.items():
        for what, which in (("all mixes", slice(None)), ("each kind 3 or more", enough)):
            part = 100 * share[which]
            worst = mix[which][part.argmin()]
            print(
                f"  {method:<9} {what:<20} {part.min():6.2f} to {part.max():6.2f} %   below 94.5: "
                f"{100 * (part < 94.5).mean():5.1f} %   94.5 to 97: "
                f"{100 * ((part >= 94.5) & (part <= 97)).mean():5.1f} %   lowest at "
                f"{worst[0]:.3f} / {worst[1]:.3f} / {worst[2]:.3f}", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    sizes = [int(given) for given in sys.argv[1:]]
    for size in sizes or [20, 22, 25, 30, 40, 45, 50, 75, 100, 200, 500, 1000]:
        show(size)
