"""Delimited text in the encodings and dialects people send, against texts written by other means."""

import codecs
import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crmlab.errors import ParameterError, SourceError
from crmlab.loaders.delimited import detect_delimiter, detect_encoding, has_header, read_delimited
from crmlab.loaders.raw import Raw


@pytest.fixture
def read(tmp_path):
    """Read bytes, or text as UTF-8, as a delimited file."""

    def read(content: str | bytes, **options) -> Raw:
        path = tmp_path / "shop.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_delimited(path, **options)

    return read


def cells(content: Raw) -> list[list[str]]:
    return [content.frame.columns.tolist(), *content.frame.to_numpy().tolist()]


# Encodings

GERMAN = "Kunde;Ort\nMüller;Köln\nGroß;Düsseldorf\nÄrmel;Öhringen\nÜber;Straße\n"
FRENCH = "client;ville\nRené;Orléans\nZoë;Besançon\nFrançois;Créteil\nHélène;Saint-Étienne\n"
PORTUGUESE = "cliente;observação\nJoão;informações\nConceição;não há reclamações\n"
SPANISH = "cliente;nota\nMuñoz;¿cuándo?\nIbáñez;mañana\nPeña;teléfono\n"
SWEDISH = "kund;ort\nÅsa;Malmö\nSjöström;Växjö\nBjörk;Gävle\n"
PUNCTUATION = "name;note\nO’Neil;“quoted” – 5 €\nSmith;it’s fine\n"
PERSIAN = "نام;شهر\nعلي کريمي;تهران\nزهرا حسيني;شيراز\nمريم احمدي;تبريز\n".replace("ک", "ك")
PERSIAN_OWN_LETTERS = "نام;شهر\nپرويز چگيني;كرمان\nژاله گودرزي;چالوس\n"
ARABIC = "الاسم;المدينة\nمحمد عبدالله;الرياض\nفاطمة الزهراء;القاهرة\n"
MIXED = (
    "id;name;email;city;code\n"
    "1;علي Smith;ali@example.com;تهران Tehran;A-12\n"
    "2;Sara رضايي;sara@example.com;Shiraz;B-7\n"
)
DIGITS = "کد;مبلغ\n12;1500 ريال\n13;2750 ريال\n14;900 ريال و 50 دينار\n".replace("ک", "ك")


@pytest.mark.parametrize("text", [GERMAN, FRENCH, PORTUGUESE, SPANISH, SWEDISH, PUNCTUATION])
def test_western_text_in_windows_1252(read, text):
    assert detect_encoding(text.encode("cp1252")) == "cp1252"
    assert cells(read(text.encode("cp1252"))) == list(csv.reader(io.StringIO(text), delimiter=";"))


@pytest.mark.parametrize("text", [PERSIAN, PERSIAN_OWN_LETTERS, ARABIC, MIXED, DIGITS])
def test_persian_and_arabic_text_in_windows_1256(read, text):
    assert detect_encoding(text.encode("cp1256")) == "cp1256"
    assert cells(read(text.encode("cp1256"))) == list(csv.reader(io.StringIO(text), delimiter=";"))


@pytest.mark.parametrize(
    "text", [GERMAN, FRENCH, PORTUGUESE, PUNCTUATION, PERSIAN, ARABIC, MIXED, "a;b\n1;2\n"]
)
@pytest.mark.parametrize(
    "form", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le with mark", "utf-16-be with mark"]
)
def test_unicode_with_and_without_a_mark(read, text, form):
    encoding, _, marked = form.partition(" with ")
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}[encoding] if marked else b""
    assert cells(read(mark + text.encode(encoding))) == list(csv.reader(io.StringIO(text), delimiter=";"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(GERMAN, "cp1252"), (PERSIAN, "cp1256"), (GERMAN, "latin-1"), (PERSIAN, "utf-16-le"), (GERMAN, "cp850")],
)
def test_an_encoding_that_is_named_is_believed(read, text, encoding):
    assert cells(read(text.encode(encoding), encoding=encoding))[1:] == [
        line.split(";") for line in text.splitlines()[1:]
    ]


@pytest.mark.parametrize(("encoding", "words"), [("cp1256", "علي;تهران"), ("cp1252", "Müller;Köln")])
def test_what_comes_after_a_first_megabyte_of_ascii_counts(read, encoding, words):
    lines = "name;city\n" + "Smith;London\n" * 100_000
    assert len(lines) > 1 << 20
    found = read((lines + words + "\n").encode(encoding)).frame
    assert len(found) == 100_001
    assert found.iloc[-1].tolist() == words.split(";")


