"""Sources as raw tables, and `load`: columns named, stacked, typed, and nothing lost in silence."""

import datetime
import sqlite3
import warnings
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import crmlab as crm
from crmlab.cleansing.clean import Conventions
from crmlab.errors import ParameterError, SourceError
from crmlab.loaders.public import PUBLIC_SETS
from crmlab.settings import Source
from crmlab.sources import Loaded, files_of, load, read_table, tables_of
from crmlab.tables import table as contract_of


@pytest.fixture
def write(tmp_path):
    """Write a file below the workspace folder, by its ending."""

    def write(name: str, content: str | list[list] | dict) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".xlsx"):
            book = openpyxl.Workbook()
            for row in content:
                book.active.append(row)
            book.save(path)
        elif name.endswith(".parquet"):
            pq.write_table(pa.table(content), path)
        else:
            path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.fixture
def read(tmp_path):
    """All sources of one table, read from the workspace folder."""

    def read(*sources: Source, name: str = "orders") -> Loaded:
        return read_table(sources, name, tmp_path)

    return read


def values(frame: pd.DataFrame) -> dict[str, list]:
    """Columns with None for what is missing."""
    return {name: [None if pd.isna(cell) else cell for cell in frame[name]] for name in frame}


# One source


def test_columns_are_taken_as_the_settings_say_and_others_left(write, read):
    write("a.csv", "Nr,Käufer,Wann,Summe,Rest\n1,a,2024-08-02,5,x\n")
    columns = {"customer_id": "Käufer", "time": "Wann", "amount": "Summe", "note": "Nr"}
    found = read(Source(table="orders", file="a.csv", columns=columns))
    assert values(found.frame) == {
        "customer_id": ["a"],
        "time": ["2024-08-02"],
        "amount": ["5"],
        "note": ["1"],
    }
    assert found.unused == ["Rest"]


def test_one_heading_may_feed_two_columns(write, read):
    write("a.csv", "ID,score\n7,5\n")
    columns = {"response_id": "ID", "customer_id": "ID", "score": "score"}
    found = read(Source(table="surveys", file="a.csv", columns=columns), name="surveys")
    assert values(found.frame) == {"response_id": ["7"], "customer_id": ["7"], "score": ["5"]}


@pytest.mark.parametrize(
    "headings",
    [
        "Customer ID,InvoiceDate,Qty,Total",
        "customer-id,order_date,quantity,amount",
        "کد مشتری,تاریخ,تعداد,مبلغ",
    ],
)
def test_headings_that_are_known_need_no_settings(write, read, headings):
    write("a.csv", f"{headings},zzz\na,2024-08-02,1,5,x\n")
    found = read(Source(table="orders", file="a.csv"))
    assert values(found.frame) == {
        "customer_id": ["a"], "time": ["2024-08-02"], "quantity": ["1"], "amount": ["5"]
    }  # fmt: skip
    assert found.unused == ["zzz"]


def test_constants_fill_a_column_or_replace_it(write, read):
    write("a.csv", "customer,channel\na,x\nb,y\n")
    constants = {"channel": "web", "quantity": 1, "time": datetime.date(2024, 8, 2), "paid": True}
    found = read(Source(table="orders", file="a.csv", constants=constants)).frame
    assert found["channel"].tolist() == ["web", "web"]
    assert found["quantity"].tolist() == [1, 1]
    assert found["time"].tolist() == [datetime.date(2024, 8, 2)] * 2
    assert found["paid"].tolist() == [True, True]


