"""Invented Iranian customers with planted duplicates and slips, as many as are wanted."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.cleansing import normalize_text, to_jalali

NAMES = Path(os.environ.get("CRMLAB_DATA", "data")) / "persian-names" / "first_names_frequency.csv"
SURNAMES = """
محمدی احمدی حسینی رضایی موسوی کریمی جعفری صادقی مرادی هاشمی قاسمی رحیمی ابراهیمی کاظمی اکبری حیدری
سلیمانی عباسی نوری یوسفی صالحی شریفی زارعی فتحی باقری امینی رستمی کریمیان طاهری ملکی میرزایی نظری
بهرامی شفیعی عزیزی فرهادی قربانی کمالی لطفی محمودی نجفی همتی یزدانی تهرانی شیرازی اصفهانی کاشانی
خراسانی گیلانی همدانی کرمانی تبریزی عسگری کاویانی قنبری مازندرانی اردبیلی سنجابی دهقان چراغی
""".split()  # noqa: SIM905
BEFORE = ["", "", "", "", "", "میر ", "شاه ", "حاجی ", "پور"]
AFTER = ["", "", "", "\u200cنیا", "\u200cزاده", " اصل", " راد", " فرد", " مقدم", "\u200cخواه", "\u200cپور"]
CITIES = """
تهران مشهد اصفهان کرج شیراز تبریز قم اهواز کرمانشاه ارومیه رشت زاهدان همدان کرمان یزد اردبیل
""".split()  # noqa: SIM905
STREETS = """
مطهری بهشتی سعدی فردوسی شریعتی پیروزی خاوران طالقانی حافظ انقلاب آزادی ولیعصر
""".split()  # noqa: SIM905
LETTERS = np.array(list("ابپتجحخدرزسشصطعغفقکگلمنوهی"))
ARABIC = str.maketrans("یک", "يك")
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def _slips(rng: np.random.Generator, texts: np.ndarray, share: float, alphabet: np.ndarray) -> np.ndarray:
    """One sign changed, left out or doubled in a share of the texts."""
    texts = texts.copy()
    for place in np.flatnonzero(rng.random(len(texts)) < share):
        text = texts[place]
        if not isinstance(text, str) or len(text) < 3:
            continue
        at, kind = int(rng.integers(1, len(text))), rng.integers(3)
        sign = "" if kind == 0 else text[at] * 2 if kind == 1 else str(rng.choice(alphabet))
        texts[place] = text[:at] + sign + text[at + 1 :]
    return texts


def _with_check_digit(nine: np.ndarray) -> np.ndarray:
    digits = np.stack([nine // 10**k % 10 for k in range(8, -1, -1)])
    rest = (digits * np.arange(10, 1, -1)[:, None]).sum(axis=0) % 11
    return nine * 10 + np.where(rest < 2, rest, 11 - rest)


def planted(rows: int, seed: int = 7) -> tuple[pd.DataFrame, pd.Series]:
    """Raw records, a quarter of them second ones of somebody, and who each is."""
    rng = np.random.default_rng(seed)
    names = pd.read_csv(NAMES, encoding="utf-8-sig")
    weight = names.iloc[:, 1].str.rstrip("%").astype(float)
    persons = rows - rows // 4
    first = rng.choice(
        normalize_text(names["first_name"]).to_numpy(dtype=object), persons, p=weight / weight.sum()
    )
    last = (
        rng.choice(BEFORE, persons).astype(object)
        + rng.choice(SURNAMES, persons)
        + rng.choice(AFTER, persons)
    )
    day = pd.Series(pd.Timestamp("1940-01-01") + pd.to_timedelta(rng.integers(0, 24000, persons), unit="D"))
    number = _with_check_digit(rng.integers(10**7, 10**9, persons))
    people = pd.DataFrame({
        "first_name": first, "last_name": last, "birth_date": to_jalali(day).to_numpy(dtype=object),
        "national_id": [f"{n:010d}" for n in number],
        "phone": [f"09{n:09d}" for n in rng.integers(10**8, 4 * 10**8, persons)],
        "city": rng.choice(CITIES, persons),
        "postcode": [str(n) for n in rng.integers(13 * 10**8, 10**10, persons)],
    })  # fmt: skip
    people["address"] = _addresses(rng, persons)
    people["email"] = "u" + pd.Series(rng.integers(0, 10**8, persons).astype(str)) + "@gmail.com"
    who = np.concatenate([np.arange(persons), rng.choice(persons, rows - persons)])
    raw = people.iloc[who].reset_index(drop=True).astype(object)
    again = np.arange(rows) >= persons
    moved, new_phone = again & (rng.random(rows) < 0.3), again & (rng.random(rows) < 0.3)
    raw.loc[moved, "address"] = _addresses(rng, int(moved.sum()))
    raw.loc[moved, "postcode"] = rng.integers(13 * 10**8, 10**10, moved.sum()).astype(str)
    raw.loc[moved, "city"] = rng.choice(CITIES, moved.sum())
    raw.loc[new_phone, "phone"] = [f"09{n:09d}" for n in rng.integers(10**8, 4 * 10**8, new_phone.sum())]
    digits = np.array(list("0123456789"))
    for name, share, alphabet in (("first_name", 0.15, LETTERS), ("last_name", 0.2, LETTERS),
                                  ("national_id", 0.05, digits), ("phone", 0.05, digits)):  # fmt: skip
        raw.loc[again, name] = _slips(rng, raw.loc[again, name].to_numpy(), share, alphabet)
    swapped = again & (rng.random(rows) < 0.1) & (raw["birth_date"].str[8:] <= "12").to_numpy()
    date = raw.loc[swapped, "birth_date"]
    raw.loc[swapped, "birth_date"] = date.str[:5] + date.str[8:] + "/" + date.str[5:7]
    for name, share in (("national_id", 0.35), ("email", 0.5), ("postcode", 0.3), ("phone", 0.15),
                        ("birth_date", 0.1), ("address", 0.1), ("first_name", 0.01)):  # fmt: skip
        raw[name] = raw[name].mask(rng.random(rows) < share)
    raw = raw.astype("str")
    for name in ("first_name", "last_name", "city", "address"):
        raw[name] = raw[name].mask(rng.random(rows) < 0.4, raw[name].str.translate(ARABIC))
    for name in ("national_id", "phone", "postcode", "birth_date"):
        raw[name] = raw[name].mask(rng.random(rows) < 0.3, raw[name].str.translate(PERSIAN_DIGITS))
    abroad = (rng.random(rows) < 0.3) & raw["phone"].str.startswith("0").fillna(False).to_numpy(dtype=bool)
    raw["phone"] = raw["phone"].mask(abroad, "+98" + raw["phone"].str[1:])
    raw["last_name"] = raw["last_name"].mask(rng.random(rows) < 0.2, raw["last_name"].str.replace("‌", " "))
    order = rng.permutation(rows)
    return raw.iloc[order].reset_index(drop=True), pd.Series(who[order])


def _addresses(rng: np.random.Generator, count: int) -> np.ndarray:
    parts = zip(
        rng.choice(STREETS, count), rng.integers(1, 60, count), rng.integers(1, 300, count), strict=True
    )
    places = [f"خیابان {street} کوچه {lane} پلاک {house}" for street, lane, house in parts]
    return np.array(places, dtype=object)