def test_a_character_across_any_boundary_of_a_long_file_is_read(read):
    for shift in range(3):
        text = "نام\n" + "x" * shift + "\n" + "تهران\n" * 100_000
        assert read(text).frame["نام"].iloc[-1] == "تهران"


def test_lines_of_a_utf8_file_that_are_no_text_are_rejected_by_number(read):
    lines = ["name,n", "Müller,1", "علی,2", "Köln,3", "Zoë,4", "René,5"]
    content = [line.encode() for line in lines]
    content.insert(3, b"M\xfcller,7")
    content.insert(5, b"\xc7\xe1\xec,8")
    found = read(b"\n".join(content))
    assert found.frame["n"].tolist() == ["1", "2", "3", "4", "5"]
    assert found.rows.tolist() == [1, 2, 4, 6, 7]
    assert found.rejected.to_numpy().tolist() == [
        [3, "the line has bytes that are no text", "M\ufffdller,7"],
        [5, "the line has bytes that are no text", "\ufffd,8"],
    ]


def test_bytes_that_are_no_text_within_quotes_cost_one_record_only(read):
    content = 'name,n\nMüller,1\n"'.encode() + b"two\nl\xffnes" + '",2\nKöln,3\nZoë,4\n'.encode()
    found = read(content)
    assert found.frame["n"].tolist() == ["1", "3", "4"]
    assert found.rejected[["row", "record"]].to_numpy().tolist() == [[2, "two\nl\ufffdnes,2"]]


def test_lines_that_are_no_text_and_ragged_lines_keep_their_order(read):
    content = "name,n\nMüller,1\nshort\nKöln,2\n".encode() + b"\xff\xff,3\n" + "long,4,5\nZoë,6\n".encode()
    found = read(content)
    assert found.rejected["row"].tolist() == [2, 4, 5]
    assert found.rows.tolist() == [1, 3, 6]


def test_a_file_of_one_column_rejects_lines_that_are_no_text_too(read):
    found = read("name\nMüller\nعلی\n".encode() + b"\xff bad\n" + "Köln\n".encode())
    assert found.frame["name"].tolist() == ["Müller", "علی", "Köln"]
    assert found.rejected[["row", "record"]].to_numpy().tolist() == [[3, "\ufffd bad"]]


def test_bytes_that_windows_1252_does_not_know_reject_their_line(read):
    found = read("Größe;n\nStraße;1\n".encode("cp1252") + b"\x81\x8d;2\n" + "Köln;3\n".encode("cp1252"))
    assert found.frame["n"].tolist() == ["1", "3"]
    assert found.rejected["row"].tolist() == [2]


def test_a_heading_with_bytes_that_are_no_text_can_be_shown(read):
    found = read(b"na\xffme,n\n" + "علی,1\nرضا,2\n".encode())
    assert found.frame.columns.tolist() == ["na\ufffdme", "n"]


def test_an_encoding_that_does_not_fit_is_one_sentence_with_the_line(read):
    with pytest.raises(SourceError) as error:
        read("a,b\n1,2\nMüller,3\n".encode("cp1252"), encoding="utf-8")
    assert str(error.value) == (
        "shop.csv is not in the encoding 'utf-8': line 3 has bytes that do not belong to it. "
        "Leave encoding out to have it recognised."
    )


@pytest.mark.parametrize("encoding", ["nonsense", "base64", "rot13"])
def test_an_encoding_that_does_not_exist_is_one_sentence(read, encoding):
    with pytest.raises(
        SourceError, match=rf"^There is no encoding '{encoding}' for shop.csv; leave encoding out"
    ):
        read("a,b\n1,2\n", encoding=encoding)


def test_half_a_utf16_character_is_one_sentence(read):
    with pytest.raises(
        SourceError, match=r"^shop.csv is not in the encoding 'utf-16': .* Save the file anew\.$"
    ):
        read("نام,b\nعلی,2\n".encode("utf-16") + b"x")


# Delimiters and headers

