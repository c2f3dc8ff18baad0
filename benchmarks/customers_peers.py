"""What customers.py compares with: SQL written by hand, pandas, lifetimes and pymc-marketing.

It runs under the interpreter that has the peers, which needs no crmlab.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from measure import run_alone

#: Title and data of each task.
TASKS = {
    "summary": ("Summary of {n:,} orders", "orders"),
    "holdout": ("Summary with holdout of {n:,} orders", "orders"),
    "cohorts": ("Monthly cohorts of {n:,} orders", "orders"),
    "large": ("Summary, RFM, cohorts of {n:,} lines in 1 GB", "lines"),
    "large_summary": ("Summary of {n:,} lines in 512 MB", "lines"),
    "bg_nbd": ("BG/NBD fit, {n:,} customers", "customers"),
    "pareto_nbd": ("Pareto/NBD fit, {n:,} customers", "customers"),
    "lifetime_value": ("12-month value of {n:,} customers", "customers"),
    "failures": ("BG/NBD fits to {n:,} random data sets", "sets"),
    "bootstrap": ("{n:,} bootstrap fits of BG/NBD, CDNOW", None),
}
PEERS = {
    "summary": ("SQL", "lifetimes", "pymc-marketing"),
    "holdout": ("SQL",),
    "cohorts": ("SQL", "pandas"),
    "large": ("SQL",),
    "large_summary": ("SQL",),
    "bg_nbd": ("lifetimes",),
    "pareto_nbd": ("lifetimes, a tenth of them",),
    "lifetime_value": ("lifetimes",),
    "bootstrap": (),
    "failures": ("lifetimes",),
}

DAYS = """
    SELECT customer_id, "time"::DATE AS day, sum(amount) AS amount, bool_or({bought}) AS bought
    FROM '{path}' GROUP BY ALL
"""
SUMMARY = """
SELECT customer_id, frequency, date_diff('day', since, latest)::DOUBLE AS recency,
    date_diff('day', since, ending)::DOUBLE AS "T",
    (spent - spent_first) / nullif(frequency, 0) AS monetary_value
FROM (
    SELECT customer_id, count(*) FILTER (bought) - 1 AS frequency, min(day) FILTER (bought) AS since,
        max(day) FILTER (bought) AS latest, sum(amount) AS spent,
        arg_min(amount, day) FILTER (bought) AS spent_first
    FROM ({days}) GROUP BY ALL
), (SELECT max("time")::DATE AS ending FROM '{path}') WHERE frequency >= 0
"""
HOLDOUT = """
SELECT customer_id, frequency, date_diff('day', since, latest)::DOUBLE AS recency,
    date_diff('day', since, DATE '2023-12-31')::DOUBLE AS "T",
    (spent - spent_first) / nullif(frequency, 0) AS monetary_value,
    frequency_holdout, spent_holdout / nullif(frequency_holdout, 0) AS monetary_value_holdout
FROM (
    SELECT customer_id,
        count(*) FILTER (bought AND known) - 1 AS frequency,
        min(day) FILTER (bought AND known) AS since,
        max(day) FILTER (bought AND known) AS latest,
        sum(amount) FILTER (known) AS spent,
        arg_min(amount, day) FILTER (bought AND known) AS spent_first,
        count(*) FILTER (bought AND NOT known) AS frequency_holdout,
        sum(amount) FILTER (NOT known) AS spent_holdout
    FROM (SELECT *, day <= DATE '2023-12-31' AS known FROM ({days}) WHERE day <= DATE '2024-12-30')
    GROUP BY ALL
) WHERE frequency >= 0 ORDER BY customer_id
"""
COHORTS = """
WITH each AS (
    SELECT customer_id, date_trunc('month', day) AS period, count(*) FILTER (bought) AS orders,
        sum(amount) AS amount
    FROM ({orders}) GROUP BY ALL
), of AS (SELECT customer_id, min(period) AS cohort FROM each WHERE orders > 0 GROUP BY ALL)
SELECT cohort, period, count(*) FILTER (orders > 0) AS customers, sum(orders) AS orders, sum(amount) AS amount
FROM each JOIN of USING (customer_id) WHERE period >= cohort GROUP BY ALL ORDER BY ALL
"""
ORDERS = """
SELECT customer_id, order_id, min("time")::DATE AS day, sum(amount) AS amount, bool_or({bought}) AS bought,
    max("time") FILTER ({bought})::DATE AS latest
FROM '{path}' GROUP BY customer_id, order_id
"""
RFM = """
WITH each AS (
    SELECT customer_id, max(latest) AS latest, count(*) FILTER (bought) AS frequency,
        sum(amount) AS monetary_value
    FROM ({orders}) GROUP BY ALL HAVING frequency > 0
), scored AS (
    SELECT customer_id, date_diff('day', latest, (SELECT max("time")::DATE + 1 FROM '{path}')) AS recency,
        frequency, monetary_value FROM each
)
SELECT *, 1 + 5 * (rank() OVER (ORDER BY recency DESC) - 1) // count(*) OVER () AS r_score,
    1 + 5 * (rank() OVER (ORDER BY frequency) - 1) // count(*) OVER () AS f_score,
    1 + 5 * (rank() OVER (ORDER BY monetary_value) - 1) // count(*) OVER () AS m_score
