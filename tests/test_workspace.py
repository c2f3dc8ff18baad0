"""A workspace: made when needed and only then, whole or not at all."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, SourceError, TableError, WorkspaceError
from crmlab.folders import check_writable, code_sha256, sha256
from crmlab.tables import TABLES, table, validate
from crmlab.workspace import _CODE as CLEANING_CODE
from crmlab.workspace import Workspace, open_workspace

ORDERS = """order_id,customer_id,time,quantity,unit_price,note
1,a,2024-01-05,1,2.50,first
2,b,2024-01-06,2,3.00,
2,b,2024-01-06,2,3.00,
3,c,yesterday,1,1.00,
4,d,2024-01-07
5,a,2024-02-01,-1,2.50,return
"""
CUSTOMERS = """customer_id,first_name,gender,birth_date,email
a,Ali,m,1990-01-05,ali@example.com
b,Sara,زن,,SARA@EXAMPLE.COM
b,Sara,female,1991-02-03,sara@example.com
,nobody,,,
"""
TOML = """[workspace]
name = "Shop"
currency = "EUR"

[[source]]
table = "orders"
file = "orders.csv"

[[source]]
table = "customers"
file = "customers.csv"
"""


def fill(folder: Path) -> Path:
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (folder / "crmlab.toml").write_text(TOML, encoding="utf-8")
    return folder


@pytest.fixture
def shop(tmp_path) -> Path:
    """A folder with two sources."""
    return fill(tmp_path)


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / "clean" / name).stat().st_mtime_ns for name in os.listdir(folder / "clean")}


SOURCES = ["crmlab.toml", "customers.csv", "orders.csv"]
MADE = ["clean", "clean/customers.parquet", "clean/ledger.parquet", "clean/orders.parquet",
        "clean/persons.parquet", "clean/quarantine.parquet", "clean/rules.parquet", "clean/state.json",
        "clean/violations.parquet"]  # fmt: skip


# What cleaning writes


def test_cleaning_writes_tables_ledger_quarantine_and_state_and_nothing_else(shop):
    seen = []
    counts = open_workspace(shop).clean(seen.append)
    assert listing(shop) == sorted(SOURCES + MADE)
    assert seen == ["customers", "orders"]
    assert counts.loc["orders"].to_dict() == {"rows_in": 6, "clean": 3, "set_aside": 2, "merged": 1}
    assert counts.loc["customers"].to_dict() == {"rows_in": 4, "clean": 2, "set_aside": 2, "merged": 0}


def test_every_row_of_a_source_is_clean_set_aside_or_merged(shop):
    workspace = open_workspace(shop)
    kept = crm.collect(workspace.orders)
    assert sorted(kept["order_id"]) == ["1", "2", "5"]
    assert kept.set_index("order_id")["amount"].to_dict() == {"1": 250, "2": 600, "5": -250}
    quarantine = workspace.quarantine[workspace.quarantine["table"] == "orders"]
    assert quarantine[["source", "row", "reasons"]].to_numpy().tolist() == [
        ["orders.csv", 4, "time: not a date"],
        ["orders.csv", 5, "the line has 3 fields, the table 6"],
    ]
    assert json.loads(quarantine["record"].iloc[1]) == {"line": "4,d,2024-01-07"}
    ledger = workspace.ledger
    aside = ledger[(ledger["table"] == "orders") & (ledger["action"] == "set aside")]
    assert aside[["row", "column", "rule", "cells"]].to_numpy().tolist() == [
        [4, "time", "not a date", 1],
        [5, "*", "the line has 3 fields, the table 6", 1],
    ]
    merged = ledger[(ledger["table"] == "orders") & (ledger["action"] == "merged")]
    assert merged[["row", "after"]].to_numpy().tolist() == [[3, "orders.csv:2"]]


def test_the_state_holds_counts_ranges_and_checksums(shop):
    workspace = open_workspace(shop)
    state = workspace.state
    assert state == json.loads((shop / "clean" / "state.json").read_text(encoding="utf-8"))
    orders = state["tables"]["orders"]
    assert orders["sha256"] == sha256(shop / "clean" / "orders.parquet")
    assert orders["ranges"] == {"time": ["2024-01-05", "2024-02-01"]}
    assert orders["unused_columns"] == ["note"]
    assert state["tables"]["customers"]["ranges"] == {"birth_date": ["1990-01-05", "1990-01-05"]}
    made_from = state["made_from"]
    assert made_from["settings"] == sha256(shop / "crmlab.toml")
    assert {name: entry[2] for name, entry in made_from["files"].items()} == {
        name: sha256(shop / name) for name in ("orders.csv", "customers.csv")
    }


def test_two_cleanings_write_the_same_bytes(shop):
    open_workspace(shop).clean()
    first = {path.name: path.read_bytes() for path in (shop / "clean").iterdir()}
    open_workspace(shop).clean()
    assert {path.name: path.read_bytes() for path in (shop / "clean").iterdir()} == first


# What a workspace hands out


def test_logs_are_ibis_tables_in_the_types_of_the_contract(shop):
    orders = open_workspace(shop).orders
    assert isinstance(orders, ibis.Table)
    engine = {"str": "string", "Int64": "int64", "datetime64[us]": "timestamp(6)", "float64": "float64"}
    assert {name: str(kind) for name, kind in orders.schema().items()} == {
        column.name: engine[column.dtype] for column in table("orders").columns
    }
    validate(
        crm.collect(orders).astype({column.name: column.dtype for column in table("orders").columns}),
        "orders",
    )


def test_other_tables_are_frames_in_the_types_of_the_contract(shop):
    customers = open_workspace(shop).customers
    assert isinstance(customers, pd.DataFrame)
    assert customers.dtypes.astype("str").to_dict() == {
        column.name: column.dtype for column in table("customers").columns
    }
    assert validate(customers, "customers")["gender"].tolist() == ["male", "female"]
    assert customers["email"].tolist() == ["ali@example.com", "SARA@example.com"]


def test_every_column_of_a_frame_that_has_no_value_keeps_its_type(shop):
    (shop / "customers.csv").write_text("customer_id\na\n")
    customers = open_workspace(shop).customers
    assert customers.dtypes.astype("str").to_dict() == {
        column.name: column.dtype for column in table("customers").columns
    }


def test_tables_and_names_are_offered(shop):
    workspace = open_workspace(str(shop))
    assert workspace.tables == ["customers", "orders"]
    assert {"customers", "orders", "ledger", "quarantine", "raw"} <= set(dir(workspace))
    assert repr(workspace) == "<Workspace 'Shop': customers, orders>"
    assert (workspace.name, workspace.decimals, workspace.path) == ("Shop", 2, shop)
    assert workspace.conventions.missing[-1] == "بدون"
    assert not hasattr(workspace, "_repr_html_")


def test_the_name_of_the_folder_stands_in_for_one_that_is_not_set(tmp_path, monkeypatch):
    folder = tmp_path / "فروشگاه"
    folder.mkdir()
    (folder / "crmlab.toml").write_text("[workspace]\ncurrency = 'IRR'\n")
    monkeypatch.chdir(folder)
    workspace = open_workspace(".")
    assert (workspace.name, workspace.decimals, repr(workspace)) == (
        "فروشگاه",
        0,
        "<Workspace 'فروشگاه': no tables>",
    )


@pytest.mark.parametrize(("currency", "decimals"), [("EUR", 2), ("IRR", 0), ("JPY", 0), ("KWD", 3)])
def test_the_currency_gives_the_decimals_unless_they_are_set(shop, currency, decimals):
    (shop / "crmlab.toml").write_text(TOML.replace("EUR", currency))
    assert open_workspace(shop).decimals == decimals
    (shop / "crmlab.toml").write_text(TOML.replace('"EUR"', f'"{currency}"\ndecimals = 1'))
    assert open_workspace(shop).decimals == 1


def test_a_table_without_source_is_one_sentence(shop):
    workspace = open_workspace(shop)
    for ask in (
        lambda: workspace.surveys,
        lambda: workspace.table("surveys"),
        lambda: workspace.values("surveys", "x"),
    ):
        with pytest.raises(WorkspaceError) as error:
            ask()
        assert str(error.value) == (
            "The workspace 'Shop' has no surveys; it has: customers, orders. "
            f"Add a [[source]] with table = 'surveys' to {shop / 'crmlab.toml'}."
        )
    with pytest.raises(WorkspaceError, match=r"^The workspace 'Shop' has no source for surveys\.$"):
        workspace.raw("surveys")


def test_an_unknown_name_suggests_the_nearest(shop):
    workspace = open_workspace(shop)
    with pytest.raises(AttributeError, match=r"^A workspace has no 'oders'; did you mean 'orders'\? Known: "):
        _ = workspace.oders
    for ask in (workspace.table, workspace.raw, lambda name: workspace.values(name, "time")):
        with pytest.raises(
            ParameterError, match=r"^There is no table called 'oders'; did you mean 'orders'\?"
        ):
            ask("oders")
    with pytest.raises(
        ParameterError, match=r"^The table orders has no column 'order'; did you mean 'order_id'\?"
    ):
        workspace.values("orders", "order")


def test_raw_is_indexed_by_source_and_row_and_changes_nothing_but_names(shop):
    (shop / "more.csv").write_text("Order;Customer;Date;Total\n9;z;1403/05/12;12,50\n")
    (shop / "crmlab.toml").write_text(TOML + '[[source]]\ntable = "orders"\nfile = "more.csv"\n')
    raw = open_workspace(shop).raw("orders")
    assert raw.index.names == ["source", "row"]
    assert raw.index.tolist() == [("orders.csv", row) for row in (1, 2, 3, 4, 6)] + [("more.csv", 1)]
    assert raw.loc[("orders.csv", 4), "time"] == "yesterday"
    assert raw.loc[("orders.csv", 6), "quantity"] == "-1"
    assert raw.loc[("more.csv", 1), ["order_id", "customer_id", "time", "amount"]].tolist() == [
        "9", "z", "1403/05/12", "12,50"
    ]  # fmt: skip
    assert not (shop / "clean").exists()


def test_a_record_in_quarantine_is_found_in_the_raw_table(shop):
    workspace = open_workspace(shop)
    raw = workspace.raw("customers")
    for record in workspace.quarantine.query("table == 'customers'").itertuples():
        assert json.loads(record.record) == json.loads(raw.loc[(record.source, record.row)].to_json())


def test_values_are_distinct_sorted_and_present(shop):
    workspace = open_workspace(shop)
    assert workspace.values("customers", "gender") == ["female", "male"]
    assert workspace.values("orders", "quantity") == ["-1", "1", "2"]
    assert workspace.values("customers", "birth_date") == ["1990-01-05 00:00:00"]
    assert workspace.values("customers", "city") == []


@pytest.mark.parametrize("name", ["a [2024] what*?", 'O\'Neil "s" {x}%20', "فروشگاه"])
def test_a_folder_of_any_name_is_read(tmp_path, name):
    (tmp_path / name).mkdir()
    workspace = open_workspace(fill(tmp_path / name))
    assert len(crm.collect(workspace.orders)) == 3
    assert len(workspace.customers) == 2


def test_a_table_can_be_read_after_the_working_folder_changed(shop, monkeypatch):
    monkeypatch.chdir(shop.parent)
    orders = open_workspace(shop.name).orders
    monkeypatch.chdir("/")
    assert len(crm.collect(orders)) == 3


# When it is made


@pytest.fixture(scope="module")
def clean_shop(tmp_path_factory) -> Path:
    """A workspace that is clean; shared."""
    folder = fill(tmp_path_factory.mktemp("clean"))
    open_workspace(folder).clean()
    return folder


@pytest.fixture
def made(clean_shop, tmp_path) -> Path:
    """A workspace that is clean, to be changed."""
    return shutil.copytree(clean_shop, tmp_path, dirs_exist_ok=True)


def cleaned_again(shop: Path, monkeypatch, workspace: Workspace | None = None) -> bool:
    """Whether opening the workspace cleans it."""
    called = []
    own = Workspace._clean
    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "_clean", lambda self, progress: (called.append(1), own(self, progress))[1])
        _ = (workspace or open_workspace(shop)).customers
    return bool(called)


def test_nothing_is_made_before_it_is_asked_for(shop):
    workspace = open_workspace(shop)
    assert workspace.tables == ["customers", "orders"]
    assert listing(shop) == SOURCES
    assert len(workspace.ledger)
    assert (shop / "clean").exists()


def test_nothing_is_made_again_that_is_made(made, monkeypatch):
    before = times(made)
    workspace = open_workspace(made)
    _ = workspace.orders, workspace.customers, workspace.ledger, workspace.quarantine, workspace.state
    workspace.values("orders", "customer_id")
    assert times(made) == before
    assert not cleaned_again(made, monkeypatch)


def test_a_changed_source_makes_it_anew(made, monkeypatch):
    workspace = open_workspace(made)
    assert len(workspace.customers) == 2
    with (made / "customers.csv").open("a") as file:
        file.write("z,Zoe,f,,\n")
    assert cleaned_again(made, monkeypatch, workspace)
    assert workspace.customers["customer_id"].tolist() == ["a", "b", "z"]


def test_a_source_of_the_same_size_with_other_content_makes_it_anew(made, monkeypatch):
    (made / "customers.csv").write_text(CUSTOMERS.replace("Ali,", "Eli,"), encoding="utf-8")
    assert cleaned_again(made, monkeypatch)


def test_a_source_that_was_only_touched_makes_nothing_anew(made, monkeypatch):
    os.utime(made / "customers.csv", (1, 1))
    before = times(made)
    assert not cleaned_again(made, monkeypatch)
    assert times(made) == before


def test_a_copy_of_a_workspace_needs_no_cleaning(made, tmp_path_factory, monkeypatch):
    copy = tmp_path_factory.mktemp("copy") / "shop"
    shutil.copytree(made, copy, copy_function=shutil.copyfile)
    assert not cleaned_again(copy, monkeypatch)


def test_changed_settings_make_it_anew_also_in_a_workspace_that_is_open(made, monkeypatch):
    workspace = open_workspace(made)
    assert crm.collect(workspace.orders)["amount"].max() == 600
    (made / "crmlab.toml").write_text(TOML.replace('"EUR"', '"KWD"'))
    assert cleaned_again(made, monkeypatch, workspace)
    assert crm.collect(workspace.orders)["amount"].max() == 6000
    assert not cleaned_again(made, monkeypatch)


def test_a_table_that_the_settings_gain_is_there_in_a_workspace_that_is_open(made):
    workspace = open_workspace(made)
    (made / "staff.csv").write_text("staff_id,name\n1,Eve\n")
    (made / "crmlab.toml").write_text(TOML + '[[source]]\ntable = "staff"\nfile = "staff.csv"\n')
    assert workspace.staff["name"].tolist() == ["Eve"]


def test_changed_code_makes_it_anew(made, monkeypatch):
    monkeypatch.setattr("crmlab.workspace.code_sha256", lambda parts: "another")
    assert cleaned_again(made, monkeypatch)
    assert not cleaned_again(made, monkeypatch)


def test_the_code_that_counts_is_that_of_loading_and_cleansing(tmp_path, monkeypatch):
    package = tmp_path / "crmlab"
    shutil.copytree(Path(crm.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "fonts"))
    monkeypatch.setattr("crmlab.folders.__file__", str(package / "folders.py"))
    parts = CLEANING_CODE
    before = code_sha256(parts)
    for module in (
        "loaders/raw.py",
        "cleansing/dates.py",
        "cleansing/duplicates/exact.py",
        "tables.py",
        "engine.py",
    ):
        own = (package / module).read_text(encoding="utf-8")
        (package / module).write_text(own + "\n# changed\n", encoding="utf-8")
        assert code_sha256(parts) != before, module
        (package / module).write_text(own, encoding="utf-8")
    (package / "mining" / "customers" / "rfm.py").write_text("")
    assert code_sha256(parts) == before


@pytest.mark.parametrize("lost", ["state.json", "orders.parquet"])
def test_a_lost_file_makes_it_anew(made, monkeypatch, lost):
    (made / "clean" / lost).unlink()
    assert cleaned_again(made, monkeypatch)
    assert listing(made) == sorted(SOURCES + MADE)


@pytest.mark.parametrize("state", ["{", "[]", "{}", '{"made_from": {}, "tables": {}}'])
def test_a_damaged_state_makes_it_anew(made, monkeypatch, state):
    (made / "clean" / "state.json").write_text(state)
    assert cleaned_again(made, monkeypatch)
    assert not cleaned_again(made, monkeypatch)


def test_a_changed_sqlite_database_makes_it_anew(tmp_path, monkeypatch):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript("CREATE TABLE people (customer, city); INSERT INTO people VALUES ('a', 'Rom')")
    (tmp_path / "crmlab.toml").write_text(
        '[[source]]\ntable = "customers"\nurl = "sqlite:///shop.db"\nquery = "people"\n'
    )
    workspace = open_workspace(tmp_path)
    assert workspace.customers["customer_id"].tolist() == ["a"]
    assert not cleaned_again(tmp_path, monkeypatch)
    connection.execute("INSERT INTO people VALUES ('b', 'Pisa')")
    connection.commit()
    connection.close()
    assert cleaned_again(tmp_path, monkeypatch)
    assert workspace.customers["city"].tolist() == ["Rom", "Pisa"]


def test_sources_outside_the_folder_are_watched_too(shop, tmp_path_factory, monkeypatch):
    outside = tmp_path_factory.mktemp("outside") / "customers.csv"
    shutil.move(shop / "customers.csv", outside)
    relative = os.path.relpath(outside, shop)
    for place in (str(outside), relative):
        (shop / "crmlab.toml").write_text(TOML.replace("customers.csv", place))
        assert len(open_workspace(shop).customers) == 2
        assert not cleaned_again(shop, monkeypatch)
        assert list(open_workspace(shop).state["made_from"]["files"]) == ["orders.csv", relative]
    outside.write_text(CUSTOMERS + "z,Zoe,,,\n", encoding="utf-8")
    assert cleaned_again(shop, monkeypatch)


# When it cannot be made


def break_source(shop: Path) -> None:
    (shop / "customers.csv").write_bytes(b"")


def lose_source(shop: Path) -> None:
    (shop / "customers.csv").unlink()


def lose_column(shop: Path) -> None:
    (shop / "orders.csv").write_text("order_id,time,amount\n1,2024-01-05,5\n")


def break_settings(shop: Path) -> None:
    (shop / "crmlab.toml").write_text("[workspace")


@pytest.mark.parametrize(
    ("damage", "kind", "said"),
    [
        (break_source, SourceError, "customers.csv is empty."),
        (lose_source, SourceError, "There is no file {shop}/customers.csv, which crmlab.toml names."),
        (
            lose_column,
            TableError,
            "orders.csv: Table orders needs a column customer_id (the customer); the source has: ",
        ),
        (break_settings, WorkspaceError, "{shop}/crmlab.toml is not valid TOML: "),
    ],
)
def test_a_failure_leaves_what_was_made_before_and_nothing_half_made(made, damage, kind, said):
    before = {path.name: path.read_bytes() for path in (made / "clean").iterdir()}
    workspace = open_workspace(made)
    damage(made)
    around = sorted(path.name for path in made.iterdir())
    for ask in (workspace.clean, lambda: workspace.orders, lambda: workspace.ledger):
        with pytest.raises(kind) as error:
            ask()
        assert str(error.value).startswith(said.format(shop=made))
    assert sorted(path.name for path in made.iterdir()) == around
    assert {path.name: path.read_bytes() for path in (made / "clean").iterdir()} == before


def test_a_failure_while_writing_leaves_what_was_made_before(made, monkeypatch):
    before = {path.name: path.read_bytes() for path in (made / "clean").iterdir()}
    own = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if ".new-" in path.name:
            raise OSError(28, "No space left on device")
        return own(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(WorkspaceError) as error:
        open_workspace(made).clean()
    assert str(error.value) == f"The folder {made / 'clean'} cannot be written: No space left on device."
    assert {path.name: path.read_bytes() for path in (made / "clean").iterdir()} == before
    assert listing(made) == sorted(SOURCES + MADE)


def test_a_failure_of_any_other_kind_leaves_no_folder_behind(shop, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crmlab.refresh.write_parquet", interrupt)
    with pytest.raises(KeyboardInterrupt):
        open_workspace(shop).clean()
    assert listing(shop) == SOURCES


def test_a_workspace_without_source_is_one_sentence(tmp_path):
    (tmp_path / "crmlab.toml").write_text("[workspace]\n")
    for ask in (lambda: open_workspace(tmp_path).clean(), lambda: open_workspace(tmp_path).ledger):
        with pytest.raises(WorkspaceError) as error:
            ask()
        assert str(error.value) == f"{tmp_path / 'crmlab.toml'} names no source; add a [[source]] to it."
    assert listing(tmp_path) == ["crmlab.toml"]


# Folders that cannot be written


def test_a_file_in_place_of_the_folder_of_clean_tables_is_one_sentence_and_stays(shop):
    (shop / "clean").write_text("mine")
    with pytest.raises(WorkspaceError) as error:
        open_workspace(shop).clean()
    assert str(error.value) == f"The folder {shop / 'clean'} cannot be written: a file has its name."
    assert (shop / "clean").read_text() == "mine"
    assert listing(shop) == sorted([*SOURCES, "clean"])


@pytest.fixture
def nobodys(made, as_nobody) -> Path:
    """A clean workspace of a user to whom the rights of files apply.

    `made` imports what is imported on the way while we may still read the environment.
    """
    open_workspace(fill(as_nobody)).clean()
    return as_nobody


def test_a_folder_without_the_right_to_write_is_one_sentence(nobodys):
    before = listing(nobodys)
    nobodys.chmod(0o500)
    workspace = open_workspace(nobodys)
    assert len(workspace.customers) == 2
    with pytest.raises(WorkspaceError) as error:
        workspace.clean()
    assert str(error.value) == f"The folder {nobodys / 'clean'} cannot be written: Permission denied."
    assert listing(nobodys) == before


def test_a_source_without_the_right_to_read_is_one_sentence(nobodys):
    path = nobodys / "orders.csv"
    path.write_text(ORDERS + "6,z,2024-01-05,1,1.00,\n")
    path.chmod(0)
    with pytest.raises(SourceError) as error:
        _ = open_workspace(nobodys).orders
    assert str(error.value) == f"{path} cannot be read: Permission denied."


def test_settings_without_the_right_to_read_are_one_sentence(nobodys):
    (nobodys / "crmlab.toml").chmod(0)
    with pytest.raises(WorkspaceError, match=r"/crmlab\.toml cannot be read: Permission denied\.$"):
        open_workspace(nobodys)


@pytest.mark.parametrize("place", ["file", "file/below", "file/below/it", "/proc/crmlab", "/proc/1/crmlab"])
def test_a_place_where_no_folder_can_be_is_one_sentence(tmp_path, place):
    if place.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc: this system is not Linux")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WorkspaceError) as error:
        check_writable(tmp_path / place)
    said = str(error.value)
    assert said.startswith(f"The folder {tmp_path / place} cannot be written: ")
    assert said.endswith(". Choose another one.")
    assert listing(tmp_path) == ["file"]


def test_a_folder_that_can_be_written_is_made_and_left_empty(tmp_path):
    assert check_writable(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert check_writable(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert listing(tmp_path) == ["a", "a/b"]


# Two at once


def test_two_threads_that_open_a_workspace_at_once_clean_it_once(shop, monkeypatch):
    called = []
    own = Workspace._clean
    monkeypatch.setattr(
        Workspace, "_clean", lambda self, progress: (called.append(1), own(self, progress))[1]
    )
    start, found = threading.Barrier(4), []

    def ask() -> None:
        start.wait()
        found.append(open_workspace(shop).customers)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [frame["customer_id"].tolist() for frame in found] == [["a", "b"]] * 4
    assert called == [1]
    assert listing(shop) == sorted(SOURCES + MADE)


def test_two_processes_that_clean_a_workspace_at_once_both_succeed(made):
    script = (
        "import sys, crmlab, crmlab.cleansing.clean\n"
        "workspace = crmlab.open_workspace(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "print(len(workspace.clean()))\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(made)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "ready\n"
    for _ in range(2):
        assert len(open_workspace(made).clean()) == 2
    out, error = other.communicate()
    assert (other.returncode, out, error) == (0, "2\n", "")
    assert listing(made) == sorted(SOURCES + MADE)


def test_every_table_of_the_contract_can_be_asked_for(shop):
    workspace = open_workspace(shop)
    for name in TABLES:
        if name not in workspace.tables:
            with pytest.raises(WorkspaceError, match=f"has no {name}; it has: customers, orders"):
                getattr(workspace, name)


def test_clean_tables_are_plain_parquet_that_others_can_read(made):
    written = pq.read_table(made / "clean" / "customers.parquet")
    assert written.schema.metadata is None
    assert written.column_names == table("customers").names
