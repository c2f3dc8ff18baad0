"""Numbers as people and systems write them, against decimal.Decimal."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.numbers import plain, read_numbers, to_minor_units
from crmlab.errors import ParameterError

NO_NUMBER = "not a number of at most 15 digits"
UNCLEAR = "the decimal mark could be . or ,; set decimal"


def texts_of(values: pd.Series) -> list[str | None]:
    return [None if pd.isna(text) else text for text in values]


def texts(column: list, decimal: str | None = None) -> list[str | None]:
    """Plain form of each cell, None where it is not read."""
    return texts_of(read_numbers(pd.Series(column, dtype="str"), decimal)["text"])


READ = [
    # plain
    ("0", "0"),
    ("7", "7"),
    ("-7", "-7"),
    ("12.5", "12.5"),
    ("1234567.890", "1234567.890"),
    ("007", "007"),
    # digits and marks of Persian and Arabic
    ("۱۲۳", "123"),
    ("١٢٣", "123"),
    ("۱۲٫۵", "12.5"),
    ("۱٬۲۳۴", "1234"),
    ("۱٬۲۳۴٬۵۶۷٫۸۹", "1234567.89"),
    ("۱,۲۳۴٫۵", "1234.5"),
    ("۱۲٫۵۰۰", "12.500"),
    # groups, where the point is the decimal mark
    ("1,234", "1234"),
    ("1,234,567", "1234567"),
    ("1,234.5", "1234.5"),
    ("12,34,567", "1234567"),
    ("12,34,567.89", "1234567.89"),
    ("1'234.50", "1234.50"),
    ("1’234", "1234"),
    ("1 234", "1234"),
    ("1\u202f234\u00a0567", "1234567"),
    ("1_234_567", "1234567"),
    ("1.234", "1.234"),
    ("0.125", "0.125"),
    # groups, where the comma is
    ("12,5", "12.5"),
    ("1.234,50", "1234.50"),
    ("1.234.567", "1234567"),
    ("1 234,50", "1234.50"),
    ("1 234,567", "1234.567"),
    ("1234,567", "1234.567"),
    ("0,125", "0.125"),
    ("-0,125", "-0.125"),
    ("1234,5678", "1234.5678"),
    # signs
    ("+7", "7"),
    ("+ 7", "7"),
    ("- 7", "-7"),
    ("−7", "-7"),
    ("7-", "-7"),
    ("7 -", "-7"),
    ("(7)", "-7"),
    ("( 1,234.50 )", "-1234.50"),
    ("(۱۲)", "-12"),
    # currencies
    ("$7", "7"),
    ("7$", "7"),
    ("7 €", "7"),
    ("€ 12,50", "12.50"),
    ("£1,234.50", "1234.50"),
    ("-$7", "-7"),
    ("$-7", "-7"),
    ("($7)", "-7"),
    ("$(7)", "-7"),
    ("(7 €)", "-7"),
    ("7 €-", "-7"),
    ("7,50-€", "-7.50"),
    ("USD 7", "7"),
    ("usd7", "7"),
    ("EUR12.50", "12.50"),
    ("7 GBP", "7"),
    ("¥1,000", "1000"),
    ("₺5", "5"),
    ("۱۲٬۵۰۰ ریال", "12500"),
    ("ريال ۱۲٬۵۰۰", "12500"),
    ("۱۲٬۵۰۰ ﷼", "12500"),
    ("12500 IRR", "12500"),
    # direction marks and half-spaces around
    ("\u200f۱۲۳\u200e", "123"),
    ("\u200c12 ", "12"),
    # fifteen digits and the noise of floating point
    ("999999999999999", "999999999999999"),
    ("13.299999999999999", "13.299999999999999"),
    ("0.30000000000000004", "0.30000000000000004"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), READ, ids=[row[0] for row in READ])
def test_a_cell_by_itself(given, expected):
    found = read_numbers(pd.Series([given], dtype="str")).iloc[0]
    assert found["text"] == expected
    assert pd.isna(found["reason"])


@pytest.mark.parametrize(
    "given",
    [
        "n/a", "abc", "-", "$", "()", ".", ",", "%", "12%", "1e5", "1E+05", "1.5e3", "0x10", "inf", "NaN",
        "½", "1/2", "12:30", "2024-08-02", "--7", "+-7", "-+7", "(-7)", "(7)-", "-(7)", "7--", "- -7", "(7",
        "7)", ".5", "5.", "5,", "1..5", "1,,5", "1.5.5", "1,2,3", "1,23,4", "1.2.3", "12,3456,789",
        "1234,567,890", "0,123,456", "1,234.567,8", "1.234,567.8", "12 34", "1 2 3", "12 3456",
        "0912 123 4567", "1'23",
        "1٬23", "۱٬۲۳۴٫", "٫۵", "1٫2٫3", "5$00", "12 تومان", "1234567890123456", "-1234567890123456",
        "1,234,567,890,123,456", "7 7", "7a", "a7", "7 USDX", "Ａ", "１２",
    ],
)  # fmt: skip
def test_what_is_no_number_says_so(given):
    found = read_numbers(pd.Series([given], dtype="str")).iloc[0]
    assert pd.isna(found["text"])
    assert found["reason"] == NO_NUMBER


COLUMNS = [
    # one proof of the comma turns the whole column
    (["1,500", "12,5"], None, ["1.500", "12.5"]),
    (["1,500", "1.234,50"], None, ["1.500", "1234.50"]),
    (["1.500", "12,5"], None, ["1500", "12.5"]),
    (["1.500", "1.234.567"], None, ["1500", "1234567"]),
    (["1,500", "0,125"], None, ["1.500", "0.125"]),
    (["1.500", "7", "12,5"], None, ["1500", "7", "12.5"]),
    # without a proof, or with one of the point, the point is the decimal mark
    (["1,500", "1.500"], None, ["1500", "1.500"]),
    (["1,500", "12.5"], None, ["1500", "12.5"]),
    (["1.500", "1,234,567"], None, ["1.500", "1234567"]),
    (["1,500", "0.125"], None, ["1500", "0.125"]),
    (["1,500", "7"], None, ["1500", "7"]),
    # proofs of both: each cell for itself, and what could be either is not read
    (["12,5", "12.5", "1,500", "1.500", "7"], None, ["12.5", "12.5", None, None, "7"]),
    (["1.234,50", "1,234.50", "0,125", "0.125"], None, ["1234.50", "1234.50", "0.125", "0.125"]),
    # the Persian mark is no proof and never anything but a decimal mark
    (["۱۲٫۵۰۰", "12,5"], None, ["12.500", "12.5"]),
    (["۱۲٫۵۰۰", "1,500"], None, ["12.500", "1500"]),
    (["۱۲٫۵۰۰", "12.5", "12,5"], None, ["12.500", "12.5", "12.5"]),
    # what is no number proves nothing
    (["1,500", "1,2.3,5"], None, ["1500", None]),
    (["1,500", "1.2.3,5"], None, ["1500", None]),
    (["1,500", "a12,5"], None, ["1500", None]),
    # what the workspace says goes
    (["1,500", "1.500"], ",", ["1.500", "1500"]),
    (["1,500", "1.500"], ".", ["1500", "1.500"]),
    (["1.500"], ",", ["1500"]),
    (["12.5"], ",", [None]),
    (["12,5"], ".", [None]),
    (["۱۲٫۵", "7"], ",", ["12.5", "7"]),
    (["1.234,5", "1,234.5"], ",", ["1234.5", None]),
    (["1.234,5", "1,234.5"], ".", [None, "1234.5"]),
    (["1 234,5", "1'234"], ",", ["1234.5", "1234"]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "decimal", "expected"), COLUMNS, ids=lambda part: str(part))
def test_the_column_tells_the_decimal_mark(column, decimal, expected):
    assert texts(column, decimal) == expected


@pytest.mark.parametrize(("column", "decimal", "expected"), COLUMNS, ids=lambda part: str(part))
def test_the_order_of_the_rows_does_not_matter(column, decimal, expected):
    assert texts(column[::-1], decimal) == expected[::-1]


def test_a_cell_that_could_be_either_says_so():
    found = read_numbers(pd.Series(["12,5", "12.5", "1,500", "x"]))
    assert found["reason"].fillna("").tolist() == ["", "", UNCLEAR, NO_NUMBER]


@pytest.mark.parametrize("decimal", ["", ";", "point", "٫"])
def test_another_decimal_mark_is_refused(decimal):
    with pytest.raises(ParameterError, match=r"^decimal is '\.' or ',', not "):
        read_numbers(pd.Series(["1"]), decimal)


numbers = st.decimals(-(10**15) + 1, 10**15 - 1, places=3, allow_nan=False) | st.decimals(-999, 999, places=2)
#: How a number is written: mark of groups, decimal mark, how a negative one is shown.
STYLES = st.tuples(
    st.sampled_from(
        [(",", "."), (".", ","), (" ", "."), (" ", ","), ("'", "."), ("٬", "٫"), ("", "."), ("", ",")]
    ),
    st.sampled_from(["-{}", "−{}", "({})", "{}-", "-$ {}", "{} EUR-"]),
    st.sampled_from(["0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"]),
)


def written(number: Decimal, style: tuple) -> str:
    (group, mark), negative, digits = style
    text = f"{abs(number):,.3f}".replace(",", "G").replace(".", mark).replace("G", group)
    text = negative.format(text) if number < 0 else text
    return text.translate(str.maketrans("0123456789", digits))


@settings(deadline=None, max_examples=30)
@given(st.lists(numbers, min_size=1, max_size=20), STYLES)
def test_numbers_in_any_style_are_read_as_themselves(values, style):
    mark = style[0][1]
    found = texts([written(value, style) for value in values], None if mark == "٫" else mark)
    assert [Decimal(text) for text in found] == values


@settings(deadline=None, max_examples=30)
@given(
    st.lists(numbers, min_size=1, max_size=20),
    st.sampled_from([(",", "."), (".", ","), ("", "."), ("", ",")]),
)
def test_a_column_in_one_style_is_read_right_where_a_cell_proves_its_mark(values, marks):
    proof = Decimal("1234567.125")  # a mark of groups that stands twice, or four digits before the other
    style = (marks, "-{}", "0123456789")
    found = texts([written(value, style) for value in [proof, *values]])
    assert [Decimal(text) for text in found] == [proof, *values]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.text("0123456789.,-() '٫٬۱$+x", max_size=10), max_size=20), st.sampled_from([None, ".", ","])
)
def test_any_text_is_read_or_given_a_reason_or_empty(column, decimal):
    found = read_numbers(pd.Series(column, dtype="str"), decimal)
    assert not (found["text"].notna() & found["reason"].notna()).any()
    for text in found["text"].dropna():
        assert Decimal(text).is_finite()
    blank = [text.strip("\u200c ") == "" for text in column]
    assert found.isna().all(axis=1).tolist() == blank


@settings(deadline=None, max_examples=30)
@given(st.lists(numbers, min_size=1, max_size=20))
def test_plain_form_is_read_as_it_is(values):
    column = [str(value) for value in values]
    assert texts(column, ".") == column


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_floating_point_numbers_are_exact_in_plain_text(values):
    found = read_numbers(pd.Series(values, dtype="float64"))
    for value, text, reason in zip(values, texts_of(found["text"]), found["reason"], strict=True):
        if np.isfinite(value):
            assert float(text) == value
            assert "e" not in text.lower()
        else:
            assert text is None
            assert pd.isna(reason) if np.isnan(value) else reason == NO_NUMBER


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Series([1, -20]), ["1", "-20"]),
        (pd.Series([2**63 - 1, -(2**63)]), ["9223372036854775807", "-9223372036854775808"]),
        (pd.Series([2**64 - 1], dtype="uint64"), ["18446744073709551615"]),
        (pd.Series([1, None], dtype="Int64"), ["1", None]),
        (pd.Series([1.5, None], dtype="Float64"), ["1.5", None]),
        (pd.Series([12.0, 12.5, None]), ["12", "12.5", None]),
        (pd.Series([0.1], dtype="float32").astype("float64"), ["0.10000000149011612"]),
        (
            pd.Series([-0.0, 1e15, 1e22, 1e-7]),
            ["0", "1000000000000000", "10000000000000000000000", "0.0000001"],
        ),
        (pd.Series([None, None], dtype="float64"), [None, None]),
        (pd.Series([], dtype="int64"), []),
    ],
    ids=["int", "long", "unsigned", "Int64", "Float64", "float", "float32", "sizes", "no value", "no rows"],
)
def test_numbers_that_came_as_numbers(values, expected):
    found = read_numbers(values)
    assert texts_of(found["text"]) == texts_of(plain(values)) == expected
    assert found["reason"].isna().all()
    assert found["text"].dtype == "str"


def test_objects_of_several_kinds():
    mixed = pd.Series([1, 2.5, Decimal("3.10"), "4,5", None, True], dtype=object)
    assert texts_of(read_numbers(mixed)["text"]) == ["1", "2.5", "3.10", "4.5", None, None]


def test_empty_cells_are_neither_read_nor_wrong():
    found = read_numbers(pd.Series(["", " ", "\u200b", None, "7"], dtype="str"))
    assert found.isna().all(axis=1).tolist() == [True, True, True, True, False]


@pytest.mark.parametrize(
    "column", [["1", "2.5"], ["1,5", "x", None], ["1,500", "1.5"]], ids=["plain", "odd", "mixed"]
)
def test_index_and_given_column_are_kept(column):
    values = pd.Series(column, index=[5] * len(column), name="price", dtype="str")
    before = values.copy()
    found = read_numbers(values)
    pd.testing.assert_series_equal(values, before)
    assert found.index.equals(values.index)


def minor(values: list, decimals: int) -> tuple[list, list]:
    found, rounded = to_minor_units(pd.Series(values, dtype="str"), decimals)
    assert (found.dtype, rounded.dtype) == ("Int64", "bool")
    return [None if pd.isna(value) else value for value in found], rounded.tolist()


@pytest.mark.parametrize(
    ("text", "decimals", "expected", "is_rounded"),
    [
        ("12.5", 2, 1250, False),
        ("12.50", 2, 1250, False),
        ("12", 2, 1200, False),
        ("-12.34", 2, -1234, False),
        ("0", 2, 0, False),
        ("-0.00", 2, 0, False),
        ("007.5", 2, 750, False),
        ("12.345", 2, 1234, True),  # half to even, down
        ("12.355", 2, 1236, True),  # half to even, up
        ("-12.345", 2, -1234, True),
        ("0.005", 2, 0, True),
        ("0.015", 2, 2, True),
        ("0.0050000001", 2, 1, True),
        ("12.5", 0, 12, True),
        ("13.5", 0, 14, True),
        ("12.0", 0, 12, False),
        ("12.345", 3, 12345, False),
        ("999999999999999", 2, 99_999_999_999_999_900, False),
        ("999999999999999.995", 2, 100_000_000_000_000_000, True),
        ("-999999999999999.99", 3, -999_999_999_999_999_990, False),
        # noise of floating point is no digit of an amount
        ("0.30000000000000004", 2, 30, False),
        ("13.299999999999999", 2, 1330, True),
        ("0.00000000000000000001", 2, 0, False),
    ],
)
def test_minor_units(text, decimals, expected, is_rounded):
    assert minor([text], decimals) == ([expected], [is_rounded])


@pytest.mark.parametrize(
    ("text", "decimals"),
    [("9" * 19, 0), ("9" * 17, 2), ("1" + "0" * 300, 2), ("999999999999999.9999", 4), ("-" + "9" * 19, 0)],
)
def test_amounts_too_large_for_whole_numbers_are_missing_not_wrong(text, decimals):
    assert minor(["1", text, None], decimals) == ([10**decimals, None, None], [False, False, False])


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.none() | st.decimals(-(10**14), 10**14, places=5), min_size=1, max_size=20),
    st.integers(0, 3),
)
def test_minor_units_against_decimal(amounts, decimals):
    found, rounded = minor([None if amount is None else f"{amount:f}" for amount in amounts], decimals)
    for amount, value, was_rounded in zip(amounts, found, rounded, strict=True):
        if amount is None:
            assert value is None
            assert not was_rounded
        else:
            exact = amount.scaleb(decimals)
            assert value == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))
            assert was_rounded == (value != exact)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=20), st.sampled_from([0, 2, 3]))
def test_amounts_survive_a_spreadsheet(units, decimals):
    """What a spreadsheet or a data frame keeps as a floating point number comes back to the cent."""
    as_floats = pd.Series([unit / 10**decimals for unit in units], dtype="float64")
    found, rounded = to_minor_units(read_numbers(as_floats)["text"], decimals)
    assert found.tolist() == units
    assert not rounded.any()


def test_minor_units_keep_the_index():
    text = pd.Series(["1", None], index=["b", "b"], dtype="str")
    found, rounded = to_minor_units(text, 2)
    assert found.index.equals(text.index)
    assert rounded.index.equals(text.index)
