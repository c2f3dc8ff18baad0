"""Cleansing n order lines, one in a hundred broken, against a bare check of the same table by pandera."""

import sys

import numpy as np
import pandas as pd
from measure import compare

from crmlab.cleansing import clean
from crmlab.tables import validate


def make_raw(n: int) -> pd.DataFrame:
    """Order lines in text, with 1 % of the dates impossible."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame({
        "customer_id": random.integers(1, n // 10, n).astype(str),
        "order_id": np.arange(n).astype(str),
        "time": random.integers(10_000, 20_000, n).astype("datetime64[D]").astype(str),
        "quantity": random.integers(1, 5, n).astype(str),
        "unit_price": (random.integers(1, 10**5, n) / 100).astype(str),
        "channel": random.choice(["web", "Phone"], n),
    }, dtype="str")  # fmt: skip
    frame.loc[::100, "time"] = "99/99/9999"
    return frame


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    raw = make_raw(n)
    done = clean(raw, "orders")
    assert (len(done.frame), len(done.quarantine)) == (n - n // 100, n // 100)
    compare(
        f"Cleansing {n:,} order lines",
        lambda: clean(raw, "orders"),
        lambda: validate(done.frame, "orders"),
        "pandera, checking the clean table only",
        times=2,
    )