@pytest.mark.parametrize("marker", ["999", 999])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "customer,score,city\na,999,999\nb,5,-\nc,,Rom\n"),
        ("a.xlsx", [["customer", "score", "city"], ["a", 999, "999"], ["b", 5, "-"], ["c", None, "Rom"]]),
        ("a.parquet", {"customer": [*"abc"], "score": [999.0, 5.0, None], "city": ["999", "-", "Rom"]}),
        ("a.parquet", {"customer": [*"abc"], "score": [999, 5, None], "city": ["999", "-", "Rom"]}),
        ("a.jsonl", '{"customer":"a","score":999,"city":"999"}\n{"customer":"b","score":5,"city":"-"}\n'
                    '{"customer":"c","city":"Rom"}\n'),
    ],
)  # fmt: skip
def test_markers_of_no_value_count_in_their_column_alone(write, read, name, content, marker):
    write(name, content)
    missing = {"score": [marker], "city": "-", "nowhere": ["x"]}
    columns = {"customer_id": "customer", "score": "score", "city": "city"}
    source = Source(table="surveys", file=name, columns=columns, missing=missing)
    found = read(source, name="surveys").frame
    assert found["city"].isna().tolist() == [False, True, False]
    assert found["city"].iloc[0] == "999"
    assert pd.isna(found["score"].iloc[0])
    assert float(found["score"].iloc[1]) == 5


def test_a_heading_that_is_not_there_suggests_the_nearest(write, read):
    write("a.csv", "customer,date\na,2024-08-02\n")
    with pytest.raises(SourceError) as error:
        read(Source(table="orders", file="a.csv", columns={"customer_id": "custmer"}))
    assert str(error.value) == (
        "a.csv has no column 'custmer' (named for customer_id); did you mean 'customer'? "
        "Known: customer, date."
    )


def test_lineage_numbers_each_record_and_rejects_go_to_the_quarantine(write, read):
    write("a.csv", "customer,date\na,2024-08-02\nb\n\nc,2024-08-03\n")
    found = read(Source(table="orders", file="a.csv", duplicates="keep"))
    assert found.lineage.to_dict("list") == {"source": ["a.csv"] * 2, "row": [1, 3], "merge": [False] * 2}
    assert found.rejected.to_dict("records") == [
        {
            "table": "orders", "source": "a.csv", "row": 2, "reasons": "the line has 1 field, the table 2",
            "record": '{"line": "b"}',
        }
    ]  # fmt: skip
    assert read(Source(table="orders", file="a.csv")).lineage["merge"].tolist() == [True, True]


def test_options_of_a_source_reach_its_file(write, read):
    (write("a.txt", "x")).write_bytes("علي|2024-08-02\n".encode("cp1256"))
    options = {"encoding": "cp1256", "delimiter": "|", "header": False, "format": "delimited"}
    columns = {"customer_id": "1", "time": "2"}
    found = read(Source(table="orders", file="a.txt", columns=columns, **options))
    assert values(found.frame) == {"customer_id": ["علي"], "time": ["2024-08-02"]}


def test_a_table_without_source_is_none(read):
    assert read(Source(table="customers", file="a.csv")) is None


# Wide surveys


def test_a_column_per_question_becomes_a_row_per_answer(write, read):
    write("s.csv", "no,who,when,shop,web,note\n11,a,2024-08-02,5,4,x\n12,b,2024-08-03,,2,y\n")
    source = Source(
        table="surveys", file="s.csv", columns={"response_id": "no", "customer_id": "who", "time": "when"},
        constants={"metric": "csat", "scale_low": 1, "scale_high": 5},
        answers={"shop": "Shop", "web": "Web site"},
    )  # fmt: skip
    found = read(source, name="surveys")
    assert values(found.frame) == {
        "response_id": ["11", "11", "12", "12"],
        "customer_id": ["a", "a", "b", "b"],
        "time": ["2024-08-02"] * 2 + ["2024-08-03"] * 2,
        "touch_point": ["Shop", "Web site"] * 2,
        "question": ["shop", "web"] * 2,
        "score": ["5", "4", "", "2"],
        "metric": ["csat"] * 4,
        "scale_low": [1] * 4,
        "scale_high": [5] * 4,
    }
    assert found.lineage["row"].tolist() == [1, 1, 2, 2]
    assert found.unused == ["note"]


