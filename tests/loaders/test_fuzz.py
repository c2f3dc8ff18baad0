"""Whatever file comes: a result in which no record is lost, or a sentence; benchmarks/fuzz.py for longer."""

import bz2
import contextlib
import gzip
import lzma
import os
import re
import sqlite3
import warnings
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strange_files import strange_file
from through_the_loaders import faults, tried

import crmlab as crm
from crmlab.describe import describe_files
from crmlab.errors import SourceError, TableError
from crmlab.loaders import read_database, read_file
from crmlab.settings import FILE

#: 250 files in all, every fifth through `crmlab init` and `crmlab clean` as well.
BLOCKS, FILES = 10, 25


@pytest.mark.parametrize("block", range(BLOCKS))
def test_strange_files_are_read_or_refused_in_a_sentence(tmp_path, block):
    found = {}
    for seed in range(block * FILES, (block + 1) * FILES):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        path = strange_file(seed, folder, large=False)
        found[path.name] = faults(path, seed, command=seed % 5 == 0)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_equal_seeds_give_equal_files_and_others_others(tmp_path):
    one, two = (strange_file(7, tmp_path).read_bytes() for _ in range(2))
    assert one == two
    assert len({strange_file(seed, tmp_path).read_bytes() for seed in range(20)}) > 10


@settings(
    max_examples=80,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=400), st.sampled_from([".csv", ".xlsx", ".parquet", ".jsonl", ".csv.gz"]))
def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path, content, ending):
    path = tmp_path / f"any{ending}"
    path.write_bytes(content)
    try:
        assert faults(path, len(content), command=False) == []
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: 1 // 0, "ZeroDivisionError in [?]: integer division or modulo by zero"),
        (lambda: warnings.warn("pandas is unhappy", stacklevel=1), "UserWarning: pandas is unhappy"),
        (lambda: refuse("A file cannot be read."), "names no file"),
        (lambda: refuse("a.csv cannot\nbe read."), "is not one line of text"),
        (lambda: refuse("a.csv cannot be read: None."), "has a None"),
        (lambda: refuse("a.csv cannot be read: pyarrow.lib.ArrowInvalid."), "names pyarrow"),
        (lambda: refuse("a.csv has no Zebulon."), "repeats a personal value"),
        (lambda: refuse("oh: a.csv"), "is not a sentence"),
        (lambda: refuse(f"a.csv {'is long ' * 999}."), "is too long"),
    ],
)
def test_the_look_at_outcomes_finds_each_fault(tmp_path, call, said):
    (outcome,) = (one for one in tried("here", call, tmp_path / "a.csv", set()) if one.kind != "read")
    assert outcome.kind == "fault"
    assert re.match(said, outcome.said)


def refuse(sentence: str) -> None:
    raise SourceError(sentence)


# What the long runs found, each by itself


def refused(path, message: str, **options) -> str:
    with pytest.raises(SourceError, match=message) as error:
        read_file(path, **options)
    assert path.name in str(error.value)
    return str(error.value)


def written(path, content: str | bytes):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_line_of_very_many_fields_is_no_heading(tmp_path):
    path = written(tmp_path / "a.csv", ",".join(["a"] * 300_000) + "\n")
    refused(path, r"300,000 columns, more than any table \(at most 16,384\); if another sign stands between")


def test_a_heading_is_short(tmp_path):
    path = written(tmp_path / "a.csv", "x" * 100_000 + ",b\n1,2\n")
    said = refused(path, "A heading of a.csv has 100,000 signs, which no name of a column has")
    assert len(said) < 200


def test_spaces_without_end_take_no_time(tmp_path):
    lines = ["a  b  c", "1  2  3", f"4 {' ' * 1_000_000} 5  6"]
    found = read_file(written(tmp_path / "a.txt", "\n".join(lines))).frame
    assert found.to_numpy().tolist() == [["1", "2", "3"], ["4", "5", "6"]]


def test_a_small_file_that_unpacks_to_a_large_one_is_refused_in_time(tmp_path, monkeypatch):
    from crmlab.loaders import delimited

    monkeypatch.setattr(delimited, "_MUCH", 1 << 16)
    path = written(tmp_path / "a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * (1 << 18)))
    refused(path, "unpacks to more than 200 times its size, which no table does")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (1 << 20))
    refused(tmp_path / "a.xlsx", "unpacks to more than 200 times its size")


@pytest.mark.parametrize(
    ("pack", "hint"),
    [
        (lambda text: gzip.compress(gzip.compress(text)), "packed twice over"),
        (bz2.compress, "packed with bzip2"),
        (lzma.compress, "packed with xz"),
        (lambda text: b"%PDF-1.7\n" + text, "a PDF"),
    ],
)
def test_what_is_packed_otherwise_is_named(tmp_path, pack, hint):
    refused(written(tmp_path / "a.csv", pack(b"a,b\n1,2\n")), f"is not a text file: it is {hint}")


