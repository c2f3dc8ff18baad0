"""What the files look like: names, headings, separators, encodings and ways of writing values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.calendars import MONTH_NAMES, days_to_jalali
from crmlab.loaders.sample.words import Words
from crmlab.tables import YES_NO, Column
from crmlab.tables import table as contract_of

#: Persian letters to the Arabic ones that old keyboards and code pages have.
TO_ARABIC = str.maketrans("یک", "يك")
_TEXT = pa.large_string()
_PERSIAN = re.compile("[\u0600-\u06ff]")


@dataclass(frozen=True)
class Form:
    """How the file of one table is written.

    Attributes
    ----------
    headings
        Column of the table to heading; empty if the headings are the columns' names.
    """

    file: str
    delimiter: str = ","
    encoding: str = "utf-8"
    headings: Mapping[str, str] = field(default_factory=dict)

    @property
    def lacks_persian(self) -> bool:
        """Whether its code page has neither Persian ye nor Persian digits."""
        return self.encoding == "cp1256"

    def written(self, text: str) -> str:
        """`text` in the letters that the file has."""
        return text.translate(TO_ARABIC) if self.lacks_persian else text


_LIBRARY_FILES = {"customers": "patrons.csv", "orders": "loans.csv", "products": "titles.csv"}
_DELIMITERS = {"interactions": ";", "staff": "\t"}
#: Of what a library calls otherwise than a shop.
_LIBRARY_HEADINGS: dict[tuple[str, str], dict[str, str]] = {
    ("en", "customers"): {"customer_id": "Patron no"},
    ("en", "orders"): {
        "order_id": "Loan no", "customer_id": "Patron no", "time": "Lent on", "product_id": "Title no",
        "quantity": "Items", "amount": "Overdue fee", "channel": "Desk",
    },
    ("en", "products"): {"product_id": "Title no", "name": "Title", "category": "Genre", "stock": "Copies"},
    ("fa", "customers"): {"customer_id": "شماره عضویت"},
    ("fa", "orders"): {
        "order_id": "شماره امانت", "customer_id": "شماره عضویت", "time": "تاریخ امانت",
        "product_id": "شماره کتاب", "quantity": "تعداد", "amount": "جریمه دیرکرد", "channel": "محل",
    },
    ("fa", "products"): {"product_id": "شماره کتاب", "name": "عنوان", "category": "موضوع", "stock": "نسخه"},
}  # fmt: skip
_HEADINGS: dict[tuple[str, str], dict[str, str]] = {
    ("en", "customers"): {
        "customer_id": "Customer ID", "first_name": "First name", "last_name": "Surname", "gender": "Sex",
        "birth_date": "Date of birth", "email": "E-mail", "phone": "Mobile", "address": "Address",
        "city": "Town", "province": "County", "postcode": "Postcode", "country": "Country",
        "channel": "Heard of us by", "registered_at": "Member since",
    },
    ("en", "orders"): {
        "order_id": "Order no", "customer_id": "Customer", "time": "Order date", "product_id": "SKU",
        "quantity": "Qty", "unit_price": "Price", "discount": "Discount", "amount": "Total",
        "channel": "Channel", "promotion": "Promotion code",
    },
    ("en", "products"): {
        "product_id": "SKU", "name": "Description", "category": "Group", "unit_price": "Price",
        "unit_cost": "Cost", "stock": "In stock",
    },
    ("fa", "customers"): {
        "customer_id": "شماره مشتری", "first_name": "نام", "last_name": "نام خانوادگی", "gender": "جنسیت",
        "birth_date": "تاریخ تولد", "email": "ایمیل", "phone": "موبایل", "national_id": "کد ملی",
        "address": "نشانی", "city": "شهر", "province": "استان", "postcode": "کد پستی", "country": "کشور",
        "channel": "نحوه آشنایی", "registered_at": "تاریخ عضویت",
    },
    ("fa", "orders"): {
        "order_id": "شماره سفارش", "customer_id": "مشتری", "time": "تاریخ سفارش", "product_id": "کد کالا",
        "quantity": "تعداد", "unit_price": "قیمت واحد", "discount": "تخفیف", "amount": "مبلغ",
        "channel": "کانال", "promotion": "کد تخفیف",
    },
    ("fa", "products"): {
        "product_id": "کد کالا", "name": "نام کالا", "category": "گروه", "unit_price": "قیمت",
        "unit_cost": "بهای تمام شده", "stock": "موجودی",
    },
}  # fmt: skip


def form_of(table: str, kind: str, language: str) -> Form:
    """The form of a table's file."""
    headings = dict(_HEADINGS.get((language, table), {}))
    file, encoding = f"{table}.csv", "utf-8"
    if kind == "library":
        file = _LIBRARY_FILES[table]
        headings |= _LIBRARY_HEADINGS[language, table]
    elif table == "leads":
        file = "leads.jsonl"
    if table == "customers":
        encoding = "cp1256" if language == "fa" else "utf-8-sig"
    form = Form(file, _DELIMITERS.get(table, ","), encoding)
    return replace(form, headings={column: form.written(head) for column, head in headings.items()})


