"""Workbooks, Parquet and JSON lines as other programs write them, and files that are none."""

import datetime
import gzip
import json
import os
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine  # noqa: F401  before somebody reads who may not see the environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmlab.errors import ParameterError, SourceError
from crmlab.loaders.files import format_of, read_file

DAY = datetime.date(2024, 8, 2)
NOON = datetime.datetime(2024, 8, 2, 12, 30, 5)


def values(frame: pd.DataFrame) -> dict[str, list]:
    """Columns with None for what is missing."""
    return {name: [None if pd.isna(cell) else cell for cell in frame[name]] for name in frame}


def types(frame: pd.DataFrame) -> dict[str, str]:
    return frame.dtypes.astype("str").to_dict()


# Which format


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "delimited"), ("a.TSV", "delimited"), ("a.csv.gz", "delimited"), ("a", "delimited"),
        ("a.xlsx", "excel"), ("a.v2.xls", "excel"), ("a.parquet", "parquet"), ("a.pq", "parquet"),
        ("a.jsonl", "jsonl"), ("a.json.gz", "jsonl"), ("a.ndjson", "jsonl"), ("a.xlsx.csv", "delimited"),
    ],
)  # fmt: skip
def test_the_ending_tells_the_format(name, expected):
    assert format_of(Path(name)) == expected


def test_a_folder_is_parquet(tmp_path):
    assert format_of(tmp_path) == "parquet"