def test_questionnaires_without_a_number_get_that_of_their_record(write, read):
    write("s.csv", "who,shop,web\na,5,4\nb\nc,1,2\n")
    source = Source(
        table="surveys", file="s.csv", columns={"customer_id": "who"}, answers={"shop": "S", "web": "W"}
    )
    found = read(source, name="surveys")
    assert found.frame["response_id"].tolist() == ["1", "1", "3", "3"]
    assert found.frame["customer_id"].tolist() == ["a", "a", "c", "c"]


def test_answers_of_a_workbook_stay_whole_numbers(write, read):
    write("s.xlsx", [["who", "shop", "web"], ["a", 5, 2.5], ["b", None, 4]])
    source = Source(
        table="surveys", file="s.xlsx", columns={"customer_id": "who"}, answers={"shop": "S", "web": "W"}
    )
    assert values(read(source, name="surveys").frame)["score"] == ["5", "2.5", None, "4"]


@pytest.mark.parametrize("columns", [{}, {"customer_id": "who"}])
def test_a_question_that_is_not_there_suggests_the_nearest(write, read, columns):
    write("s.csv", "who,shop\na,5\n")
    source = Source(table="surveys", file="s.csv", columns=columns, answers={"shopp": "S"})
    with pytest.raises(SourceError, match=r"^s\.csv has no column 'shopp' \(named .*; did you mean 'shop'\?"):
        read(source, name="surveys")


# Several sources


def test_unused_is_what_no_source_of_a_file_reads(write, read):
    write("s.csv", "who,shop,web,city,note\na,5,9,Rome,x\n")
    write("t.csv", "who,shop,city\nb,4,Rome\n")
    found = read(
        Source(table="surveys", file="s.csv", columns={"customer_id": "who"}, answers={"shop": "Shop"}),
        Source(table="surveys", file="s.csv", columns={"customer_id": "who"}, answers={"web": "Web"}),
        Source(table="customers", file="s.csv", columns={"customer_id": "who", "city": "city"}),
        Source(table="surveys", file="t.csv", columns={"customer_id": "who"}, answers={"shop": "Shop"}),
        name="surveys",
    )
    # The city of the other file is used by nobody.
    assert found.unused == ["note", "city"]


def test_unused_is_told_of_sources_that_name_no_columns(write, read):
    write("a.csv", "customer,date,wind\na,2024-08-02,3\n")
    source = Source(table="orders", file="a.csv")
    assert read(source, replace(source, constants={"channel": "web"})).unused == ["wind"]


def test_sources_of_differing_types_and_columns_stack_without_loss(write, read):
    write("a.csv", 'customer,date,amount,order\n007,2024-08-02,"1,5",9007199254740993\n')
    write("b.xlsx", [["customer", "date", "amount", "channel"], ["x", datetime.date(2024, 8, 3), 2.5, "web"],
                     ["y", datetime.datetime(2024, 8, 3, 10, 30), 3, None]])  # fmt: skip
    write("c.parquet", {"customer": [8], "time": [datetime.date(2024, 8, 4)], "amount": [7],
                        "order": pa.array([9007199254740995])})  # fmt: skip
    found = read(*(Source(table="orders", file=name) for name in ("a.csv", "b.xlsx", "c.parquet")))
    assert values(found.frame) == {
        "order_id": ["9007199254740993", None, None, "9007199254740995"],
        "customer_id": ["007", "x", "y", "8"],
        "time": ["2024-08-02", "2024-08-03 00:00:00", "2024-08-03 10:30:00", "2024-08-04"],
        "amount": ["1,5", "2.5", "3", "7"],
        "channel": [None, "web", None, None],
    }
    assert found.lineage["source"].tolist() == ["a.csv", "b.xlsx", "b.xlsx", "c.parquet"]
    assert found.lineage["row"].tolist() == [1, 1, 2, 1]