RECORDS = [["id", "name", "amount"], ["1", "Smith", "12.50"], ["2", "Müller", "7"], ["3", "علی", "1100"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_delimiters_and_line_ends(read, delimiter, line_end, last):
    text = line_end.join(delimiter.join(record) for record in RECORDS) + (line_end if last else "")
    assert cells(read(text)) == RECORDS


def test_a_long_file_with_nothing_but_carriage_returns(read):
    found = read("a,b\r" + "1,2\r" * 400_000)
    assert found.frame.shape == (400_000, 2)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("name;amount;discount\na;1,5;0,25\nb;2,5;0,75\n", ";"),
        ("name;price, EUR\na;1,5\nb;2,5\n", ";"),
        ("name,note\na,x;y;z\nb,p;q\n", ","),
        ("name\tnote\na\tx, y, z\nb\tp, q\n", "\t"),
        ("a|b|c\n1|2,5|x;y\n2|3,5|z\n", "|"),
        ('a,b\n"x;y;z",1\n"p;q;r",2\n', ","),
        ('a;b\n"1\n2";x\n"3\n4";y\n', ";"),
        ("one column\nof words\n", ","),
        ("email\na@example.com\nb@example.com\n", ","),
        (" 00001 19970101  1   11.77\n 00001 19970118  1   12.50\n", "whitespace"),
        ("id  date      n\n1   19970101  1\n22  19970118  10\n", "whitespace"),
        ("full name\nAli Rezaei\nSara Ahmadi\n", ","),
        ("a\n\n\nb\n", ","),
    ],
)
def test_the_delimiter_is_recognised(text, delimiter):
    assert detect_delimiter(text) == delimiter


def test_columns_aligned_with_spaces_as_cdnow_has_them(read):
    text = " 00001 19970101  1   11.77\n 00002 19970112  1   12.00  \n\n 00002 19970112  5   77.00\n"
    found = read(text)
    assert cells(found) == [
        ["1", "2", "3", "4"],
        ["00001", "19970101", "1", "11.77"],
        ["00002", "19970112", "1", "12.00"],
        ["00002", "19970112", "5", "77.00"],
    ]
    assert len(found.rejected) == 0


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_aligned_columns_with_a_header_quotes_and_a_short_line(read, line_end):
    lines = ["id size  amount", '1  5"    11.77', "2  7", '3  "x"   12', " 4 8 9 "]
    found = read(line_end.join(lines), delimiter="whitespace")
    assert cells(found) == [
        ["id", "size", "amount"],
        ["1", '5"', "11.77"],
        ["3", '"x"', "12"],
        ["4", "8", "9"],
    ]
    assert found.rejected.to_numpy().tolist() == [[2, "the line has 2 fields, the table 3", "2\t7"]]


@pytest.mark.parametrize("delimiter", ["", ";;", "\n", "\r", '"', "؛", "\\t"])
def test_an_impossible_delimiter_is_refused(read, delimiter):
    with pytest.raises(ParameterError, match="^delimiter is one character such as ',', ';', '|' or a tab"):
        read("a,b\n1,2\n", delimiter=delimiter)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (["id", "1"], True),
        (["1", "2.5", "-3"], False),
        (["1", "", "2024-01-05"], False),
        (["00001", "19970101", "10:30"], False),
        (["۱۲", "۱۴۰۳/۰۵/۱۲"], False),
        (["", ""], False),
        (["1", "Smith"], True),
    ],
)
def test_a_first_record_of_numbers_is_no_header(first, expected):
    assert has_header(first) is expected


def test_a_file_without_header_loses_no_record(read):
    found = read("1,2\n3,4\n5\n6,7\n")
    assert cells(found) == [["1", "2"], ["1", "2"], ["3", "4"], ["6", "7"]]
    assert found.rows.tolist() == [1, 2, 4]
    assert found.rejected["row"].tolist() == [3]


def test_what_is_said_of_the_header_is_believed(read):
    assert cells(read("2019,2020\n1,2\n", header=True)) == [["2019", "2020"], ["1", "2"]]
    assert cells(read("a,b\nc,d\n", header=False)) == [["1", "2"], ["a", "b"], ["c", "d"]]


def test_headings_repeated_and_empty(read):
    found = read("id,name, name ,,\n1,2,3,4,5\n")
    assert cells(found) == [["id", "name", "name (2)", "column 4", "column 5"], ["1", "2", "3", "4", "5"]]


def test_headings_over_two_lines(read):
    found = read('"first\nname",n\nx,1\n2\ny,3\n')
    assert cells(found) == [["first\nname", "n"], ["x", "1"], ["y", "3"]]
    assert found.rejected["row"].tolist() == [2]


@pytest.mark.parametrize("before", ["\n", "\r\n\r\n", "  \n\n", "\t\n \r\n"])
def test_blank_lines_before_the_header_and_between_records_are_no_records(read, before):
    found = read(before + "a,b\n1,2\n\n3\n\n\n4,5\n\n")
    assert cells(found) == [["a", "b"], ["1", "2"], ["4", "5"]]
    assert found.rows.tolist() == [1, 3]
    assert found.rejected["row"].tolist() == [2]


