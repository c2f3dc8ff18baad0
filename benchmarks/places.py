"""Cities of synthetic customers against Iran's official list: found, suggested, and in addresses.

Prints how many cities are found as they are written and after normalising, how often the right one
of a name with one wrong letter is suggested, what is found in planted addresses, and the time
against rapidfuzz's own search of every distinct name.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from measure import compare, seconds
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist, extractOne

from crmlab.cleansing import check_address, check_coordinates, check_place, normalize_text, read_places

DATA = Path(os.environ.get("CRMLAB_DATA") or Path(__file__).parents[2] / "shared" / "data")
LETTERS = "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"


def one_wrong(name: str, random: np.random.Generator) -> str:
    """A name with one letter replaced by another."""
    at = random.choice([place for place, letter in enumerate(name) if letter in LETTERS])
    return name[:at] + random.choice([letter for letter in LETTERS if letter != name[at]]) + name[at + 1 :]


def first_choices(places: pd.DataFrame) -> None:
    """Suggestions for misspelt names of the list, the right one being known."""
    random = np.random.default_rng(1)
    truth = places.loc[places.index.repeat(5)].reset_index(drop=True)
    typed = pd.Series([one_wrong(name, random) for name in truth["name"]])
    keys, right = (normalize_text(names, "search") for names in (typed, truth["name"]))
    listed = normalize_text(places["name"], "search")
    new = ~keys.isin(set(listed))
    print(f"\nOne wrong letter in {new.sum():,} names: the right name is the first choice")
    for what, province in (("without the province", None), ("with it", truth["province"])):
        found = check_place(typed, places, province)["suggestion"]
        hit = normalize_text(found, "search") == right
        score = cdist(keys.tolist(), listed.tolist(), scorer=JaroWinkler.normalized_similarity)
        if province is not None:
            score[truth["province"].to_numpy()[:, None] != places["province"].to_numpy().astype(object)] = -1
        peer = listed.to_numpy()[score.argmax(axis=1)] == right
        print(
            f"  {what:<24} crmlab {hit[new].mean():6.1%}    Jaro-Winkler, same keys {peer[new].mean():6.1%}"
        )
    raw = cdist(typed.tolist(), places["name"].tolist(), scorer=JaroWinkler.normalized_similarity).argmax(
        axis=1
    )
    peer = (listed.iloc[raw].to_numpy() == right)[new].mean()
    print(f"  {'':<24} {'':13}    Jaro-Winkler, as typed  {peer:6.1%}")


def typos_in_column(people: pd.DataFrame, places: pd.DataFrame) -> None:
    """Suggestions where one customer in a hundred is misspelt: the column tells which city is likely."""
    random = np.random.default_rng(2)
    city = people["city"].copy()
    rows = random.choice(len(city), len(city) // 100, replace=False)
    right = check_place(city, places)["value"]
    city.iloc[rows] = [one_wrong(name, random) for name in right.iloc[rows]]
    found = check_place(city, places)
    wrong = (~found["valid"]).to_numpy()
    hit = (found["suggestion"] == right)[wrong].mean()
    other = (found["valid"] & (found["value"] != right)).sum()
    print(f"\nOne customer in 100 misspelt: the right name is first for {hit:.1%} of {wrong.sum():,},")
    print(f"  without the province; {other} became another city of the list")


def addresses(people: pd.DataFrame, places: pd.DataFrame) -> None:
    """Planted addresses: the city in front, at the end or between commas, and streets named after cities."""
    random = np.random.default_rng(3)
    n = 20_000
    home = places.iloc[random.integers(len(places), size=n)].reset_index(drop=True)
    street = people["street"].dropna().iloc[:n].reset_index(drop=True)
    other = places["name"].iloc[random.integers(len(places), size=n)].reset_index(drop=True)
    named_after_city = "خیابان " + other + " پلاک 7"
    number = pd.Series(random.integers(10**9, 10**10, n).astype(str))
    forms = {
        "city, street": home["name"] + "، " + street,
        "province, city, street": home["province"] + "، " + home["name"] + "، " + street,
        "street city, no comma": street + " " + home["name"],
        "city street, no comma": home["name"] + " " + street,
        "شهر city - street - postcode": "شهر " + home["name"] + " - " + street + " - " + number,
        "city, street named after a city": home["name"] + "، " + named_after_city,
        "street only": street,
        "street named after a city only": named_after_city,
    }
    print(f"\n{'Planted addresses':<34} {'right':>8} {'none':>8} {'several':>8} {'wrong':>8}")
    for form, address in forms.items():
        found = check_address(address, places)
        truth = pd.Series(pd.NA, index=home.index, dtype="str") if form.endswith("only") else home["name"]
        several = found["reason"] == "several cities"
        none = found["city"].isna() & ~several
        # Two spellings of one name, with and without a madda, are one name.
        same = normalize_text(found["city"], "search") == normalize_text(truth, "search")
        right = none if form.endswith("only") else same
        shares = (right, none & ~right, several, ~right & ~none & ~several)
        print(f"{form:<34} " + " ".join(f"{share.mean():8.1%}" for share in shares))


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    people = pd.read_parquet(DATA / "er-persian-synthetic" / "persian_100k_raw.parquet")
    places = read_places(DATA / "iran-divisions")
    city = people["city"]
    print(f"{len(places):,} cities in the list, {places['name'].nunique():,} names")
    written = city.isin(set(places["name"])).mean()
    print(f"Cities of {len(city):,} customers: {written:.1%} found as they are written,")
    print(f"  after normalising {check_place(city, places)['valid'].mean():.1%}")
    wrong = check_coordinates(places)["reason"].value_counts()
    print(f"Coordinates that cannot be right: {wrong.sum()} ({wrong.to_dict()})")
    first_choices(places)
    typos_in_column(people, places)
    addresses(people, places)
    many = pd.concat([city] * (n // len(city) + 1), ignore_index=True).head(n)
    listed = places["name"].tolist()

    def search_distinct() -> pd.Series:
        found = {
            name: extractOne(name, listed, scorer=JaroWinkler.normalized_similarity)[0]
            for name in many.unique()
        }
        return many.map(found)

    print()
    compare(
        f"{n:,} cities", lambda: check_place(many, places), search_distinct, "rapidfuzz, distinct names", 2
    )
    cpu, _ = seconds(lambda: check_address(people["street"], places, city))
    print(f"{len(people):,} addresses: {len(people) / cpu:,.0f} rows per CPU second")
