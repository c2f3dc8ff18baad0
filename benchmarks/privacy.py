"""Pseudonyms of n customers' numbers, and of n order lines, against Python's own hmac module; group sizes."""

import hashlib
import hmac
import sys

import numpy as np
import pandas as pd
from measure import compare, seconds

from crmlab.cleansing import group_sizes, pseudonymize, suppress_small_groups

KEY = "a key of the house"


def one_by_one(numbers: pd.Series) -> pd.Series:
    """Each number's pseudonym by the hmac module."""
    keyed = hmac.new(KEY.encode(), digestmod=hashlib.sha256)

    def code(number: str) -> str:
        mac = keyed.copy()
        mac.update(number.encode())
        return f"C{mac.hexdigest()[:16]}"

    return numbers.map(code).astype("str")


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    random = np.random.default_rng(1)
    customers = pd.DataFrame({"customer_id": np.arange(n)}).astype("str")
    orders = pd.DataFrame({"customer_id": random.integers(0, n // 10, n)}).astype("str")
    for what, frame in (("customers", customers), ("order lines", orders)):
        assert pseudonymize(frame, KEY)["customer_id"].equals(one_by_one(frame["customer_id"]))
        compare(f"Pseudonyms of {n:,} {what}", lambda frame=frame: pseudonymize(frame, KEY),
                lambda frame=frame: one_by_one(frame["customer_id"]), "hmac, one by one")  # fmt: skip
        cpu, _ = min(seconds(lambda frame=frame: pseudonymize(frame, KEY)) for _ in range(3))
        print(f"  {n / cpu:,.0f} a CPU second\n")
    people = pd.DataFrame({
        "city": random.integers(0, 1000, n).astype(str), "gender": random.choice(["f", "m", None], n),
        "birth_year": random.integers(1940, 2010, n),
    })  # fmt: skip
    quasi = list(people)
    compare(f"Group sizes of {n:,} persons", lambda: group_sizes(people, quasi),
            lambda: people.groupby(quasi, dropna=False)["city"].transform("size"),
            f"pandas {pd.__version__} transform")  # fmt: skip
    table = people.groupby(quasi, dropna=False).size().reset_index(name="persons")
    cpu, _ = seconds(lambda: suppress_small_groups(table, "persons", 5))
    print(f"\nSmall ones of {len(table):,} groups suppressed in {cpu:.2f} CPU s")
