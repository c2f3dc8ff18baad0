"""CDNOW as the papers use it: 2,357 customers, one in ten of the cohort, from 1997 to June 1998."""

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def cdnow(public_data) -> pd.DataFrame:
    """What BTYD ships after 39 weeks: weeks to twelve digits, here made exact as days / 7."""
    rows = pd.read_csv(public_data / "cdnow" / "btyd_cbs_exact.csv")
    return pd.DataFrame({
        "frequency": rows["x"], "recency": (rows["t_x"] * 7).round() / 7,
        "T": (rows["T_cal"] * 7).round() / 7, "monetary_value": rows["m_x"], "holdout": rows["x_star"],
    })  # fmt: skip


@pytest.fixture(scope="session")
def cdnow_lines(public_data) -> pd.DataFrame:
    """The order lines, amounts in cents."""
    names = ["master_id", "customer_id", "time", "quantity", "dollars"]
    lines = pd.read_csv(public_data / "cdnow" / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names)
    return lines.assign(
        time=pd.to_datetime(lines["time"].astype("str"), format="%Y%m%d"),
        amount=(lines["dollars"] * 100).round().astype("int64"),
    )