def test_a_first_cell_that_is_blank_is_kept(read):
    assert cells(read("\tname\tage\n0\tAli\t30\n")) == [["column 1", "name", "age"], ["0", "Ali", "30"]]


def test_one_column(read):
    found = read("name\nAli Rezaei\n\nSara\n")
    assert cells(found) == [["name"], ["Ali Rezaei"], ["Sara"]]
    assert found.rows.tolist() == [1, 2]


# Quotes


def test_quoted_fields_with_delimiters_line_ends_and_quotes(read):
    found = read('a,b\n"x,1","two\r\nlines"\n"he said ""no""",""\n5" pipe,it\'s\n')
    assert cells(found) == [
        ["a", "b"],
        ["x,1", "two\r\nlines"],
        ['he said "no"', ""],
        ['5" pipe', "it's"],
    ]


def test_spaces_and_words_for_missing_values_stay_as_they_are(read):
    found = read("a,b\n 1 ,NA\nnull,\n")
    assert cells(found) == [["a", "b"], [" 1 ", "NA"], ["null", ""]]
    assert found.frame.dtypes.astype("str").tolist() == ["str", "str"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n7,8\n', "record 2 of shop.csv"),
        ('a,b\n1,2\n3,"4', "record 2 of shop.csv"),
        ('a,b\n1,2\n"3,4\n5,6\n', "record 2 of shop.csv"),
        ('a,"b\n1,2\n3,4\n', "shop.csv"),
    ],
    ids=["in a record", "in the last cell", "in the first cell", "in the header"],
)
def test_a_quotation_mark_that_is_never_closed_swallows_nothing_in_silence(read, text, where):
    with pytest.raises(SourceError) as error:
        read(text)
    assert str(error.value) == (
        f"A quotation mark that opens a cell in {where} is never closed; close it, or remove it."
    )


def test_a_quotation_mark_that_swallows_more_than_the_reader_holds_at_once(read, monkeypatch):
    monkeypatch.setattr("crmlab.loaders.delimited._BLOCK", 1 << 16)
    assert len(read("a,b\n" + "3,4\n" * 100_000).frame) == 100_000
    with pytest.raises(SourceError, match=r"^A quotation mark that opens a cell in shop.csv is never closed"):
        read('a,b\n"1,2\n' + "3,4\n" * 100_000)


# Ragged lines


def test_ragged_lines_are_rejected_and_the_others_find_their_record(read):
    text = 'a,b,c\n1,x,y\n2,x\n3,"two\nlines",y\n4,x,y,z\n5\n6,x,y\n'
    found = read(text)
    assert found.rejected.to_numpy().tolist() == [
        [2, "the line has 2 fields, the table 3", "2,x"],
        [4, "the line has 4 fields, the table 3", "4,x,y,z"],
        [5, "the line has 1 field, the table 3", "5"],
    ]
    assert found.rows.astype("str").tolist() == found.frame["a"].tolist() == ["1", "3", "6"]
    records = list(csv.reader(io.StringIO(text)))
    for row, values in zip(found.rows, found.frame.to_numpy().tolist(), strict=True):
        assert records[row] == values


