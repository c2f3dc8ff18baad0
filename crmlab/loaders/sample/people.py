"""Persons: who they are, where they live and how to reach them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import FIRST_DAY, choose, dates
from crmlab.loaders.sample.segments import Segment
from crmlab.loaders.sample.words import Words

_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")
_CAME_BY = {"web": 4, "in_person": 3, "social": 2, "phone": 1, "partner": 1, "email": 1}


def persons(
    generator: np.random.Generator, count: int, words: Words, segments: tuple[Segment, ...]
) -> pd.DataFrame:
    """`count` persons with their planted behaviour, one row each.

    Returns
    -------
    DataFrame
        Indexed from 0: the personal columns of the contract's customers, besides `segment` (its
        place in `segments`), `acquired` (days since the first), `weekly_rate`, `dropout`
        (probability after each repeat purchase), `pieces` (mean of those beyond the first in a
        line), `favourite` (channel) and `mood`.
    """
    shares = np.array([segment.share for segment in segments])
    segment = generator.choice(len(segments), count, p=shares / shares.sum())

    def of_segment(name: str) -> np.ndarray:
        return np.array([getattr(one, name) for one in segments])[segment]

    first, last = of_segment("acquired").T
    favourite = np.empty(count, dtype=object)
    for place, one in enumerate(segments):
        rows = segment == place
        favourite[rows] = choose(generator, list(one.channels), rows.sum(), list(one.channels.values()))
    acquired = generator.uniform(first, last)
    age = np.clip(generator.normal(42, 14, count), 18, 88)
    born = FIRST_DAY + (acquired - age * 365.25).astype(np.int64)
    behaviour = pd.DataFrame(
        {
            "segment": segment,
            "acquired": acquired,
            "weekly_rate": generator.gamma(of_segment("r"), 1 / of_segment("alpha")),
            "dropout": generator.beta(of_segment("a"), of_segment("b")),
            "pieces": generator.gamma(2, of_segment("pieces") / 2),
            "favourite": favourite,
            "mood": generator.normal(of_segment("mood"), 0.7),
        }
    )
    personal = pd.concat([identities(generator, count, words), homes(generator, count, words)], axis=1)
    personal["birth_date"] = born.astype("datetime64[us]")
    personal["national_id"] = national_ids(generator, count) if words.national_ids else None
    personal["country"] = words.country
    personal["channel"] = choose(generator, list(_CAME_BY), count, list(_CAME_BY.values()))
    personal["registered_at"] = dates(acquired)
    gaps = {"gender": 0.06, "birth_date": 0.15, "email": 0.12, "phone": 0.06, "national_id": 0.4,
            "address": 0.08, "postcode": 0.15, "channel": 0.1}  # fmt: skip
    for column, share in gaps.items():
        personal[column] = personal[column].mask(generator.random(count) < share)
    return pd.concat([personal, behaviour], axis=1)


def identities(generator: np.random.Generator, count: int, words: Words, series: int = 0) -> pd.DataFrame:
    """Invented names with gender, e-mail address (as `emails` gives them) and telephone."""
    woman = generator.random(count) < 0.52
    given = np.where(
        woman,
        choose(generator, list(words.female), count, _zipf(len(words.female))),
        choose(generator, list(words.male), count, _zipf(len(words.male))),
    )
    family = choose(generator, list(words.surnames), count, _zipf(len(words.surnames)))
    return pd.DataFrame(
        {
            "first_name": given,
            "last_name": family,
            "gender": np.where(woman, "female", "male"),
            "email": emails(generator, given, family, words, series),
            "phone": phones(generator, count, words),
        }
    )


def _zipf(count: int) -> np.ndarray:
    """Some names are common, many are rare."""
    return 1 / np.sqrt(np.arange(1, count + 1) + 5)


def emails(
    generator: np.random.Generator,
    given: np.ndarray | pd.Series,
    family: np.ndarray | pd.Series,
    words: Words,
    series: int = 0,
) -> pd.Series:
    """One address for each name; no two are alike within a series, nor between series."""
    given = pd.Series(given).map({**words.female, **words.male})
    family = pd.Series(family).map(words.surnames)
    local = given.where(generator.random(len(given)) < 0.6, given.str[:1]) + "." + family
    numbers = pd.Series(generator.integers(1, 100, len(local)) + 100 * series).astype("str")
    plain = (generator.random(len(local)) < 0.5) & (series == 0)
    local = local + numbers.mask(plain, "")
    domain = "@" + pd.Series(choose(generator, _DOMAINS, len(local)), dtype="str")
    again = local.groupby(local + domain).cumcount()
    return local.mask(again > 0, local + "." + (again + 1).astype("str")) + domain


def phones(generator: np.random.Generator, count: int, words: Words) -> pd.Series:
    """Mobile numbers as E.164."""
    rest = pd.Series(generator.integers(0, 10**words.phone_digits, count)).astype("str")
    return choose(generator, words.phone_prefixes, count) + rest.str.zfill(words.phone_digits)


def homes(generator: np.random.Generator, count: int, words: Words) -> pd.DataFrame:
    """Addresses: `address`, `city`, `province`, `postcode`."""
    place = generator.integers(0, len(words.cities), count)
    street = choose(generator, words.streets, count)
    number = generator.integers(1, 180, count)
    digits = generator.integers(1, 10, (count, 10))
    letters = generator.integers(0, 20, (count, 2))
    city, province, pattern = zip(*(words.cities[k] for k in place), strict=True)
    return pd.DataFrame(
        {
            "address": [
                words.address.format(street=s, number=n) for s, n in zip(street, number, strict=True)
            ],
            "city": city,
            "province": province,
            "postcode": [
                _fill(*parts) for parts in zip(pattern, digits.tolist(), letters.tolist(), strict=True)
            ],
        }
    )


def _fill(pattern: str, digits: list[int], letters: list[int]) -> str:
    numbers, signs = iter(digits), iter(letters)
    kinds = {
        "#": lambda: str(next(numbers)),
        # Iran's post has neither 0 nor 2 in the number of a district.
        "~": lambda: str(next(numbers)).replace("2", "3"),
        "@": lambda: "ABDEFGHJLNPQRSTUWXYZ"[next(signs)],
    }
    return "".join(kinds[mark]() if mark in kinds else mark for mark in pattern)


def national_ids(generator: np.random.Generator, count: int) -> pd.Series:
    """Iranian national numbers: nine digits and the one that checks them."""
    digits = generator.integers(0, 10, (count, 9))
    # Prefixes of districts run from 001 to about 690.
    digits[:, 0] = generator.integers(0, 7, count)
    rest = (digits * np.arange(10, 1, -1)).sum(axis=1) % 11
    check = np.where(rest < 2, rest, 11 - rest)
    number = (digits * 10 ** np.arange(8, -1, -1)).sum(axis=1) * 10 + check
    return pd.Series(number).astype("str").str.zfill(10)
