"""Dirty tables of every kind by chance: columns come and go, cells are good, bad and missing."""

import numpy as np
import pandas as pd

from crmlab.contract import Column
from crmlab.tables import TABLES, YES_NO

_COMMON = [None, "", "  ", "n/a", "نامشخص", "\u200b", "\u200e-\u200f", "???"]
_CELLS = {
    "id": ["1", "۲", "٣", " a7 ", "A7", "x\u200cy", "007", "\ufefb", "كد ۱"],
    "text": ["تهران", "تهـران", "  two   words ", "O'Neil", "\u200c", "emoji 👍", "null", "N/A\u200b",
             "éa\u0301"],
    "name": ["علي", "علی\u200cرضا", "JANE DOE", "jane doe", "McDonald", "O’NEIL", "YİĞİT", "x"],
    "email": ["ann@example.com", "Ann@Example.COM", "ann@@example.com", "علی@example.com",
              " ann@example.com"],
    "phone": ["09121234567", "۰۹۱۲۱۲۳۴۵۶۷", "+44 20 7946 0018", "12", "0912-123-4567", "+989121234567"],
    "date": ["2024-08-02", "1403/05/12", "۱۴۰۳/۰۵/۱۲", "1403/07/31", "02/08/2024", "13/08/2024", "2 Aug 2024",
             "2024-08-02 10:30", "2024-08-02T10:30Z", "24-08-02", "20240802", "2024-08-02 25:00"],
    "integer": ["1", "۲", "-3", "1,000", "2.0", "2.5", "999999999999999", "9999999999999999", "-0", "(4)"],
    "number": ["1", "2.5", "۲٫۵", "1,5", "1.234,5", "-3", "10", "11", "1e5"],
    "money": ["12.50", "12,5", "1,500", "1.234,50", "$7", "(3)", "۱۲٬۵۰۰ ریال", "0.005", "13.299999999999999",
              "999999999999999.99", "-5", "1 2"],
}  # fmt: skip
_CELLS["time"] = _CELLS["date"]
_NUMBERS = [0.0, 1.0, 2.5, -3.0, 0.1 + 0.2, 1e17, 1e300, 1e-9, np.inf, -np.inf, np.nan, 9121234567.0]
_WHOLE = [0, 1, -3, 2**62, 19970101, 14030512, 9121234567, None]
_STAMPS = ["2024-08-02 10:30:15.250", "1403-05-12", "0600-01-01", None]
_ZONED = [pd.Timestamp("2024-08-02 10:30:15.250", tz="Asia/Tokyo"), None]


def cells(column: Column, size: int, chance: np.random.Generator) -> pd.Series:
    """A column of text, or of a type that a database or a spreadsheet may give it."""
    pool = _CELLS.get(column.kind)
    if pool is None:
        allowed = YES_NO if column.kind == "boolean" else column.allowed
        pool = [text for value, others in allowed.items() for text in (str(value).upper(), *others[:2])]
        pool += ["no such value"]
    text = (pool * 3 + _COMMON, "str")
    kinds = [text] * 4 + [
        (_NUMBERS, "float64"),
        (_WHOLE, "Int64"),
        ([*pool, *_COMMON, 1, 2.5, True], "object"),
    ]
    if column.kind in ("date", "time"):
        kinds += [(_STAMPS, "datetime64[us]"), (_ZONED, "datetime64[us, Asia/Tokyo]")]
    if column.kind == "boolean":
        kinds += [([True, False, None], "boolean")]
    values, dtype = kinds[chance.integers(len(kinds))]
    return pd.Series([values[place] for place in chance.integers(len(values), size=size)], dtype=dtype)


def dirty(name: str, seed: int, rows: int = 40) -> pd.DataFrame:
    """A raw frame for table `name`: required columns, some of the others, and one beyond the contract."""
    chance = np.random.default_rng(seed)
    columns = {}
    for column in (*TABLES[name].columns, Column("beyond", "text", "")):
        needed = column.required and column.default is None and column.name != "amount"
        if needed or chance.random() < 0.5:
            columns[column.name] = cells(column, rows, chance)
    frame = pd.DataFrame(columns, index=range(rows))
    twice = chance.integers(rows, size=5)
    return pd.concat([frame, frame.loc[twice]]).sample(frac=1, random_state=chance)