FROM scored
"""


def in_sql(folder: Path, task: str) -> object:
    """The same on the same engine."""
    import duckdb

    memory = {"large": "1GB", "large_summary": "512MB"}.get(task, "2GB")
    path = folder / ("lines.parquet" if task.startswith("large") else "orders.parquet")
    bought = "quantity >= 0 AND amount >= 0" if task.startswith("large") else "amount >= 0"
    days, orders = (text.format(path=path, bought=bought) for text in (DAYS, ORDERS))

    def work() -> pd.DataFrame | list:
        engine = duckdb.connect(
            config={"memory_limit": memory, "temp_directory": str(folder / "spill"),
                    "preserve_insertion_order": False}
        )  # fmt: skip
        if task == "summary":
            return engine.execute(SUMMARY.format(path=path, days=days) + "ORDER BY customer_id").df()
        if task == "holdout":
            return engine.execute(HOLDOUT.format(days=days)).df()
        if task == "cohorts":
            lines = f"SELECT customer_id, \"time\" AS day, amount, {bought} AS bought FROM '{path}'"
            return engine.execute(COHORTS.format(orders=lines)).df()
        summary, rfm = folder / "summary_sql.parquet", folder / "rfm_sql.parquet"
        engine.execute(f"COPY ({SUMMARY.format(path=path, days=days)}) TO '{summary}'")
        if task == "large_summary":
            return [summary]
        engine.execute(f"COPY ({RFM.format(path=path, orders=orders)}) TO '{rfm}'")
        return [summary, rfm, engine.execute(COHORTS.format(orders=orders)).df()]

    return work


def summary_by_lifetimes(folder: Path) -> object:
    """From the file to its frame."""
    from lifetimes.utils import summary_data_from_transaction_data

    return lambda: summary_data_from_transaction_data(
        pd.read_parquet(folder / "orders.parquet"), "customer_id", "time", "amount", freq="D"
    )


def summary_by_pymc_marketing(folder: Path) -> object:
    """From the file to its frame."""
    from pymc_marketing.clv.utils import rfm_summary

    return lambda: rfm_summary(
        pd.read_parquet(folder / "orders.parquet"), "customer_id", "time", "amount", time_unit="D"
    )


def cohorts_by_pandas(folder: Path) -> object:
    """Customers, orders and amount by month of the first order and month."""

    def work() -> pd.DataFrame:
        orders = pd.read_parquet(folder / "orders.parquet")
        month = orders["time"].to_numpy().astype("datetime64[M]").astype(int)
        each = orders.assign(month=month).groupby(["customer_id", "month"])["amount"].agg(["size", "sum"])
        each = each.reset_index()
        each["cohort"] = each.groupby("customer_id")["month"].transform("min")
        return each.groupby(["cohort", "month"]).agg(
            customers=("size", "size"), orders=("size", "sum"), amount=("sum", "sum")
        )

    return work


def by_lifetimes(folder: Path, task: str) -> object:
    """A fit, or the value by a fitted model; the optimizer raises where it finds nothing."""
    import lifetimes

    table = pd.read_parquet(folder / "customers.parquet")
    if task == "pareto_nbd":
        table = table[: len(table) // 10]
    history = [table[name] for name in ("frequency", "recency", "T")]
    if task != "lifetime_value":
        model = {"bg_nbd": lifetimes.BetaGeoFitter, "pareto_nbd": lifetimes.ParetoNBDFitter}[task]()
        return lambda: log_likelihood(model.fit(*history), table)
    purchases = lifetimes.BetaGeoFitter().fit(*history)
    repeated = table[table["frequency"] > 0]
    spend = lifetimes.GammaGammaFitter().fit(repeated["frequency"], repeated["monetary_value"])
    return lambda: spend.customer_lifetime_value(
        purchases, *history, table["monetary_value"], time=12, freq="D"
    ).sum()


def log_likelihood(model: object, table: pd.DataFrame) -> float:
    """Over all customers, in their own unit of time instead of the one that lifetimes scales it to."""
    # ParetoNBDFitter notes the sum, the others the mean.
    scaled = -model._negative_log_likelihood_ * (1 if "s" in model.params_ else len(table))
    return scaled + table["frequency"].sum() * np.log(model._scale)


def failures_of_lifetimes(folder: Path) -> object:
    """Log-likelihood of a fit to each data set, missing where it raised."""
    from lifetimes import BetaGeoFitter

    sets = pd.read_parquet(folder / "sets.parquet")

    def work() -> pd.DataFrame:
        found = []
        for _, table in sets.groupby("data_set"):
            try:
                model = BetaGeoFitter().fit(table["frequency"], table["recency"], table["T"])
                found.append((log_likelihood(model, table), "converged"))
            except Exception as error:
                found.append((np.nan, type(error).__name__))
        table = pd.DataFrame(found, columns=["log_likelihood", "status"])
        ours = pd.read_parquet(folder / "fits.parquet")["log_likelihood"]
        return table.assign(lower=ours < table["log_likelihood"] - 1e-6 * ours.abs())

    return work


WAYS = {
    ("summary", "lifetimes"): summary_by_lifetimes,
    ("summary", "pymc-marketing"): summary_by_pymc_marketing,
    ("cohorts", "pandas"): cohorts_by_pandas,
    ("failures", "lifetimes"): failures_of_lifetimes,
    **{(task, PEERS[task][0]): lambda folder, task=task: by_lifetimes(folder, task)
       for task in ("bg_nbd", "pareto_nbd", "lifetime_value")},
    **{(task, "SQL"): lambda folder, task=task: in_sql(folder, task)
       for task, peers in PEERS.items() if "SQL" in peers},
}  # fmt: skip

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_alone(WAYS[sys.argv[2], sys.argv[3]], Path(sys.argv[4]))
