"""How often 95 % intervals of lifetime models hold the truth, in simulation. 93 to 97 % is right.

    python benchmarks/coverage.py [REPLICATES] [CUSTOMERS]

Wald: from `standard_errors_`, on the log scale. Bootstrap: `bootstrap` with 200 refits and
`prediction_interval` of the purchases that all customers are expected to make in another year. A hundred
replicates take some minutes; the simulated error of each share is printed with it.
"""

import sys
import time
import warnings

import numpy as np
import pandas as pd

from crmlab.mining.customers import BGNBD, ParetoNBD, bootstrap, prediction_interval

TRUE = {
    BGNBD: {"r": 0.6, "alpha": 8.0, "a": 0.8, "b": 2.5},
    ParetoNBD: {"r": 0.6, "alpha": 8.0, "s": 0.8, "beta": 12.0},
}
AHEAD = 52.0


def simulated(model: type, n: int, random: np.random.Generator) -> pd.DataFrame:
    """Summary of customers of half a year to two years, times in weeks with all their decimals."""
    true, age = TRUE[model], random.uniform(26, 104, n)
    rate = random.gamma(true["r"], 1 / true["alpha"], n)
    if model is BGNBD:
        chance, end = random.beta(true["a"], true["b"], n), age
    else:
        chance = np.zeros(n)
        end = np.minimum(age, random.exponential(1 / random.gamma(true["s"], 1 / true["beta"], n)))
    count, last, active = np.zeros(n), np.zeros(n), np.arange(n)
    while len(active):
        following = last[active] + random.exponential(1 / rate[active])
        active, following = (each[following < end[active]] for each in (active, following))
        count[active] += 1
        last[active] = following
        active = active[random.random(len(active)) >= chance[active]]
    return pd.DataFrame({"frequency": count.astype(int), "recency": last, "T": age})


def coverage(model: type, replicates: int, n: int, refits: int) -> None:
    """Print the share of intervals that hold the truth, and the cases without any."""
    random, true = np.random.default_rng(7), np.array(list(TRUE[model].values()))
    truth = model.from_params(**TRUE[model])
    wald, drawn, predicted, ridges, started = [], [], [], 0, time.process_time()
    for replicate in range(replicates):
        customers = simulated(model, n, random)
        fitted = model().fit(customers)
        if fitted.convergence_.status != "converged":
            ridges += 1
            continue
        value, error = (np.array(list(each.values())) for each in (fitted.params_, fitted.standard_errors_))
        wald.append(np.abs(np.log(value / true)) < 1.959964 * error / value)
        if not refits:
            continue
        again = bootstrap(fitted, customers, refits, seed=replicate)
        ends = again.intervals()
        drawn.append(((ends["low"] < true) & (true < ends["high"])).to_numpy())

        def purchases(one: object, customers: pd.DataFrame = customers) -> float:
            return float(one.expected_purchases(AHEAD, customers).sum())

        found = prediction_interval(purchases, again)
        predicted.append(found.low < purchases(truth) < found.high)
    print(f"{model.__name__}: {replicates:,} times {n:,} customers, {ridges} without optimum, "
          f"{time.process_time() - started:.0f} CPU s")  # fmt: skip
    for what, held in (("Wald", wald), ("bootstrap", drawn)):
        if held:
            means = zip(TRUE[model], 100 * np.mean(held, axis=0), strict=True)
            shares = [f"{name} {share:.1f}" for name, share in means]
            print(
                f"  {what:<10} {', '.join(shares)} % (+- {196 * np.sqrt(0.0475 / len(held)):.1f})", flush=True
            )
    if predicted:
        print(f"  purchases of all in {AHEAD:g} weeks: {100 * np.mean(predicted):.1f} %", flush=True)


if __name__ == "__main__":
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    warnings.simplefilter("ignore", UserWarning)
    coverage(BGNBD, replicates, n, refits=200)
    coverage(ParetoNBD, replicates, n, refits=0)