@pytest.mark.parametrize(
    "encoding", ["undefined", "idna", "punycode", "unicode_escape", "rot13", "base64", "x\0"]
)
def test_what_is_no_encoding_of_files_is_said(tmp_path, encoding):
    refused(written(tmp_path / "a.csv", "a,b\n1,\\u0661\n"), "There is no encoding", encoding=encoding)


def test_half_a_character_is_no_text(tmp_path):
    refused(
        written(tmp_path / "a.csv", b"a,b\n1,+2AA-\n"), "is not in the encoding 'utf-7'", encoding="utf-7"
    )


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    refused(tmp_path / "pipe.csv", "is no file but a pipe or a device")


def test_one_cell_far_out_does_not_fill_the_memory(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["customer_id"])
    book.active.cell(1_048_576, 16_384, "far out")
    book.save(tmp_path / "a.xlsx")
    refused(tmp_path / "a.xlsx", "reaches to the cell XFD1048576, too far for a table")


@pytest.mark.parametrize(("unit", "times"), [("ms", 1000), ("us", 10**6)])
@pytest.mark.parametrize("zone", [None, "Asia/Tehran"])
def test_days_beyond_all_calendars_come_as_text(tmp_path, unit, times, zone):
    column = pa.array([2**62, 1_722_600_000 * times, None], pa.timestamp(unit, zone))
    pq.write_table(pa.table({"time": column}), tmp_path / "a.parquet")
    found = read_file(tmp_path / "a.parquet").frame["time"]
    assert found.dtype == "str"
    assert found[1].startswith("2024-08-02 12:00:00")
    assert pd.isna(found[2])


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path):
    pq.write_table(
        pa.table([pa.array([1, None]), pa.array([True, None])], names=["a", "a"]), tmp_path / "a.pq"
    )
    refused(tmp_path / "a.pq", "has two columns called 'a'; give each a name of its own")


def test_lines_of_json_too_deep_or_too_large_are_rejected_by_themselves(tmp_path):
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    long = '{"' + "x" * 2000 + '": 1}'
    lines = ['{"a": 1}', deep, '{"a": ' + "9" * 5000 + "}", long, '{"a": 2}']
    found = read_file(written(tmp_path / "a.jsonl", "\n".join(lines)))
    assert found.frame["a"].tolist() == [1, 2]
    assert found.rejected["reason"].tolist() == [
        "the line is nested too deeply",
        "the line has a number of too many digits",
        "the line has a name of more than 1,000 signs",
    ]


def test_a_database_does_not_repeat_what_it_cannot_decode(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as book:
        book.execute("CREATE TABLE t (c TEXT)")
        book.execute("INSERT INTO t VALUES (CAST(x'416e6e20ff' AS TEXT))")
        book.commit()
    with pytest.raises(SourceError, match="Could not decode to UTF-8 column 'c'") as error:
        read_database(f"sqlite:///{tmp_path / 'a.db'}", "t")
    assert "Ann" not in str(error.value)


def test_headings_in_a_sentence_do_not_break_its_line(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"one\\ntwo": 1, "three\\u0085\\u007f": 2}')
    with pytest.raises(SourceError, match="it has: one two, three. Say which"):
        crm.load(path, table="staff")


def test_a_table_that_lacks_a_column_is_named_by_its_file(tmp_path):
    written(tmp_path / "steps.csv", "ticket_id,status\n1,opened\n")
    written(tmp_path / FILE, '[[source]]\nfile = "steps.csv"\ntable = "tickets"\n')
    with pytest.raises(TableError, match="^steps.csv: Table tickets needs a column time"):
        crm.open_workspace(tmp_path).clean()


def test_a_table_of_very_many_columns_is_described_by_exact_headings(tmp_path):
    names = ["customer id", "e-mail", *(f"customer idd {n}" for n in range(1500))]
    path = written(tmp_path / "a.csv", ",".join(names) + "\n7,a@b.de" + ",1" * 1500 + "\n")
    (found,) = describe_files([path])
    assert found.proposal.columns == {"customer_id": "customer id", "email": "e-mail"}
    assert max(map(len, found.remarks)) < 1500


def test_a_text_called_a_workbook_is_not_repeated_in_bytes(tmp_path):
    said = refused(written(tmp_path / "a.xls", "Zebulon,1\n" * 200), "is not a workbook that can be read")
    assert "signature" not in said
    assert "\\x" not in said
