"""RFM with scores over n order lines, against plain pandas. Both must give the same table."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import compare

import crmlab as crm


def make_orders(n: int) -> pd.DataFrame:
    """Order lines of n / 10 customers over three years."""
    random = np.random.default_rng(1)
    days = random.integers(0, 1095, n).astype("timedelta64[D]")
    return pd.DataFrame({
        "customer_id": random.integers(0, n // 10, n).astype(str),
        "order_id": np.arange(n).astype(str),
        "time": np.datetime64("2022-01-01", "us") + days,
        "quantity": random.integers(1, 5, n),
        "amount": random.integers(100, 10_000, n),
    })  # fmt: skip


def in_pandas(path: Path) -> pd.DataFrame:
    """The same with pandas alone."""
    orders = pd.read_parquet(path)
    day = orders["time"].max().normalize() + pd.Timedelta(days=1)
    customers = orders.groupby("customer_id")
    table = pd.DataFrame({
        "recency": (day - customers["time"].max()).dt.days,
        "frequency": customers["order_id"].nunique(),
        "monetary_value": customers["amount"].sum(),
    })  # fmt: skip
    for value, score, sign in [("recency", "r", -1), ("frequency", "f", 1), ("monetary_value", "m", 1)]:
        lesser = (sign * table[value]).rank(method="min") - 1
        table[f"{score}_score"] = 1 + (5 * lesser).astype(int) // len(table)
    return table.sort_index().reset_index()


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "orders.parquet")
        make_orders(n).to_parquet(path)
        engine = crm.connect(memory="2GB")

        def ours() -> pd.DataFrame:
            """From the file to a frame."""
            return crm.collect(crm.mining.customers.rfm(engine.read_parquet(path)), key="customer_id")

        pd.testing.assert_frame_equal(ours(), in_pandas(path), check_dtype=False)
        compare(f"RFM of {n:,} order lines", ours, lambda: in_pandas(path), f"pandas {pd.__version__}")
