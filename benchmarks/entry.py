"""The entry check: milliseconds a record, beside cleaning the same records as tables of one row.

Records of every table, some of their cells spoilt; customers beside three rules, and, where CRMLAB_DATA
names the folder of the data sets, beside the cities of Iran; and, beside 10,000 known customers, the time
in which those that may be the same person's as one typed are found. Prints the median and the 95th
percentile of processor and wall time.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.cleansing import Conventions, DuplicateFinder, Rule, check_record, clean, read_places
from crmlab.loaders.sample import sample
from crmlab.tables import TABLES

SPOILT = [
    None,
    "n/a",
    "علي\u200cرضا",
    "ann@gmial.com",
    "0912 123 456",
    "۱۴۰۳/۱۳/۱۲",
    "1,5",
    "x" * 300,
    "ÃœÃ¶",
]
CONVENTIONS = Conventions(region="IR", time_zone="Asia/Tehran")
RULES = [
    Rule("customers", check="registered_at >= birth_date"),
    Rule("customers", check="email is not missing or phone is not missing", level="error"),
    Rule("customers", check="postcode matches '[0-9]{10}'", when="country = 'ایران'"),
]


def timed(work: Callable[[dict], object], records: list[dict]) -> np.ndarray:
    """Processor and wall milliseconds of each record, once it has been done for some."""
    for record in records[:5]:
        work(record)
    spent = []
    for record in records:
        cpu, wall = time.process_time(), time.perf_counter()
        work(record)
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    return 1000 * np.array(spent)


def report(what: str, spent: np.ndarray) -> None:
    middle, late = np.percentile(spent, [50, 95], axis=0)
    print(f"{what:<34}{middle[0]:9.2f}{late[0]:9.2f}{middle[1]:10.2f}{late[1]:9.2f}", flush=True)


def records_of(table: pd.DataFrame, size: int, seed: int = 1) -> list[dict]:
    """Some records as typed, one cell in ten spoilt."""
    chance = np.random.default_rng(seed)
    found = table.sample(min(size, len(table)), random_state=seed).astype("str").to_dict("records")
    for record in found:
        for name, value in record.items():
            if pd.isna(value):
                record[name] = None
            elif chance.random() < 0.1:
                record[name] = SPOILT[chance.integers(len(SPOILT))]
    return found


def main(size: int = 300) -> None:
    print(f"{'milliseconds':<34}{'CPU 50%':>9}{'95%':>9}{'wall 50%':>10}{'95%':>9}")
    tables = sample(customers=2000, seed=1, language="fa")
    for name in TABLES:
        if name in tables:
            records = records_of(tables[name], size)
            report(f"{name}: check_record", timed(lambda r, n=name: check_record(n, r, CONVENTIONS), records))
    people = records_of(tables["customers"], size)
    report("customers: with three rules",
           timed(lambda r: check_record("customers", r, CONVENTIONS, RULES), people))  # fmt: skip
    listed = Path(os.environ.get("CRMLAB_DATA", "none"), "iran-divisions")
    if listed.exists():
        places = read_places(listed)
        report(f"customers: with {len(places):,} places",
               timed(lambda r: check_record("customers", r, CONVENTIONS, places=places), people))  # fmt: skip
    report("customers: clean, one row",
           timed(lambda r: clean(pd.DataFrame([r]), "customers", CONVENTIONS), people[:50]))  # fmt: skip
    known = sample(customers=9000, seed=2, language="fa")["customers"]
    known = clean(known, "customers", CONVENTIONS).frame.head(10_000)
    finder = DuplicateFinder().fit(known)
    typed = [
        {name: value for name, value in record.items() if value}
        for record in records_of(known, size // 3, seed=3)
    ]
    report(f"lookup beside {len(known):,}", timed(lambda r: finder.lookup(pd.DataFrame([r])), typed))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