def test_columns_of_one_type_in_every_source_keep_it(write, read):
    write("a.parquet", {"customer": ["a"], "qty": [1], "time": [datetime.datetime(2024, 8, 2)]})
    write("b.parquet", {"qty": [2], "time": [datetime.datetime(2024, 8, 3)], "customer": ["b"]})
    frame = read(Source(table="orders", file="a.parquet"), Source(table="orders", file="b.parquet")).frame
    assert frame.dtypes.astype("str").to_dict() == {
        "customer_id": "str", "time": "datetime64[us]", "quantity": "int64"
    }  # fmt: skip


def test_a_long_number_that_another_source_lacks_keeps_its_digits(write, read):
    write("a.parquet", {"customer": [9007199254740993], "order": [1]})
    write("b.parquet", {"customer": [5], "qty": [2]})
    frame = read(Source(table="orders", file="a.parquet"), Source(table="orders", file="b.parquet")).frame
    assert values(frame) == {
        "customer_id": [9007199254740993, 5], "order_id": ["1", None], "quantity": [None, "2"]
    }  # fmt: skip


def test_each_source_keeps_its_own_word_about_duplicates(write, read):
    write("a.csv", "customer\na\n")
    write("b.csv", "customer\nb\n")
    sources = [Source(table="orders", file="a.csv"), Source(table="orders", file="b.csv", duplicates="keep")]
    assert read(*sources).lineage["merge"].tolist() == [True, False]


# Databases and public sets


