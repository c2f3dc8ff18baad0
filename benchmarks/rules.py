"""Five rules on n clean order lines, one line in a hundred broken, against pandera with the same checks.

A range, allowed values, a comparison between columns, a foreign key, and uniqueness; both list
every row that fails. The counts of both are compared.
"""

import sys

import numpy as np
import pandas as pd
import pandera.pandas as pandera
from measure import compare

from crmlab.cleansing import check_rules

RULES = [
    {"table": "orders", "check": "1 <= quantity <= 4"},
    {"table": "orders", "check": "channel in ['web', 'phone']"},
    {"table": "orders", "check": "amount = quantity * unit_price"},
    {"table": "orders", "check": "customer_id in customers.customer_id"},
    {"table": "orders", "unique": ["order_id"]},
]


def make_tables(n: int) -> dict[str, pd.DataFrame]:
    """Clean order lines and their customers; each rule is broken by 1 % of the lines or a little less."""
    random = np.random.default_rng(1)
    orders = pd.DataFrame({
        "order_id": np.arange(n).astype(str),
        "customer_id": random.integers(0, n // 10, n).astype(str),
        "quantity": pd.array(random.integers(1, 5, n), dtype="Int64"),
        "unit_price": pd.array(random.integers(1, 10**5, n), dtype="Int64"),
        "channel": random.choice(["web", "phone"], n),
    })  # fmt: skip
    orders["amount"] = orders["quantity"] * orders["unit_price"]
    orders.loc[::100, "quantity"] = 7
    orders.loc[1::100, "channel"] = "carrier pigeon"
    orders.loc[2::100, "amount"] += 1
    orders.loc[3::100, "customer_id"] = "nobody"
    orders.loc[4::100, "order_id"] = "0"
    return {"orders": orders, "customers": pd.DataFrame({"customer_id": np.arange(n // 10).astype(str)})}


def by_pandera(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Failure cases of the same checks."""
    known = tables["customers"]["customer_id"]
    schema = pandera.DataFrameSchema(
        {
            "quantity": pandera.Column(checks=pandera.Check.in_range(1, 4)),
            "channel": pandera.Column(checks=pandera.Check.isin(["web", "phone"])),
            "customer_id": pandera.Column(checks=pandera.Check(lambda values: values.isin(known))),
        },
        checks=pandera.Check(lambda frame: frame["amount"] == frame["quantity"] * frame["unit_price"]),
        unique=["order_id"],
        report_duplicates="exclude_first",
    )
    try:
        schema.validate(tables["orders"], lazy=True)
    except pandera.errors.SchemaErrors as error:
        return error.failure_cases
    raise AssertionError("Nothing fails.")


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    tables = make_tables(n)
    ours, theirs = check_rules(tables, RULES).rows, by_pandera(tables)
    # Pandera lists every cell of a row that fails a comparison between columns.
    theirs = theirs.drop_duplicates(["check", "index"])
    assert len(ours) == len(theirs), (len(ours), len(theirs))
    print(f"{len(ours):,} rows break a rule.")
    compare(
        f"Five rules on {n:,} order lines",
        lambda: check_rules(tables, RULES),
        lambda: by_pandera(tables),
        "pandera, the same checks",
        times=2,
    )