@given(st.lists(st.integers(1, 4), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_is_read_or_rejected_under_its_own_number(tmp_path, widths):
    path = tmp_path / "shop.csv"
    lines = [",".join([str(number), *["x"] * (width - 1)]) for number, width in enumerate(widths, start=1)]
    path.write_text("\n\n".join(["a,b,c", *lines]))
    found = read_delimited(path, delimiter=",", header=True)
    assert found.rows.tolist() == [n for n, width in enumerate(widths, start=1) if width == 3]
    assert found.frame["a"].tolist() == found.rows.astype("str").tolist()
    assert found.rejected["row"].tolist() == [n for n, width in enumerate(widths, start=1) if width != 3]
    assert found.rejected["record"].tolist() == [lines[row - 1] for row in found.rejected["row"]]


def test_a_million_rows_one_in_a_hundred_broken(read):
    n = 1_000_000
    short = np.arange(1, n + 1) % 100 == 37
    lines = [str(i) if i % 100 == 37 else f"{i},a,ب,2024-08-02,5,12.50" for i in range(1, n + 1)]
    found = read("id,x,y,day,n,amount\n" + "\n".join(lines) + "\n")
    assert len(found.frame) == 990_000
    assert len(found.rejected) == 10_000
    assert np.array_equal(found.rows, np.flatnonzero(~short) + 1)
    assert (found.frame["id"] == found.rows.astype("str")).all()
    assert np.array_equal(found.rejected["row"], np.flatnonzero(short) + 1)
    assert found.rejected["record"].tolist() == found.rejected["row"].astype("str").tolist()


def test_reading_a_file_of_many_broken_lines_takes_no_longer_per_line(read):
    lines = ["نام,n", *["علی,1"] * 30_000]
    content = "\n".join(lines).encode() + b"\n" + b"\xff,2\n" * 30_000
    found = read(content)
    assert (len(found.frame), len(found.rejected)) == (30_000, 30_000)


# Files that are none


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\r\n\n", b"  \n\t", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, gzip.compress(b"", mtime=0)],
)
def test_an_empty_file_is_one_sentence(read, content):
    with pytest.raises(SourceError) as error:
        read(content)
    assert str(error.value) == "shop.csv is empty."


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\r\n\r\n"])
def test_a_header_alone_is_a_table_without_rows(read, text):
    found = read(text)
    assert cells(found) == [["a", "b"]]
    assert found.frame.dtypes.astype("str").tolist() == ["str", "str"]
    assert (len(found.rows), len(found.rejected)) == (0, 0)


@pytest.mark.parametrize(
    "content", [b"a,b\n1,\x002\n", b"\x89PNG\r\n\x1a\n\x00\x00", "a,b\n1,2\n".encode("utf-16-le")]
)
def test_zero_bytes_are_no_text(read, content):
    with pytest.raises(SourceError) as error:
        read(content)
    assert str(error.value) == "shop.csv is not a text file: it holds zero bytes."


def test_a_gzipped_file_is_read_whatever_its_name(read):
    assert cells(read(gzip.compress(GERMAN.encode("cp1252")))) == cells(read(GERMAN))


def test_a_cut_off_gzip_file_is_one_sentence(read):
    packed = gzip.compress(
        np.random.default_rng(1).integers(0, 256, 20_000, dtype="uint8").tobytes().hex().encode()
    )
    for size in (2, 11, len(packed) // 2, len(packed) - 1):
        with pytest.raises(SourceError) as error:
            read(packed[:size])
        assert str(error.value) == "shop.csv is cut off: its compressed data end too early."


def test_a_damaged_gzip_file_is_one_sentence(read):
    packed = bytearray(gzip.compress(np.random.default_rng(1).bytes(20_000).hex().encode()))
    for place in (3, 12, len(packed) // 2, len(packed) - 6):
        damaged = packed.copy()
        damaged[place] ^= 0xFF
        if place == 3:
            damaged[2] = 0
        with pytest.raises(SourceError, match=r"^shop.csv is (damaged|cut off): its compressed data"):
            read(bytes(damaged))


# What is written comes back

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufdd0\ufdd1"), max_size=8)


@given(
    columns=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(TEXT, min_size=n, max_size=n), max_size=8)),
    delimiter=st.sampled_from([",", ";", "\t", "|", ":"]),
    # Python's writer quotes a carriage return only where it is part of the line end.
    form=st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_MINIMAL, "\r\n")]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@example([["\ufeff"]], ",", (csv.QUOTE_MINIMAL, "\r\n"), "utf-8")
@example([["", ""]], ";", (csv.QUOTE_MINIMAL, "\r\n"), "utf-8")
@example([['"'], ["\n"], [""]], ",", (csv.QUOTE_MINIMAL, "\r\n"), "utf-16")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_that_is_written_comes_back(tmp_path: Path, columns, delimiter, form, encoding):
    names = [f"c{place}" for place in range(len(columns[0]) if columns else 2)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=form[0], lineterminator=form[1])
    writer.writerows([names, *columns])
    path = tmp_path / "written.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    found = read_delimited(path, delimiter=delimiter, header=True)
    assert cells(found) == [names, *columns]
    assert found.rows.tolist() == list(range(1, len(columns) + 1))
    assert found.rejected.empty


WORDS = st.text("abcdefghijklmnop äöüßé نامشهرتهران", min_size=1, max_size=6).filter(str.strip)


@given(
    records=st.integers(2, 5).flatmap(
        lambda n: st.lists(st.lists(WORDS, min_size=n, max_size=n), min_size=1, max_size=20)
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_words_come_back_without_a_word_about_how_they_were_written(tmp_path: Path, records, delimiter):
    path = tmp_path / "written.csv"
    names = [f"c{place}" for place in range(len(records[0]))]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([names, *records])
    assert cells(read_delimited(path)) == [names, *records]