def test_a_relative_database_is_meant_from_the_workspace_folder(read, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    connection = sqlite3.connect(tmp_path / "data" / "shop.db")
    connection.executescript(
        "CREATE TABLE orders (customer, date); INSERT INTO orders VALUES ('a', '2024-08-02')"
    )
    connection.close()
    monkeypatch.chdir("/")
    for url in ("sqlite:///data/shop.db", f"sqlite:///{tmp_path}/data/shop.db"):
        source = Source(table="orders", url=url, query="orders")
        found = read(source)
        assert values(found.frame) == {"customer_id": ["a"], "time": ["2024-08-02"]}
        assert found.lineage["source"].tolist() == ["sqlite: orders"]
        assert files_of(source, tmp_path) == [tmp_path / "data" / "shop.db"]


def test_the_files_of_sources(write, tmp_path):
    for name in ("log/b.parquet", "log/a/c.parquet"):
        write(name, {"a": [1]})
    file = write("a.csv", "a\n")
    assert files_of(Source(file="a.csv"), tmp_path) == [file]
    assert files_of(Source(file=str(file)), Path("/elsewhere")) == [file]
    assert files_of(Source(file="log"), tmp_path) == [
        tmp_path / "log/a/c.parquet",
        tmp_path / "log/b.parquet",
    ]
    assert files_of(Source(dataset="cdnow"), tmp_path) == []
    assert files_of(Source(url="postgresql://host/shop", query="orders"), tmp_path) == []
    for source in (Source(file="none.csv"), Source(url="sqlite:///none.csv", query="orders")):
        with pytest.raises(SourceError) as error:
            files_of(source, tmp_path)
        assert str(error.value) == f"There is no file {tmp_path}/none.csv, which crmlab.toml names."


def test_a_public_set_feeds_its_own_tables():
    assert tables_of(Source(dataset="hillstrom")) == ["customers", "campaigns", "campaign_events"]
    assert tables_of(Source(table="orders", file="a.csv")) == ["orders"]
    with pytest.raises(
        SourceError, match=r"^There is no public data set called 'cdnov'; did you mean 'cdnow'\?"
    ):
        tables_of(Source(dataset="cdnov"))


def test_a_public_set_beside_another_source(write, read, public_data):
    write("a.csv", "customer,date,amount\nzz,2024-08-02,5\n")
    found = read(Source(dataset="cdnow", file=str(public_data / "cdnow" / "CDNOW_master.txt")),
                 Source(table="orders", file="a.csv"))  # fmt: skip
    assert len(found.frame) == 69_660
    assert found.frame["customer_id"].iloc[-1] == "zz"
    assert found.lineage["row"].iloc[-2:].tolist() == [69_659, 1]


# load

ORDERS = "Nr;Customer ID;Date;Qty;Total\n1;007;1403/05/12;2;12,50\n2;8;1403/05/13;1;1.000,00\n"


def test_a_loaded_table_has_the_types_of_the_contract(write):
    frame = load(write("a.csv", ORDERS), table="orders")
    assert values(frame) == {
        "customer_id": ["007", "8"],
        "time": [pd.Timestamp("2024-08-02"), pd.Timestamp("2024-08-03")],
        "quantity": [2, 1],
        "amount": [1250, 100000],
    }
    for name in frame:
        assert str(frame[name].dtype) == contract_of("orders")[name].dtype
    assert crm.load is load


def test_without_a_table_the_source_comes_as_it_stands(write):
    frame = load(write("a.csv", ORDERS))
    assert values(frame) == {
        "Nr": ["1", "2"], "Customer ID": ["007", "8"], "Date": ["1403/05/12", "1403/05/13"],
        "Qty": ["2", "1"], "Total": ["12,50", "1.000,00"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [
        {"customer_id": "Customer ID", "time": "Date", "amount": "Total", "order_id": "Nr"},
        {"Customer ID": "customer_id", "Date": "time", "Total": "amount", "Nr": "order_id"},
    ],
)
def test_columns_may_be_given_either_way_round(write, columns):
    frame = load(write("a.csv", ORDERS), table="orders", columns=columns)
    assert frame[["order_id", "customer_id", "amount"]].to_numpy().tolist() == [
        ["1", "007", 1250],
        ["2", "8", 100000],
    ]


def test_conventions_and_options_are_used(write):
    path = write("a.txt", "a|03/04/2024|5\n")
    frame = load(
        path, table="orders", columns={"customer_id": "1", "time": "2", "amount": "3"},
        conventions=Conventions(decimals=0, day_first=True), header=False, delimiter="|",
    )  # fmt: skip
    assert values(frame) == {"customer_id": ["a"], "time": [pd.Timestamp("2024-04-03")], "amount": [5]}


def test_cells_that_cannot_be_read_are_named_and_their_column_left(write):
    path = write(
        "a.csv", "customer,date,qty,amount\na,2024-08-02,1,5\nb\nc,yesterday,two,5\nd,2024-02-30,3,x@y.z\n"
    )
    with pytest.warns(UserWarning, match="could not be read|cannot be read") as said:
        frame = load(path, table="orders")
    texts = [str(warning.message) for warning in said]
    assert texts[0] == (
        "a.csv: 1 record could not be read, the first is record 2: the line has 1 field, the table 4. "
        "A workspace keeps such records in its quarantine."
    )
    assert [text.split(" (")[0] for text in texts[1:]] == [
        "a.csv, column time: 2 cells cannot be read",
        "a.csv, column quantity: 1 cell cannot be read",
        "a.csv, column amount: 1 cell cannot be read",
    ]
    assert "first in record 3, 4); the column is left as it is." in texts[1]
    assert not any(cell in text for text in texts for cell in ("yesterday", "two", "x@y.z"))
    assert {Path(warning.filename).name for warning in said} == {"test_sources.py"}
    assert frame["time"].tolist() == ["2024-08-02", "yesterday", "2024-02-30"]
    assert frame["customer_id"].tolist() == ["a", "c", "d"]


def test_a_clean_file_is_loaded_without_a_word(write):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(write("a.csv", ORDERS), table="orders")


def test_a_required_column_that_is_missing_is_one_sentence(write):
    with pytest.raises(SourceError) as error:
        load(write("a.csv", "customer,amount\na,5\n"), table="orders")
    assert str(error.value) == (
        "a.csv has no column for time (when it was ordered), which orders needs; it has: customer, amount. "
        "Say which one it is: columns={'time': ...}."
    )


def test_a_price_stands_in_for_an_amount_and_a_default_for_what_has_one(write):
    frame = load(write("a.csv", "customer,date,price\na,2024-08-02,5\n"), table="orders")
    assert values(frame) == {"customer_id": ["a"], "time": [pd.Timestamp("2024-08-02")], "unit_price": [500]}


def test_a_file_of_one_column_hints_at_its_delimiter(write):
    path = write("a.csv", "customer:date:amount\na:2024-08-02:5\n")
    with pytest.raises(SourceError) as error:
        load(path, table="orders")
    assert str(error.value).endswith(
        " It has one column only; if its columns are separated by another sign, name it with delimiter=..."
    )
    assert len(load(path, table="orders", delimiter=":")) == 1


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"table": "oders"}, ParameterError, "There is no table called 'oders'; did you mean 'orders'?"),
        ({"table": "orders", "columns": {"customer_id": "custmer"}}, SourceError,
         "a.csv has no column 'custmer' (named for customer_id); did you mean 'Customer ID'?"),
        ({"format": "exel"}, ParameterError, "format is one of delimited, excel, parquet, jsonl, not "),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_sentence(write, options, kind, said):
    path = write("a.csv", ORDERS)
    with pytest.raises(kind) as error:
        load(path, **options)
    assert str(error.value).startswith(said)