def test_a_format_that_is_named_is_believed(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('{"a": 1}\n')
    assert values(read_file(path, format="jsonl").frame) == {"a": [1]}


def test_an_unknown_format_is_one_sentence(tmp_path):
    with pytest.raises(ParameterError) as error:
        read_file(tmp_path / "a.csv", format="exel")
    assert str(error.value) == "format is one of delimited, excel, parquet, jsonl, not 'exel'."


@pytest.mark.parametrize(
    "name", ["shop.csv", "shop.xlsx", "shop.parquet", "shop.jsonl", "no/such/folder/shop.csv"]
)
def test_a_missing_file_is_one_sentence(tmp_path, name):
    with pytest.raises(SourceError) as error:
        read_file(tmp_path / name)
    assert str(error.value) == f"There is no file {tmp_path / name}."


def test_a_name_that_no_file_can_have_is_one_sentence(tmp_path):
    with pytest.raises(SourceError, match=r"^x+\.csv cannot be read: File name too long\.$"):
        read_file(tmp_path / ("x" * 5000 + ".csv"))


@pytest.mark.parametrize("format", ["delimited", "jsonl"])
def test_a_folder_that_is_to_be_text_is_one_sentence(tmp_path, format):
    with pytest.raises(SourceError) as error:
        read_file(tmp_path, format=format)
    assert str(error.value) == f"{tmp_path.name} cannot be read: Is a directory."


@pytest.mark.parametrize("name", ["shop.csv", "shop.xlsx", "shop.parquet", "shop.jsonl", "folder/shop.csv"])
def test_a_file_that_may_not_be_read_is_one_sentence(as_nobody, name):
    path = as_nobody / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("a,b\n1,2\n")
    path.chmod(0)
    if path.parent != as_nobody:
        path.parent.chmod(0)
    with pytest.raises(SourceError, match=r"^shop\.\w+ .*Permission denied"):
        read_file(path)


# Workbooks


@pytest.fixture
def workbook(tmp_path):
    """Write sheets of rows as a workbook."""

    def workbook(**sheets: list[list]) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = tmp_path / "shop.xlsx"
        book.save(path)
        return path

    return workbook


def test_a_workbook_keeps_its_types(workbook):
    rows = [
        ["id", "gaps", "price", "day", "time", "yes", "code", "mixed", "clock", "nothing"],
        [1, 1, 1.5, DAY, NOON, True, "007", "x", datetime.time(10, 30), None],
        [2, None, 2, None, None, None, "010", 5, None, None],
        [3, 3, None, datetime.date(1999, 12, 31), NOON, False, None, 5.5, None, None],
    ]
    frame = read_file(workbook(data=rows)).frame
    assert types(frame) == {
        "id": "Int64", "gaps": "Int64", "price": "float64", "day": "datetime64[us]",
        "time": "datetime64[us]", "yes": "boolean", "code": "str", "mixed": "str", "clock": "str",
        "nothing": "str",
    }  # fmt: skip
    assert values(frame) == {
        "id": [1, 2, 3],
        "gaps": [1, None, 3],
        "price": [1.5, 2.0, None],
        "day": [pd.Timestamp(DAY), None, pd.Timestamp("1999-12-31")],
        "time": [pd.Timestamp(NOON), None, pd.Timestamp(NOON)],
        "yes": [True, None, False],
        "code": ["007", "010", None],
        "mixed": ["x", "5", "5.5"],
        "clock": ["10:30:00", None, None],
        "nothing": [None, None, None],
    }


def test_persian_text_of_a_workbook(workbook):
    frame = read_file(workbook(داده=[["نام", "شهر"], ["علی\u200cرضا", "تهران"]])).frame
    assert values(frame) == {"نام": ["علی\u200cرضا"], "شهر": ["تهران"]}


def test_a_sheet_by_name_and_by_number(workbook):
    path = workbook(first=[["a"], [1]], دوم=[["b"], ["x"]])
    assert values(read_file(path).frame) == {"a": [1]}
    assert values(read_file(path, sheet="دوم").frame) == {"b": ["x"]}
    assert values(read_file(path, sheet=1).frame) == {"b": ["x"]}


@pytest.mark.parametrize("sheet", ["third", 2, -1])
def test_a_sheet_that_is_not_there_is_one_sentence(workbook, sheet):
    with pytest.raises(SourceError) as error:
        read_file(workbook(first=[["a"]], second=[["b"]]), sheet=sheet)
    assert str(error.value) == f"shop.xlsx has no sheet {sheet!r}; it has: first, second."


@pytest.mark.parametrize("rows", [[], [[None]], [[""], [None, ""]]])
def test_an_empty_sheet_is_one_sentence(workbook, rows):
    with pytest.raises(SourceError) as error:
        read_file(workbook(data=rows))
    assert str(error.value) == "The sheet 'data' of shop.xlsx is empty."


def test_a_sheet_of_headings_alone_is_a_table_without_rows(workbook):
    frame = read_file(workbook(data=[["a", "b"]])).frame
    assert types(frame) == {"a": "str", "b": "str"}
    assert len(frame) == 0


def test_blank_rows_of_a_sheet_are_no_records_and_headings_get_names(workbook):
    found = read_file(
        workbook(data=[[None], [None, None], ["a", "a", None, 2024], [1, 2, 3, 4], [None], [5]])
    )
    assert values(found.frame) == {"a": [1, 5], "a (2)": [2, None], "column 3": [3, None], "2024": [4, None]}
    assert found.rows.tolist() == [1, 2]


def test_what_is_no_workbook_is_one_sentence(workbook, tmp_path):
    whole = workbook(data=[["a"], [1]]).read_bytes()
    bad = tmp_path / "bad.xlsx"
    for content in (b"", b"a,b\n1,2\n", whole[: len(whole) // 2], whole[:-30]):
        bad.write_bytes(content)
        with pytest.raises(SourceError, match=r"^bad\.xlsx is not a workbook that can be read: [^\n]+\.$"):
            read_file(bad)
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("something", "else")
    with pytest.raises(SourceError, match=r"^bad\.xlsx is not a workbook that can be read: "):
        read_file(bad)


# Parquet


def test_parquet_types_with_and_without_gaps(tmp_path):
    columns = {
        "small": (pa.int8(), [1, None], "Int64"),
        "large": (pa.int64(), [2**62 + 1, None], "Int64"),
        "whole": (pa.int32(), [1, 2], "int32"),
        "unsigned": (pa.uint64(), [2**64 - 1, None], "UInt64"),
        "number": (pa.float64(), [1.5, None], "float64"),
        "yes": (pa.bool_(), [True, None], "boolean"),
        "text": (pa.string(), ["علی", None], "str"),
        "day": (pa.date32(), [DAY, None], "datetime64[us]"),
        "clock": (pa.time64("us"), [datetime.time(10, 30), None], "str"),
        "seconds": (pa.timestamp("s"), [NOON, None], "datetime64[us]"),
        "zone": (pa.timestamp("us", "Asia/Tehran"), [NOON, None], "datetime64[us, Asia/Tehran]"),
        "decimal": (pa.decimal128(9, 2), [Decimal("1.50"), None], "str"),
        "cents": (pa.decimal128(9, 0), [Decimal(150), None], "Int64"),
        "long": (pa.decimal128(38, 0), [Decimal(10**30), None], "str"),
        "bytes": (pa.binary(), ["تهران".encode(), None], "str"),
        "codes": (pa.dictionary(pa.int8(), pa.string()), ["a", None], "str"),
        "nothing": (pa.null(), [None, None], "str"),
        "self": (pa.int64(), [1, None], "Int64"),
    }
    table = pa.table({name: pa.array(cells, kind) for name, (kind, cells, _) in columns.items()})
    pq.write_table(table, tmp_path / "a.parquet")
    frame = read_file(tmp_path / "a.parquet").frame
    assert types(frame) == {name: expected for name, (*_, expected) in columns.items()}
    shown = {
        "day": pd.Timestamp(DAY), "clock": "10:30:00", "seconds": pd.Timestamp(NOON),
        "zone": pd.Timestamp(NOON, tz="UTC"), "decimal": "1.50", "cents": 150, "long": str(10**30),
        "bytes": "تهران",
    }  # fmt: skip
    for name, (_, cells, _) in columns.items():
        assert values(frame)[name] == [shown.get(name, cells[0]), cells[1]], name


def test_time_stamps_finer_than_a_microsecond_are_cut(tmp_path):
    table = pa.table({"t": pa.array([1_722_601_805_123_456_789], pa.timestamp("ns"))})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_file(tmp_path / "a.parquet").frame["t"].tolist() == [
        pd.Timestamp("2024-08-02 12:30:05.123456")
    ]


def test_an_index_that_pandas_wrote_is_a_column(tmp_path):
    pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key")).to_parquet(tmp_path / "a.parquet")
    assert values(read_file(tmp_path / "a.parquet").frame) == {"a": [1, 2], "key": ["x", "y"]}


@pytest.mark.parametrize("cells", [[[1], [2]], [{"x": 1}, {"x": 2}]])
def test_nested_columns_are_one_sentence(tmp_path, cells):
    pq.write_table(pa.table({"id": [1, 2], "items": cells}), tmp_path / "a.parquet")
    with pytest.raises(SourceError) as error:
        read_file(tmp_path / "a.parquet")
    assert str(error.value) == "a.parquet: the column 'items' holds lists or records, not values."


@pytest.fixture
def parts(tmp_path):
    """Write tables as files of one folder."""

    def parts(**tables: dict) -> Path:
        for name, columns in tables.items():
            path = tmp_path / "log" / f"{name.replace('__', '/')}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns), path)
        return tmp_path / "log"

    return parts


def test_a_folder_of_parquet_files_is_one_table_in_the_order_of_names(parts):
    folder = parts(b={"a": [2]}, a={"a": [1]}, c={"a": [3, 4]})
    (folder / "_SUCCESS").touch()
    (folder / "README.txt").write_text("not data")
    found = read_file(folder)
    assert values(found.frame) == {"a": [1, 2, 3, 4]}
    assert found.rows.tolist() == [1, 2, 3, 4]


def test_files_of_a_folder_may_differ_in_columns_and_width_of_numbers(parts):
    folder = parts(a={"a": [1]}, b={"a": pa.array([2], pa.int8()), "b": ["x"]}, c={"a": [2.5]})
    assert values(read_file(folder).frame) == {"a": [1.0, 2.0, 2.5], "b": [None, "x", None]}


def test_names_of_folders_are_a_column(parts):
    folder = parts(**{"year=2023__a": {"a": [1]}, "year=2024__a": {"a": [2]}})
    assert values(read_file(folder).frame) == {"a": [1, 2], "year": [2023, 2024]}


def test_files_of_a_folder_that_do_not_fit_together_are_one_sentence(parts):
    folder = parts(a={"a": [1]}, b={"a": ["x"]})
    with pytest.raises(
        SourceError, match=r"^log cannot be read as Parquet: .*Field a has incompatible types"
    ):
        read_file(folder)


@pytest.mark.parametrize("names", [[], ["README.txt", "orders.csv"]])
def test_a_folder_without_parquet_is_one_sentence(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(SourceError) as error:
        read_file(tmp_path)
    assert str(error.value) == f"The folder {tmp_path} holds no Parquet file (.parquet, .pq)."


def test_what_is_no_parquet_is_one_sentence(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[10:400] = b"\xff" * 390
    for content in (b"", b"a,b\n1,2\n", whole[:-20], bytes(broken)):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=r"^a\.parquet cannot be read[^\n]+\.$"):
            read_file(path)


# JSON lines


@pytest.fixture
def lines(tmp_path):
    """Read lines, or bytes, as JSON lines."""

    def lines(*content: str | bytes, **options):
        path = tmp_path / "forms.jsonl"
        path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in content))
        return read_file(path, **options)

    return lines


def test_submitted_forms_with_nested_objects(lines):
    found = lines(
        '{"id": 1, "name": "سارا", "utm": {"source": "mail", "deep": {"n": 2}}, "tags": ["a", "ب"]}',
        "",
        '{"id": 12345678901234567, "name": null, "consent": true, "utm": {"source": "web"}}\r',
        '{"id": 3, "name": "Zoë", "amount": 2.5, "utm": {}}',
    )
    assert values(found.frame) == {
        "id": [1, 12345678901234567, 3],
        "name": ["سارا", None, "Zoë"],
        "utm.source": ["mail", "web", None],
        "utm.deep.n": [2, None, None],
        "tags": ['["a", "ب"]', None, None],
        "consent": [None, True, None],
        "amount": [None, None, 2.5],
    }
    assert types(found.frame)["id"] == "int64"
    assert types(found.frame)["consent"] == "boolean"
    assert found.rows.tolist() == [1, 2, 3]


def test_a_long_number_beside_a_gap_keeps_all_its_digits(lines):
    assert values(lines('{"id": 12345678901234567}', '{"x": 1}').frame)["id"] == [12345678901234567, None]
    assert values(lines('{"id": 123456789012345678901}', '{"id": 1}').frame)["id"] == [
        "123456789012345678901",
        "1",
    ]


def test_lines_that_are_no_objects_are_rejected_by_number_and_reason(lines):
    found = lines(
        '{"a": 1}', '{"a": 2', "[1]", '"x"', "5", "null", "", b'{"a": "\xff"}', '{"a": "\\ud800"}',
        "[" * 100_000, '{"a": "علی"}', '{"a": "رضا"}',
    )  # fmt: skip
    assert values(found.frame) == {"a": ["1", "علی", "رضا"]}
    assert found.rows.tolist() == [1, 10, 11]
    assert found.rejected[["row", "reason"]].to_numpy().tolist() == [
        [2, "the line is not JSON: Expecting ',' delimiter at character 8"],
        [3, "the line is not a JSON object"],
        [4, "the line is not a JSON object"],
        [5, "the line is not a JSON object"],
        [6, "the line is not a JSON object"],
        [7, "the line has bytes that are no text"],
        [8, "the line has half a character"],
        [9, "the line is nested too deeply"],
    ]
    assert found.rejected["record"].tolist()[0] == '{"a": 2'
    assert found.rejected["record"].tolist()[5] == '{"a": "\ufffd"}'


@pytest.mark.parametrize("content", ["", "\n\n", "  \n"])
def test_an_empty_file_of_forms_is_one_sentence(lines, content):
    with pytest.raises(SourceError) as error:
        lines(content)
    assert str(error.value) == "forms.jsonl is empty."


@pytest.mark.parametrize("content", ['[{"a": 1}, {"a": 2}]', '[\n {"a": 1},\n {"a": 2}\n]'])
def test_a_json_list_is_one_sentence(lines, content):
    with pytest.raises(SourceError) as error:
        lines(content)
    assert str(error.value) == (
        "forms.jsonl is one JSON list; it must have one object on each line, without brackets."
    )


@pytest.mark.parametrize("content", ["a,b\n1,2", "null", '{\n "a": 1\n}'])
def test_a_file_without_an_object_on_any_line_is_one_sentence(lines, content):
    with pytest.raises(SourceError) as error:
        lines(content)
    assert str(error.value) == "forms.jsonl holds no JSON object; it must have one on each line."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
def test_forms_in_other_encodings_and_packed(lines, tmp_path, encoding):
    line = '{"نام": "علي حسيني", "شهر": "تهران"}'
    assert values(lines(line.encode(encoding)).frame) == {"نام": ["علي حسيني"], "شهر": ["تهران"]}
    (tmp_path / "forms.jsonl.gz").write_bytes(gzip.compress(line.encode(encoding)))
    assert values(read_file(tmp_path / "forms.jsonl.gz").frame) == {"نام": ["علي حسيني"], "شهر": ["تهران"]}


def test_an_encoding_of_forms_that_does_not_exist_is_one_sentence(lines):
    with pytest.raises(SourceError, match=r"^There is no encoding 'nonsense' for forms\.jsonl"):
        lines('{"a": 1}', encoding="nonsense")


LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0")
PLAIN = st.none() | st.text(LETTERS, max_size=5).map(lambda text: f"t{text}")


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), PLAIN, min_size=1), min_size=1, max_size=10))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_that_are_written_come_back(tmp_path, records):
    path = tmp_path / "forms.jsonl"
    path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), encoding="utf-8")
    found = values(read_file(path).frame)
    for place, record in enumerate(records):
        for name in found:
            assert found[name][place] == record.get(name)
    assert set(found) == {name for record in records for name in record}