def as_text(frame: pd.DataFrame, table: str, form: Form, words: Words) -> pd.DataFrame:
    """A clean table as its file has it, every cell as text; columns without any value are left out."""
    columns = {
        column.name: _column_as_text(frame[column.name], column, words)
        for column in contract_of(table).columns
        if frame[column.name].notna().any()
    }
    text = pd.DataFrame(columns)
    if form.lacks_persian:
        names = [c.name for c in contract_of(table).columns if c.kind in ("name", "text", "category")]
        for name in text.columns.intersection(names):
            text[name] = text[name].str.translate(TO_ARABIC)
    return text


def _column_as_text(values: pd.Series, column: Column, words: Words) -> pd.Series:
    if column.kind in ("date", "time"):
        return dates_as_text(values, column.kind == "time", "jalali" if words.jalali else "iso")
    if column.kind == "money":
        return money_as_text(values, words.decimals)
    if column.kind == "phone":
        return "0" + values.str.slice(len(words.phone_code))
    if column.kind in ("category", "boolean"):
        usual = {value: spellings[0] for value, spellings in spellings_of(column, words).items()}
        return values.map(usual).astype("str")
    if column.kind == "number":
        return values.astype("Int64").astype("str")
    return values.astype("str")


def spellings_of(column: Column, words: Words) -> dict[Any, list[str]]:
    """Each allowed value with its spellings in the language of the files, the usual one first.

    Persian files also hold Latin spellings, English ones no Persian.
    """
    if column.kind == "boolean":
        known = {True: ("yes", *YES_NO[True]), False: ("no", *YES_NO[False])}
    else:
        known = {value: (value, *others) for value, others in (column.allowed or {}).items()}
    return {value: _in_language(spellings, words) for value, spellings in known.items()}


def _in_language(spellings: tuple[str, ...], words: Words) -> list[str]:
    persian = [one for one in spellings if _PERSIAN.match(one)]
    latin = [one for one in spellings if one not in persian]
    return [*persian, *latin] if words.jalali else latin


def money_as_text(values: pd.Series, decimals: int) -> pd.Series:
    """Minor units as amounts in the major unit."""
    if not decimals:
        return values.astype("str")
    size = values.abs()
    major = (
        (size // 10**decimals).astype("str") + "." + (size % 10**decimals).astype("str").str.zfill(decimals)
    )
    return major.where((values >= 0).fillna(True), "-" + major)


def dates_as_text(values: pd.Series, with_time: bool, style: str) -> pd.Series:
    """Dates in one style: ``iso``, ``day first``, ``month name``, ``jalali``, ``jalali month name``."""
    known = values.notna()
    stamps = values[known].to_numpy(dtype="datetime64[s]")
    days, place = np.unique(stamps.astype("datetime64[D]"), return_inverse=True)
    # Days and clock times are few: each is written once.
    text = pa.array(_days_as_text(days, style), _TEXT).take(pa.array(place))
    if with_time:
        second = (stamps - stamps.astype("datetime64[D]")).astype(np.int64)
        text = pc.binary_join_element_wise(text, _clock_times().take(pa.array(second)), pa.scalar(" ", _TEXT))
    return pd.Series(text, index=values.index[known], dtype="str").reindex(values.index)


@cache
def _clock_times() -> pa.Array:
    """Every second of a day, such as ``08:34:06``."""
    seconds = range(24 * 3600)
    return pa.array([f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds], _TEXT)


def _days_as_text(days: np.ndarray, style: str) -> list[str]:
    stamps = pd.DatetimeIndex(days)
    if style == "iso":
        return [f"{d.year}-{d.month:02d}-{d.day:02d}" for d in stamps]
    if style == "day first":
        return [f"{d.day:02d}/{d.month:02d}/{d.year}" for d in stamps]
    if style == "month name":
        names = "January February March April May June July August September October November December"
        return [f"{d.day} {names.split()[d.month - 1]} {d.year}" for d in stamps]
    year, month, day = (part.tolist() for part in days_to_jalali(days))
    if style == "jalali":
        return [f"{y}/{m:02d}/{d:02d}" for y, m, d in zip(year, month, day, strict=True)]
    return [f"{d} {MONTH_NAMES[m - 1]} {y}" for y, m, d in zip(year, month, day, strict=True)]
