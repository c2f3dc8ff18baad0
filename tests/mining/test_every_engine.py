"""The same functions on a frame, on parquet files, on the embedded engine and on Spark, cell by cell."""

import shutil

import pandas as pd
import pytest

import crmlab as crm
from crmlab.engine import as_table
from crmlab.mining.customers import (
    activity,
    affinity_scores,
    cohorts,
    loyalty,
    name_segments,
    product_affinity,
    purchase_summary,
    purchases,
    repurchases,
    rfm,
    rfm_thresholds,
    totals,
)
from crmlab.mining.methods import cube

FUNCTIONS = {
    "purchase_summary": purchase_summary,
    "with a holdout": lambda orders: purchase_summary(orders, "Y", calibration_end="2024-11-01"),
    "rfm": rfm,
    "named segments": lambda orders: name_segments(rfm(orders)),
    "thresholds": lambda orders: rfm_thresholds(rfm(orders)),
    "own cuts": lambda orders: rfm(orders, cuts={"frequency": [1, 3, 6, 9]}),
    "cohorts by month": cohorts,
    "cohorts by week": lambda orders: cohorts(orders, period="W"),
    "cohorts by Jalali quarter": lambda orders: cohorts(orders, period="Q", calendar="jalali"),
    "cohorts without order ids": lambda orders: cohorts(as_table(orders).drop("order_id"), period="W"),
    "purchases": purchases,
    "repurchases": repurchases,
    "loyalty": loyalty,
    "totals": lambda orders: totals(orders).to_frame().T,
    "activity": activity,
    "affinity": lambda orders: product_affinity(orders, at_least=3),
    "affinity within orders": lambda orders: product_affinity(orders, within="order_id", at_least=1),
    "affinity scores": lambda orders: affinity_scores(orders, product_affinity(orders, at_least=3), top=2),
    "cube": lambda orders: cube(
        orders, ["channel"], customers=("customer_id", "nunique"), value=("amount", "sum")
    ),
}


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return crm.sample(customers=120, seed=5)["orders"]


@pytest.fixture(scope="module")
def folder(orders, tmp_path_factory):
    """The orders in two parquet files of a folder."""
    folder = tmp_path_factory.mktemp("orders")
    half = len(orders) // 2
    orders.iloc[:half].to_parquet(folder / "1.parquet", index=False)
    orders.iloc[half:].to_parquet(folder / "2.parquet", index=False)
    return folder


def spark_session():
    """One local Spark for all tests; its log stays quiet."""
    if not shutil.which("java"):
        pytest.skip("Spark needs Java: install a Java runtime from the system's packages")
    sql = pytest.importorskip("pyspark.sql", reason="pip install 'crmlab[spark]'")
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.memory", "1g")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    return session


@pytest.fixture(scope="module")
def on_spark(folder):
    session = spark_session()
    yield session.read.parquet(str(folder))
    session.stop()


def same(found: object, expected: pd.DataFrame) -> None:
    found = crm.collect(found) if not isinstance(found, pd.DataFrame) else found
    assert list(found.columns) == list(expected.columns)
    keys = [name for name in expected.columns if not pd.api.types.is_float_dtype(expected[name].dtype)]
    found, expected = (frame.sort_values(keys).reset_index(drop=True) for frame in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-12)


pytestmark = pytest.mark.filterwarnings("ignore:Left out")  # customers who first bought in the holdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parquet_files_answer_as_a_frame_does(name, orders, folder):
    same(FUNCTIONS[name](folder), FUNCTIONS[name](orders))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_table_of_the_engine_answers_as_a_frame_does(name, orders):
    same(FUNCTIONS[name](crm.as_table(orders)), FUNCTIONS[name](orders))


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_spark_answers_as_a_frame_does(name, orders, on_spark):
    same(FUNCTIONS[name](on_spark), FUNCTIONS[name](orders))
