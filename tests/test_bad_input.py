"""Bad input from the user's side: one clear sentence, or a counted quarantine, and nothing lost."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import crmlab as crm
from crmlab.cli import main
from crmlab.errors import CrmlabError, SourceError

HEAD = "order_id,customer_id,time,quantity,unit_price\n"


def shop(folder: Path, orders: str | bytes, settings: str = "") -> crm.open_workspace:
    """A workspace of one file of orders."""
    content = orders.encode() if isinstance(orders, str) else orders
    (folder / "orders.csv").write_bytes(content)
    (folder / "crmlab.toml").write_text(
        f'[workspace]\n{settings}\n[[source]]\ntable = "orders"\nfile = "orders.csv"\n'
    )
    return crm.open_workspace(folder)


def sentence(folder: Path) -> str:
    """What `crmlab clean` says of a workspace it refuses."""
    result = CliRunner().invoke(main, ["clean", str(folder)])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert not (folder / "clean").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["crmlab.toml", "orders.csv"]
    (line,) = result.output.strip().splitlines()
    return line


def counts(workspace) -> list[int]:
    """Rows in, clean, set aside and merged, checked to add up."""
    found = workspace.clean().loc["orders"].tolist()
    assert found[0] == found[1] + found[2] + found[3]
    return found


def test_an_empty_file(tmp_path):
    shop(tmp_path, "")
    assert sentence(tmp_path) == "crmlab: orders.csv is empty."


def test_a_file_of_one_column(tmp_path):
    shop(tmp_path, "order_id\n1\n2\n")
    assert "needs a column customer_id" in sentence(tmp_path)
    with pytest.raises(CrmlabError, match="one column only; if its columns are separated by another sign"):
        crm.load(tmp_path / "orders.csv", table="orders")


def test_a_missing_column(tmp_path):
    shop(tmp_path, "order_id,customer_id,quantity,unit_price\n1,a,1,2.50\n")
    said = sentence(tmp_path)
    assert "needs a column time (when it was ordered)" in said
    assert "order_id, customer_id, quantity, unit_price" in said
    assert "[source.columns] in crmlab.toml" in said


def test_neither_amount_nor_price(tmp_path):
    shop(tmp_path, "order_id,customer_id,time\n1,a,2024-01-05\n")
    assert counts(crm.open_workspace(tmp_path)) == [1, 0, 1, 0]


def test_a_file_in_windows_1256(tmp_path):
    text = "شماره سفارش;مشتری;تاریخ;مبلغ;محصول\n1;علي کريمي;1403/05/12;12500;كتاب\n".replace(
        "ک", "ك"
    ).replace("ی", "ي")
    workspace = shop(tmp_path, text.encode("cp1256"), 'currency = "IRR"')
    assert counts(workspace) == [1, 1, 0, 0]
    row = crm.collect(workspace.orders).iloc[0]
    assert (row["customer_id"], row["product_id"], row["amount"]) == ("علی کریمی", "کتاب", 12500)
    assert row["time"] == pd.Timestamp("2024-08-02")


def test_dates_that_cannot_be_read(tmp_path):
    workspace = shop(
        tmp_path, HEAD + "1,a,2024-02-30,1,2\n2,b,yesterday,1,2\n3,c,2024-02-28,1,2\n4,d,1403/12/30,1,2\n"
    )
    assert counts(workspace) == [4, 2, 2, 0]
    assert workspace.quarantine[["row", "reasons"]].values.tolist() == [
        [1, "time: no such day in its calendar"],
        [2, "time: not a date"],
    ]
    assert '"time":"yesterday"' in workspace.quarantine["record"].iloc[1]


def test_a_file_of_nothing_but_unreadable_dates_is_all_in_quarantine(tmp_path):
    workspace = shop(tmp_path, HEAD + "1,a,foo,1,2\n2,b,bar,1,2\n")
    assert counts(workspace) == [2, 0, 2, 0]
    result = CliRunner().invoke(
        main, ["report", "segmentation", "-w", str(tmp_path), "--out", str(tmp_path / "reports")]
    )
    assert result.exit_code == 1
    assert "needs orders, but none of its 2 rows is clean" in result.output


def test_negative_quantities_are_returns(tmp_path):
    workspace = shop(tmp_path, HEAD + "1,a,2024-01-05,2,5.00\n2,a,2024-02-05,-1,5.00\n")
    assert counts(workspace) == [2, 2, 0, 0]
    left = workspace.ledger[workspace.ledger["action"] == "left"]
    assert left[["column", "rule", "cells"]].values.tolist() == [
        ["quantity", "negative: kept as a return", 1]
    ]
    found = crm.collect(crm.mining.customers.rfm(workspace.orders))
    assert found[["frequency", "monetary_value"]].values.tolist() == [[1, 500]]


def test_a_customer_number_that_is_missing(tmp_path):
    workspace = shop(tmp_path, HEAD + "1,,2024-01-05,1,2\n2,n/a,2024-01-05,1,2\n3,c,2024-01-05,1,2\n")
    assert counts(workspace) == [3, 1, 2, 0]
    assert set(workspace.quarantine["reasons"]) == {"customer_id: a value is required"}


def test_a_million_rows_one_in_a_hundred_broken(tmp_path):
    n = 1_000_000
    random = np.random.default_rng(1)
    frame = pd.DataFrame({
        "order_id": np.arange(n).astype(str),
        "customer_id": random.integers(1, 100_000, n).astype(str),
        "time": random.integers(19_000, 20_000, n).astype("datetime64[D]").astype(str),
        "quantity": random.integers(1, 5, n).astype(str),
        "unit_price": (random.integers(100, 9_999, n) / 100).astype(str),
    })  # fmt: skip
    broken = np.arange(0, n, 100)
    kinds = np.arange(len(broken)) % 4
    frame.loc[broken[kinds == 0], "time"] = "32.13.2024"
    frame.loc[broken[kinds == 1], "customer_id"] = ""
    frame.loc[broken[kinds == 2], "quantity"] = "two"
    lines = (HEAD + frame.to_csv(index=False, header=False)).splitlines(keepends=True)
    for row in broken[kinds == 3]:
        lines[row + 1] = lines[row + 1].replace(",", "", 2)
    workspace = shop(tmp_path, "".join(lines))
    assert counts(workspace) == [n, n - 10_000, 10_000, 0]
    reasons = workspace.quarantine["reasons"].value_counts().to_dict()
    assert reasons == {
        "time: no such day in its calendar": 2500,
        "customer_id: a value is required": 2500,
        "quantity: not a number of at most 15 digits": 2500,
        "the line has 3 fields, the table 5": 2500,
    }
    assert sorted(workspace.quarantine["row"]) == (broken + 1).tolist()


@pytest.mark.parametrize("command", ["clean", "sample", "init", "report", "standard"])
def test_a_folder_that_cannot_be_written(tmp_path, command):
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "below"
    (tmp_path / "shop").mkdir()
    workspace = shop(tmp_path / "shop", HEAD + "1,a,2024-01-05,1,2\n")
    arguments = {
        "clean": ["clean", str(tmp_path / "shop")],
        "sample": ["data", "sample", str(below), "--customers", "50"],
        "init": ["init", str(below), str(tmp_path / "shop" / "orders.csv")],
        "report": ["report", "segmentation", "-w", str(tmp_path / "shop"), "--out", str(below)],
        "standard": ["standard", "products", "--out", str(below / "page.html")],
    }[command]
    if command == "clean":
        # Something that cannot become a folder stands where the clean tables are to go.
        workspace.clean_folder.with_name(f"clean.new-{__import__('os').getpid()}").touch()
        (tmp_path / "shop" / "clean").touch()
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert "cannot be written" in result.output
    assert "Traceback" not in result.output


@pytest.fixture
def found(tmp_path):
    """A clean workspace of two customers in which persons are looked for."""
    (tmp_path / "customers.csv").write_text("customer_id,email\n1,ann@example.com\n2,bob@example.com\n")
    (tmp_path / "crmlab.toml").write_text(
        '[duplicates]\ncustomers = "find"\n[[source]]\ntable = "customers"\nfile = "customers.csv"\n'
    )
    crm.open_workspace(tmp_path).clean()
    return tmp_path


@pytest.mark.parametrize("cut", [0, 4, -20])
def test_who_is_who_in_a_damaged_file(found, cut):
    path = found / "identities.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    result = CliRunner().invoke(main, ["clean", str(found)])
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"crmlab: {path} cannot be read: it is damaged, or no Parquet file. It keeps who is who from one "
        "cleaning to the next: put a copy of it back, or remove it to have persons numbered anew."
    ]


def test_who_is_who_in_another_file(found):
    pd.DataFrame({"customer_id": ["1"]}).to_parquet(found / "identities.parquet")
    result = CliRunner().invoke(main, ["clean", str(found)])
    assert result.exit_code == 2
    assert "identities.parquet lacks the column 'person_id'. It keeps who is who" in result.output


def test_a_clean_table_that_is_damaged(found):
    workspace = crm.open_workspace(found)
    for name in ("customers", "ledger"):
        path = found / "clean" / f"{name}.parquet"
        path.write_bytes(path.read_bytes()[:-20])
        said = (
            f"{path} cannot be read: it is damaged, or no Parquet file. "
            f"Make it anew with `crmlab clean {found}`."
        )
        for read in (workspace.in_engine, lambda name: getattr(workspace, name)):
            with pytest.raises(SourceError) as error:
                read(name)
            assert str(error.value) == said
    with pytest.raises(SourceError, match="Make it anew with"):
        workspace.values("customers", "email")
    assert CliRunner().invoke(main, ["clean", str(found)]).exit_code == 0
    assert len(workspace.customers) == 2


def test_no_error_shows_a_personal_value(tmp_path):
    (tmp_path / "customers.csv").write_text(
        "customer_id,email,phone\n1,ann@@example.com,12\n2,bob@example.com,34\n"
    )
    (tmp_path / "crmlab.toml").write_text('[[source]]\ntable = "customers"\nfile = "customers.csv"\n')
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        crm.load(tmp_path / "customers.csv", table="customers")
        result = CliRunner().invoke(main, ["clean", str(tmp_path)])
    assert "example.com" not in result.output
    assert not any("example.com" in str(warning.message) for warning in said)