def test_nothing_is_left_beside_a_file_that_was_read_or_refused(tmp_path):
    (tmp_path / "good.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.xlsx").write_text("no workbook")
    before = sorted(os.listdir(tmp_path))
    read_file(tmp_path / "good.csv")
    with pytest.raises(SourceError):
        read_file(tmp_path / "bad.xlsx")
    assert sorted(os.listdir(tmp_path)) == before


def test_lines_above_the_headings_of_a_workbook_are_no_records(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for line in [["Sales of our shop"], ["as of March"], ["order", "customer"], [1, "a"], [2, "b"]]:
        book.active.append(line)
    book.save(tmp_path / "sales.xlsx")
    frame = read_file(tmp_path / "sales.xlsx").frame
    assert frame.columns.tolist() == ["order", "customer"]
    assert frame["customer"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("start", "hint"),
    [
        (b"SQLite format 3\x00", "it is an SQLite database; write crmlab.toml by hand with url"),
        (b"PK\x03\x04", "give it its own ending, such as .xlsx"),
        (b"PAR1", "give it the ending .parquet"),
    ],
)
def test_a_file_with_the_ending_of_another_is_told_what_it_is(tmp_path, start, hint):
    (tmp_path / "x.csv").write_bytes(start + b"\x00\x01")
    with pytest.raises(SourceError) as error:
        read_file(tmp_path / "x.csv")
    assert hint in str(error.value)
