"""False alarms and power of looking at a running comparison, at fixed 5 % and by the confidence sequence.

    python benchmarks/peeking.py [--runs N]

The planned design: 100 looks on the way to 20,000 customers per arm, 10 % of whom answer without contact;
the sequence is tuned to the sample size for two points more.
Once the customers arrive one after the other and each answer is known when they come; once all are
assigned on the first day and answer later, each on a day of their own, so that at each look the number of
answers is larger and that of customers is the same. A false alarm is a difference found at any look where
there is none.
"""

import argparse

import numpy as np

from crmlab.mining.methods import asymptotic_confidence_sequence, false_alarms, group_sequential_bounds
from crmlab.mining.methods.intervals import normal_quantile

#: A look at every 200 customers; 3,841 per arm is the fixed sample for +2 points with 80 % power.
LOOKS, PER_ARM, PLANNED, BASE, BATCH = 100, 20_000, 3_841, 0.10, 500


def arriving(random: np.random.Generator, runs: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Customers and answers so far at each look, where customers arrive with their answers."""
    step = PER_ARM // LOOKS
    answers = random.binomial(step, rate, (runs, LOOKS)).cumsum(axis=1)
    return np.arange(step, PER_ARM + 1, step), answers


def waiting(random: np.random.Generator, runs: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """The same where all customers are there from the first day and answer later, most of them early."""
    left, answers = np.full(runs, PER_ARM), np.empty((runs, LOOKS), dtype=int)
    share = rate * np.linspace(1 / LOOKS, 1, LOOKS) ** 0.5
    before = np.concatenate([[0], share[:-1]])
    for look, chance in enumerate((share - before) / (1 - before)):
        left = left - random.binomial(left, chance)
        answers[:, look] = PER_ARM - left
    return np.full(LOOKS, PER_ARM), answers


def found(design: object, seed: int, runs: int, lift: float) -> dict[str, np.ndarray]:
    """The look at which each way first finds a difference in each run; `LOOKS` if it never does."""
    first: dict[str, list[np.ndarray]] = {"at fixed 5 %": [], "confidence sequence": []}
    for batch in range(-(-runs // BATCH)):
        random = np.random.default_rng([seed, batch])
        n, control = design(random, BATCH, BASE)
        _, treated = design(random, BATCH, BASE + lift)
        a, b = treated / n, control / n
        difference, error = a - b, np.sqrt((a * (1 - a) + b * (1 - b)) / n)
        pooled = (a + b) / 2
        # What has been gathered, by the odds of an answer: exact in both designs, see mining.campaigns.
        progress = n * pooled / (1 - pooled) / (PLANNED * BASE / (1 - BASE))
        low, high = asymptotic_confidence_sequence(difference, error, progress)
        for name, alarm in (
            ("at fixed 5 %", np.abs(difference) > normal_quantile(0.95) * error),
            ("confidence sequence", (low > 0) | (high < 0)),
        ):
            first[name].append(np.where(alarm.any(axis=1), alarm.argmax(axis=1), LOOKS))
    return {name: np.concatenate(parts)[:runs] for name, parts in first.items()}


def main() -> None:
    """Reckon, simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    runs = parser.parse_args().runs
    z = normal_quantile(0.95)
    exact = ", ".join(f"{k} looks {100 * false_alarms([z] * k):.1f} %" for k in (2, 3, 5, 10, 20, 50))
    print(f"Looking at fixed 5 %, reckoned: {exact}")
    five = ", ".join(f"{s} {group_sequential_bounds(5, s)[-1]:.3f}" for s in ("pocock", "obrien-fleming"))
    print(f"Bounds of five looks: {five}")
    print(f"{runs:,} runs, {LOOKS} looks to {PER_ARM:,} per arm, base {BASE:.0%}")
    print(f"{'':<26}{'':<22}{'false alarms':>13}{'power +2 points':>17}{'mean stop':>11}")
    for design in (arriving, waiting):
        none, some = found(design, 1, runs, 0.0), found(design, 2, runs, 0.02)
        for name, alarms in none.items():
            stop = np.minimum(some[name] + 1, LOOKS).mean() / LOOKS * PER_ARM
            stopped = f"{stop:11,.0f}" if design is arriving else f"{'':>11}"
            power = (some[name] < LOOKS).mean()
            where = f"customers {design.__name__}"
            print(f"{where:<26}{name:<22}{(alarms < LOOKS).mean():13.2%}{power:17.2%}{stopped}")


if __name__ == "__main__":
    main()
