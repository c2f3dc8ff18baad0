"""Customer value from end to end: each task's cost against named peers, in one table.

    python benchmarks/customers.py [--full] [--only TEXT] [--peers PYTHON]

Each run is a process of its own, so that its peak memory is its own. Where a peer does the very same,
both must give the same numbers. `--peers` names an interpreter with the dependency group `peers`
(lifetimes, pymc-marketing); what it cannot import is said and left out. `--full` takes 10^8 order lines
instead of 10^7; they need 1.5 GB of disk.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from customers_peers import PEERS, TASKS
from measure import run_alone

TIMES = 2  # runs of each, of which the best counts


def write_orders(path: Path, n: int, block: int = 1_000_000) -> None:
    """One line per order, of n / 10 customers with ids in text over three years, in no order."""
    random = np.random.default_rng(1)
    with pq.ParquetWriter(path, pa.schema({
        "customer_id": pa.string(), "time": pa.timestamp("us"), "amount": pa.int64(),
    })) as writer:  # fmt: skip
        for start in range(0, n, block):
            size = min(block, n - start)
            seconds = random.integers(0, 1095 * 86400, size).astype("m8[s]")
            writer.write_table(pa.table({
                "customer_id": random.integers(0, n // 10, size).astype(str),
                "time": np.datetime64("2022-01-01", "us") + seconds,
                "amount": random.integers(100, 10_000, size),
            }))  # fmt: skip


def write_lines(path: Path, n: int, block: int = 250_000) -> None:
    """Orders as they came in over three years, four lines each on average, 2 % of them returned.

    Customers are a fortieth of the lines, their ids are numbers.
    """
    random = np.random.default_rng(2)
    names = ("customer_id", "order_id", "time", "quantity", "amount")
    kinds = (pa.int64(), pa.int64(), pa.timestamp("us"), pa.int64(), pa.int64())
    with pq.ParquetWriter(path, pa.schema(dict(zip(names, kinds, strict=True)))) as writer:
        for start in range(0, n // 4, block):
            size = min(block, n // 4 - start)
            lines = random.integers(1, 8, size)
            order = np.repeat(np.arange(start, start + size), lines)
            seconds = order * (1095 * 86400) // (n // 4)
            quantity = random.integers(1, 5, len(order)) * np.where(random.random(len(order)) < 0.02, -1, 1)
            columns = (
                np.repeat(random.integers(0, n // 40, size), lines), order,
                np.datetime64("2022-01-01", "us") + seconds.astype("m8[s]"), quantity,
                quantity * random.integers(100, 10_000, len(order)),
            )  # fmt: skip
            writer.write_table(pa.table(dict(zip(names, columns, strict=True))))


def write_customers(path: Path, n: int) -> None:
    """Customers of one to two years who buy and leave as BG/NBD says; times in whole days."""
    random = np.random.default_rng(1)
    age = random.integers(365, 730, n).astype(float)
    summary = bought_until(age, random.gamma(0.6, 1 / 60, n), random.beta(0.8, 2.5, n), random)
    count = np.maximum(summary["frequency"], 1)
    spend = random.gamma(6 * count) / count * 15 / random.gamma(4, 1, n)
    summary.assign(monetary_value=spend * (summary["frequency"] > 0)).to_parquet(path)


def write_data_sets(path: Path, n: int) -> None:
    """Data sets of 200 to 2,000 customers who buy and leave by parameters drawn at random."""
    random, parts = np.random.default_rng(3), []
    for place in range(n):
        size, longest = int(random.integers(200, 2001)), int(random.integers(60, 731))
        age = random.integers(longest // 3, longest, size).astype(float)
        r, alpha = np.exp(random.uniform(np.log([0.2, 5]), np.log([3, 100])))
        a, b = np.exp(random.uniform(np.log([0.2, 0.5]), np.log([3, 6])))
        found = bought_until(age, random.gamma(r, 1 / alpha, size), random.beta(a, b, size), random)
        parts.append(found.assign(data_set=place))
    pd.concat(parts).to_parquet(path, index=False)


def bought_until(
    age: np.ndarray, rate: np.ndarray, chance: np.ndarray, random: np.random.Generator
) -> pd.DataFrame:
    """Summaries of customers who buy at a rate and leave after each purchase with a chance."""
    count, last, time = np.zeros(len(age)), np.zeros(len(age)), np.zeros(len(age))
    active = np.arange(len(age))
    while len(active):
        time[active] += random.exponential(1 / rate[active])
        active = active[time[active] < age[active]]
        count[active] += 1
        last[active] = np.ceil(time[active])
        active = active[random.random(len(active)) >= chance[active]]
    return pd.DataFrame({"frequency": count.astype(int), "recency": last, "T": age})


def summary(folder: Path, holdout: bool = False) -> object:
    """From order lines in a file to a frame."""
    import crmlab as crm
    from crmlab.mining.customers import purchase_summary

    def work() -> pd.DataFrame:
        orders = crm.connect(memory="2GB").read_parquet(folder / "orders.parquet")
        days = {"end": "2024-12-30", "calibration_end": "2023-12-31"} if holdout else {}
        return crm.collect(purchase_summary(orders, period="D", **days), key="customer_id")

    return work


def cohorts(folder: Path) -> object:
    """The monthly table."""
    import crmlab as crm
    from crmlab.mining.customers import cohorts

    return lambda: cohorts(crm.connect(memory="2GB").read_parquet(folder / "orders.parquet"))


def large(folder: Path, memory: str, all_three: bool) -> object:
    """Summary, RFM scores and cohorts of many order lines, the first two from file to file."""
    import crmlab as crm
    from crmlab.mining.customers import cohorts, purchase_summary, rfm

    def work() -> list:
        engine = crm.connect(memory=memory, spill=str(folder / "spill"))
        lines = engine.read_parquet(folder / "lines.parquet")
        purchase_summary(lines, period="D").to_parquet(folder / "summary.parquet")
        if not all_three:
            return [folder / "summary.parquet"]
        rfm(lines).to_parquet(folder / "rfm.parquet")
        return [folder / "summary.parquet", folder / "rfm.parquet", cohorts(lines)]

    return work


def fit(folder: Path, name: str) -> object:
    """A model fitted to all customers; a first fit to few loads what is needed."""
    from crmlab.mining import customers

    table = pd.read_parquet(folder / "customers.parquet")
    getattr(customers, name)().fit(table[:1000])
    return lambda: getattr(customers, name)().fit(table).log_likelihood_


def lifetime_value(folder: Path) -> object:
    """Twelve months by BG/NBD and Gamma-Gamma, fitted beforehand."""
    from crmlab.mining.customers import BGNBD, GammaGamma, lifetime_value

    table = pd.read_parquet(folder / "customers.parquet")
    models = BGNBD().fit(table), GammaGamma().fit(table)
    return lambda: lifetime_value(*models, table, unit="D").sum()


def bootstrap_fits(folder: Path) -> object:
    """A thousand fits of BG/NBD to the customers of CDNOW."""
    from crmlab.mining.customers import BGNBD, bootstrap

    rows = pd.read_csv(Path(os.environ["CRMLAB_DATA"], "cdnow", "btyd_cbs_exact.csv"))
    weeks = [(rows[name] * 7).round() / 7 for name in ("t_x", "T_cal")]
    table = pd.DataFrame({"frequency": rows["x"], "recency": weeks[0], "T": weeks[1]})
    model = BGNBD().fit(table)
    bootstrap(model, table, 2)
    return lambda: float(bootstrap(model, table, 1000).failed)


def failures(folder: Path) -> object:
    """Log-likelihood and outcome of a fit to each data set."""
    from crmlab.mining.customers import BGNBD

    sets = pd.read_parquet(folder / "sets.parquet")

    def work() -> pd.DataFrame:
        fits = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for _, table in sets.groupby("data_set"):
                model = BGNBD().fit(table)
                fits.append((model.log_likelihood_, model.convergence_.status))
        found = pd.DataFrame(fits, columns=["log_likelihood", "status"])
        found.to_parquet(folder / "fits.parquet")
        return found

    return work


OURS = {
    "summary": summary,
    "holdout": lambda folder: summary(folder, holdout=True),
    "cohorts": cohorts,
    "large": lambda folder: large(folder, "1GB", True),
    "large_summary": lambda folder: large(folder, "512MB", False),
    "bg_nbd": lambda folder: fit(folder, "BGNBD"),
    "pareto_nbd": lambda folder: fit(folder, "ParetoNBD"),
    "lifetime_value": lifetime_value,
    "bootstrap": bootstrap_fits,
    "failures": failures,
}


def measured(python: str, script: str, task: str, way: str, folder: Path) -> dict:
    """Best of some runs in processes of their own."""
    runs = []
    for _ in range(TIMES if way in ("crmlab", "SQL") else 1):
        done = subprocess.run(
            [python, str(Path(__file__).parent / script), "--run", task, way, str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return {"fault": (done.stderr.strip().splitlines() or ["no word"])[-1][:90]}
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {**runs[0], **{what: min(run[what] for run in runs) for what in ("cpu", "wall", "mb")}}


def compare(task: str, title: str, python: str, folder: Path) -> None:
    """Print ours and theirs."""
    ours = measured(sys.executable, "customers.py", task, "crmlab", folder)
    if "fault" in ours:
        print(f"{title:<46} {ours['fault']}", flush=True)
        return
    line = f"{title:<46} {ours['cpu']:8.2f} {ours['wall']:8.2f} {ours['mb']:8.0f}"
    print(line, ours["words"], flush=True)
    for way in PEERS[task]:
        interpreter = sys.executable if way == "SQL" else python
        theirs = measured(interpreter, "customers_peers.py", task, way, folder)
        if "fault" in theirs:
            print(f"{'  ' + way:<46} {theirs['fault']}", flush=True)
            continue
        cpu, wall, mb = (ours[what] / theirs[what] for what in ("cpu", "wall", "mb"))
        print(f"{'  ' + way:<46} {theirs['cpu']:8.2f} {theirs['wall']:8.2f} {theirs['mb']:8.0f}"
              f" {cpu:9.3f} {wall:7.3f} {mb:7.3f} {theirs['words']}", flush=True)  # fmt: skip
        if ours["check"] and theirs["check"] and not np.allclose(ours["check"], theirs["check"], rtol=1e-8):
            raise SystemExit(f"{title}: {way} gives {theirs['check']}, crmlab {ours['check']}.")


def main() -> None:
    """Write the data, run all tasks, and take the data away again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="10^8 order lines instead of 10^7")
    parser.add_argument("--only", default="", help="tasks with this text in their name")
    parser.add_argument("--peers", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--orders", type=int, default=20_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--sets", type=int, default=1_000)
    chosen = parser.parse_args()
    sizes = {"orders": chosen.orders, "lines": 10**8 if chosen.full else 10**7,
             "customers": chosen.customers, "sets": chosen.sets, None: 1000}  # fmt: skip
    writers = {"orders": write_orders, "lines": write_lines,
               "customers": write_customers, "sets": write_data_sets}  # fmt: skip
    print(f"{'':<46} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'ours/theirs: CPU, wall, peak':>25}")
    for data in (*writers, None):
        tasks = [task for task, (_, needs) in TASKS.items() if needs == data and chosen.only in task]
        with tempfile.TemporaryDirectory() as folder:
            if tasks and data:
                writers[data](Path(folder, f"{data}.parquet"), sizes[data])
            for task in tasks:
                compare(task, TASKS[task][0].format(n=sizes[data]), chosen.peers, Path(folder))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        import ibis  # noqa: F401 - what is measured is work, not imports

        run_alone(OURS[sys.argv[2]], Path(sys.argv[4]))
    else:
        main()
