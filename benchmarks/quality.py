"""The quality of n dirty customers from the books of a workspace, against pandas over raw and clean rows.

Both count the gaps of every column before and after cleansing; ours tells validity, uniqueness and
timeliness besides. The counts of both are compared.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import compare

import crmlab as crm
from crmlab.workspace import Workspace

SETTINGS = """[workspace]
phone_region = "DE"
[[source]]
table = "customers"
file = "customers.parquet"
"""


def make_workspace(folder: Path, n: int) -> Workspace:
    """Customers of whom every tenth value is missing, badly written or invalid; cleaned."""
    random, number = np.random.default_rng(1), np.arange(n).astype(str)
    raw = pd.DataFrame({
        "customer_id": number,
        "first_name": random.choice(["Ada", " Bo", "Cy", "n/a", ""], n),
        "email": np.where(random.random(n) < 0.1, "none at all", number.astype(object) + "@example.org"),
        "phone": "030 " + pd.Series(random.integers(10**6, 10**7, n)).astype("str"),
        "birth_date": random.choice(["1990-01-05", "1985-12-31", "1990-13-01", None], n),
        "registered_at": random.choice(["2024-01-05", "2024-02-29"], n),
    })  # fmt: skip
    raw.to_parquet(folder / "customers.parquet")
    (folder / "crmlab.toml").write_text(SETTINGS)
    workspace = crm.open_workspace(folder)
    workspace.ensure_clean()
    return workspace


def by_books(workspace: Workspace) -> pd.DataFrame:
    """All dimensions; gaps by column before and after."""
    cleansing, counts = crm.cleansing, workspace.state["tables"]
    tables, ledger = {"customers": workspace.in_engine("customers")}, workspace.in_engine("ledger")
    booked = cleansing.summarise(ledger)
    complete = cleansing.measure_completeness(tables, counts, booked)
    cleansing.measure_validity(complete, ledger, workspace.rules)
    cleansing.measure_uniqueness(counts, booked)
    day = cleansing.measure_timeliness(tables).attrs["as_of"]
    cleansing.last_seen(tables, day)
    return complete.set_index("column")[["faults_before", "faults"]]


def by_pandas(workspace: Workspace) -> pd.DataFrame:
    """Gaps by column before and after, counted in the rows themselves."""
    raw, clean = workspace.raw("customers"), workspace.customers
    text = raw.astype("str").apply(lambda cells: cells.str.strip().str.lower())
    before = (text.isna() | text.isin(["", "n/a"])).sum()
    return pd.DataFrame({"faults_before": before, "faults": clean[raw.columns].isna().sum()})


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_workspace(Path(folder), n)
        assert (by_books(workspace) == by_pandas(workspace).loc[by_books(workspace).index]).all(axis=None)
        compare(
            f"Quality of {n:,} customers",
            lambda: by_books(workspace),
            lambda: by_pandas(workspace),
            "pandas, completeness alone",
        )
