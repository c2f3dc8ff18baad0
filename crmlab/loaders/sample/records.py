"""Customer records: one for each person, and second ones that were typed in anew with errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from crmlab.calendars import days_to_jalali, jalali_to_days
from crmlab.loaders.sample.chance import DAYS, dates, moments, numbered
from crmlab.loaders.sample.people import emails, homes, phones
from crmlab.loaders.sample.segments import Segment, parameters
from crmlab.loaders.sample.words import Words

_SHARE, _SHARE_OF_THIRD = 0.08, 0.05
_BLANK = {"national_id": 0.5, "email": 0.3, "address": 0.2}
_OTHER_EMAIL = 0.2
_HOME = ("address", "city", "province", "postcode")


def records(
    generator: np.random.Generator, persons: pd.DataFrame, orders: pd.DataFrame, words: Words
) -> pd.DataFrame:
    """Every customer record, in the order in which they were made.

    Parameters
    ----------
    orders
        `person` and `day` of the purchases. A second record is made at one of the person's
        repeat purchases, if there are any.

    Returns
    -------
    DataFrame
        `customer_id`, `person`, `known_from` (day), `number` (0 for a person's first record),
        `errors` (kinds, separated by semicolons; missing for first records) and the columns of
        the contract's customers.
    """
    first = persons.assign(person=persons.index, known_from=persons["acquired"], number=0, errors=None)
    again = _typed_again(generator, persons, orders, words)
    both = pd.concat([first, again], ignore_index=True).sort_values(["known_from", "number"])
    return both.reset_index(drop=True).assign(customer_id=numbered("C", len(both)))


def truth(
    records: pd.DataFrame, persons: pd.DataFrame, dropped_out: np.ndarray, segments: tuple[Segment, ...]
) -> dict[str, pd.DataFrame]:
    """What was planted about customers: one row per record, a person's records being alike."""
    person = records["person"].to_numpy()
    behaviour = persons.loc[person].reset_index(drop=True)
    names = np.array([segment.name for segment in segments], dtype=object)
    people = numbered("H", len(persons))
    customers = pd.DataFrame(
        {
            "customer_id": records["customer_id"],
            "person_id": people[person],
            "segment": names[behaviour["segment"]],
            "lambda_per_week": behaviour["weekly_rate"].round(6),
            "dropout_probability": behaviour["dropout"].round(6),
            "acquired_at": moments(behaviour["acquired"].to_numpy()),
            "dropped_out_at": moments(dropped_out[person]),
        }
    )
    again = records["number"] > 0
    duplicates = customers.loc[again, ["customer_id", "person_id"]].assign(
        errors=records.loc[again, "errors"]
    )
    return {
        "customers": customers,
        "segments": parameters(segments),
        "duplicates": duplicates.reset_index(drop=True),
    }


def filed_under(
    generator: np.random.Generator, records: pd.DataFrame, person: np.ndarray, day: np.ndarray
) -> np.ndarray:
    """Customer ids for what persons did on a day: any record they have by then, all alike likely."""
    place = records["person"], records["number"]
    shape = (records["person"].max() + 1, records["number"].max() + 1)
    ids, since = np.full(shape, None, dtype=object), np.full(shape, np.inf)
    ids[place], since[place] = records["customer_id"], records["known_from"]
    known = np.maximum((since[person] <= np.asarray(day)[:, None]).sum(axis=1), 1)
    return ids[person, (generator.random(len(person)) * known).astype(np.int64)]


def _typed_again(
    generator: np.random.Generator, persons: pd.DataFrame, orders: pd.DataFrame, words: Words
) -> pd.DataFrame:
    count = max(1, round(_SHARE * len(persons)))
    seconds = np.sort(generator.choice(len(persons), count, replace=False))
    thirds = seconds[generator.random(count) < _SHARE_OF_THIRD]
    person = np.concatenate([seconds, thirds])
    copies = persons.iloc[person].reset_index(drop=True)
    known_from = _when(generator, copies, person, orders)
    names = copies["first_name"], copies["last_name"]
    fresh = homes(generator, len(copies), words).assign(
        phone=phones(generator, len(copies), words), email=emails(generator, *names, words, series=1)
    )
    lines = zip(copies.to_dict("records"), fresh.to_dict("records"), strict=True)
    typed = pd.DataFrame([_typed(generator, copy, other, words) for copy, other in lines])
    numbers = np.repeat([1, 2], [len(seconds), len(thirds)])
    return typed.assign(person=person, number=numbers, known_from=known_from, registered_at=dates(known_from))


def _when(
    generator: np.random.Generator, copies: pd.DataFrame, person: np.ndarray, orders: pd.DataFrame
) -> np.ndarray:
    """Day of one of the person's repeat purchases, any later day for those without."""
    repeats = orders[orders["person"].isin(person)]
    repeats = repeats.assign(chance=generator.random(len(repeats)))
    repeats = repeats[repeats.duplicated("person")]
    chosen = repeats.sort_values("chance").drop_duplicates("person").set_index("person")["day"]
    acquired = copies["acquired"].to_numpy()
    anyhow = acquired + generator.random(len(copies)) * (DAYS - acquired)
    day = chosen.reindex(person).to_numpy()
    return np.maximum(np.floor(np.where(np.isnan(day), anyhow, day)), acquired)


def _typed(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    """A record as typed from memory a second time, with one to three errors and some gaps."""
    wanted = generator.choice([1, 2, 3], p=[0.45, 0.35, 0.2])
    kinds = list(_ERRORS)
    weights = np.array([weight for weight, _ in _ERRORS.values()], dtype=float)
    found: list[str] = []
    for kind in generator.choice(kinds, len(kinds), replace=False, p=weights / weights.sum()):
        change = _ERRORS[kind][1](generator, record, other, words) if len(found) < wanted else {}
        if any(str(record[column]) != str(value) for column, value in change.items()):
            record, found = record | change, [*found, str(kind)]
    if not pd.isna(record["email"]) and generator.random() < _OTHER_EMAIL:
        record, found = record | {"email": other["email"]}, [*found, "other e-mail"]
    gaps = [column for column, share in _BLANK.items() if generator.random() < share]
    if any(not pd.isna(record[column]) for column in gaps):
        record, found = record | dict.fromkeys(gaps), [*found, "left blank"]
    return record | {"errors": "; ".join(found)}


def _typo(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    column = str(generator.choice(["first_name", "last_name"]))
    name = record[column].lower()
    place = int(generator.integers(0, max(len(name) - 1, 1)))
    here, after = name[place], name[place + 1 : place + 2]
    if len(name) < 4 or not (here + after).isalpha():
        return {}
    instead = {
        "transposed": after + here,
        "left out": after,
        "doubled": here + here + after,
        "replaced": words.letters[generator.integers(len(words.letters))] + after,
    }
    put = instead[str(generator.choice(list(instead)))]
    return {column: (name[:place] + put + name[place + 2 :]).title()}


def _variant(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    column = str(generator.choice(["first_name", "last_name"]))
    name = record[column].lower()
    for one, another in words.variants:
        if one in name:
            spelled = " ".join(name.replace(one, another, 1).split())
            return {column: spelled.title()}
    return {}


def _swapped_names(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    return {"first_name": record["last_name"], "last_name": record["first_name"]}


def _abbreviated(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    return {"first_name": record["first_name"][0] + "."}


def _swapped_birth(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    """Month and day of birth exchanged in the calendar in which they are written."""
    born = record["birth_date"]
    if pd.isna(born):
        return {}
    if not words.jalali:
        return {"birth_date": born.replace(month=born.day, day=born.month)} if born.day <= 12 else {}
    year, month, day = days_to_jalali(np.array([born.to_datetime64()]))
    swapped = jalali_to_days(year, day, month)[0]
    return {} if np.isnat(swapped) else {"birth_date": pd.Timestamp(swapped)}


def _moved(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    return {column: other[column] for column in _HOME}


def _new_phone(generator: np.random.Generator, record: dict, other: dict, words: Words) -> dict:
    return {"phone": other["phone"]}


#: How often each error is made, and how.
_ERRORS: dict[str, tuple[float, Callable[[np.random.Generator, dict, dict, Words], dict]]] = {
    "typo": (6, _typo),
    "letter variants": (3, _variant),
    "swapped first and last name": (1, _swapped_names),
    "abbreviated name": (1.5, _abbreviated),
    "swapped month and day of birth": (1, _swapped_birth),
    "moved": (2.5, _moved),
    "new phone": (3, _new_phone),
}