def test_a_database_is_loaded_by_its_url(tmp_path):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE o (customer, date, amount); INSERT INTO o VALUES ('a', '2024-08-02', 1.5)"
    )
    connection.close()
    url = f"sqlite:///{tmp_path}/shop.db"
    assert load(url, table="orders", query="o")["amount"].tolist() == [150]
    assert load(url, query="SELECT customer FROM o")["customer"].tolist() == ["a"]
    with pytest.raises(SourceError, match=r"^Say what to read from sqlite:///.*shop\.db: query is a SELECT"):
        load(url)
    with pytest.raises(SourceError, match=r"^sqlite: SELECT 1 has no column for customer_id"):
        load(url, table="orders", query="SELECT 1")


def test_nothing_that_load_says_shows_a_password(monkeypatch):
    from crmlab.loaders.raw import raw

    answer = raw(pd.DataFrame({"customer": ["a"], "amount": ["x"]}), [(2, "a reason", "a line")])
    monkeypatch.setattr("crmlab.loaders.databases.read_database", lambda url, query: answer)
    url = "postgresql://crm:s3cret@host"
    with pytest.warns(UserWarning, match=r"^postgresql: o: 1 record could not be read"):
        load(url, query="o")
    with pytest.warns(UserWarning, match="^postgresql: o: "), pytest.raises(SourceError) as error:
        load(url, query="o", table="orders")
    assert str(error.value).startswith("postgresql: o has no column for time")


def test_a_public_set_is_loaded_by_its_name(public_data):
    frame = load("cdnow", table="orders")
    assert len(frame) == 69_659
    assert frame["amount"].sum() == pytest.approx(100 * load("cdnow")["amount"].astype("float64").sum())
    assert str(frame["time"].dtype) == "datetime64[us]"


def test_a_file_with_the_name_of_a_public_set_comes_first(write, monkeypatch, tmp_path):
    write("cdnow", "a,b\n1,2\n").rename(tmp_path / "cdnow")
    monkeypatch.chdir(tmp_path)
    assert load("cdnow", header=True).columns.tolist() == ["a", "b"]


def test_a_public_set_of_several_tables_needs_one_named(public_data):
    with pytest.raises(ParameterError) as error:
        load("bank_marketing")
    assert str(error.value) == (
        "The data set bank_marketing has several tables; name one: customers, campaigns, campaign_events."
    )
    with pytest.raises(ParameterError) as error:
        load("bank_marketing", table="orders")
    assert str(error.value) == (
        "The data set bank_marketing has no orders; it has: customers, campaigns, campaign_events."
    )
    assert len(load("bank_marketing", table="campaigns")) == 1
    assert set(PUBLIC_SETS["bank_marketing"].tables) == {"customers", "campaigns", "campaign_events"}
