"""Persian and Latin text in one form: rows per CPU second of ours and of peers, on n rows.

The peers do less: ftfy and persiantools map some of the letters, `str.translate` the same letters but
neither spaces nor accents. Columns are made up, but for the public Persian ones, read where
CRMLAB_DATA names the folder of the data sets.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import ftfy
import numpy as np
import pandas as pd
from measure import seconds
from persiantools import characters, digits

from crmlab.cleansing import normalize_text
from crmlab.letters import FORMS

FIRST = ["علي", "زهرا", "محمد رضا", "فاطمة", "مهدى", "سارا", "امير‌حسين", "نرگس", "Jane", "MARÍA JOSÉ", "ali"]
LAST = ["كاظمي", "محمدی‌زاده", "شاه حسيني", "یوسفی", "كريمي پور", "احمدی ", "O'NEIL", "Müller", "smith"]
PEERS: dict[str, Callable[[str], str]] = {
    "ftfy.fix_text": ftfy.fix_text,
    "persiantools": lambda text: characters.ar_to_fa(digits.fa_to_en(digits.ar_to_fa(text))),
    "str.translate": lambda text: text.translate(FORMS),
}


def columns(n: int) -> dict[str, pd.Series]:
    """Columns of n texts by what they are."""
    random = np.random.default_rng(1)
    first, last = random.choice(FIRST, n), random.choice(LAST, n)
    numbers = np.arange(n).astype(str)
    made = {
        "names, repeated": pd.Series(first, dtype="str") + " " + pd.Series(last, dtype="str"),
        "names, all distinct": pd.Series(first, dtype="str") + " " + last + " " + numbers,
        "English, all distinct": pd.Series(random.choice(["JANE DOE ", "Ann Lee "], n), dtype="str")
        + numbers,
    }
    public = Path(os.environ.get("CRMLAB_DATA", "none"), "er-persian-synthetic", "persian_100k_raw.parquet")
    if public.exists():
        raw = pd.read_parquet(public)
        for name in ("first_name", "last_name", "city", "street", "mobile"):
            made[f"public {name}"] = pd.Series(np.resize(raw[name], n), dtype="str")
    return made


def rate(work: Callable[[], object], rows: int, times: int = 3) -> float:
    """Rows per CPU second, the best of some runs."""
    return rows / min(seconds(work)[0] for _ in range(times))


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    few = min(n, 20_000)
    heads = ["letters", "names", "search", *PEERS]
    print(f"{'rows per CPU second':<24}" + "".join(f"{head:>15}" for head in heads))
    for what, texts in columns(n).items():
        found = [rate(lambda t=texts, v=level: normalize_text(t, v), n) for level in heads[:3]]
        some = texts.head(few).fillna("").tolist()
        found += [rate(lambda t=some, p=peer: [p(text) for text in t], few, 2) for peer in PEERS.values()]
        print(f"{what:<24}" + "".join(f"{value:>15,.0f}" for value in found))
