"""The words a history is written in, one set per language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

#: Module of each language.
LANGUAGES = {"en": "english", "fa": "persian"}


@dataclass(frozen=True)
class Words:
    """Names, places and phrases of one language. All persons are invented.

    Attributes
    ----------
    workspaces
        Kind of sample to the name of its workspace.
    decimals
        Digits after the decimal mark of the currency.
    minor_per_euro, price_step, discount_step
        Minor units of the currency: the worth of a euro, and what prices and discounts are
        multiples of.
    jalali
        Whether dates are written in the Jalali calendar.
    female, male, surnames
        Name as written to its Latin letters for e-mail addresses.
    letters, variants
        Letters that slip in by mistake, and spellings that stand for each other.
    cities
        City, province and how its postcodes look: ``#`` is a digit, ``~`` a digit other than 2,
        ``@`` a letter.
    phone_prefixes, phone_digits
        E.164 beginnings of mobile numbers, and how many digits follow.
    address
        Template with `street` and `number`.
    products
        Key in the catalogue to name.
    titles
        Genre to titles, for a library; the second title of a genre is part two of the first.
    promotions
        Promotion codes by season, from the winter before the first spring.
    subjects
        Kind of contact to what it may be about.
    topics
        Complaint topic to its own phrases.
    joint
        What joins two phrases of a complaint.
    phrases
        Kind of ticket other than a complaint to its phrases.
    campaigns
        Key to name, goal and addressed segment.
    """

    workspaces: Mapping[str, str]
    currency: str
    decimals: int
    minor_per_euro: int
    price_step: int
    discount_step: int
    jalali: bool
    national_ids: bool
    time_zone: str
    phone_region: str
    phone_code: str
    country: str
    female: Mapping[str, str]
    male: Mapping[str, str]
    surnames: Mapping[str, str]
    letters: str
    variants: tuple[tuple[str, str], ...]
    cities: tuple[tuple[str, str, str], ...]
    streets: tuple[str, ...]
    address: str
    phone_prefixes: tuple[str, ...]
    phone_digits: int
    categories: Mapping[str, str]
    products: Mapping[str, str]
    titles: Mapping[str, tuple[str, ...]]
    promotions: tuple[str, ...]
    departments: Mapping[str, str]
    roles: tuple[str, str]
    touch_points: Mapping[str, str]
    subjects: Mapping[str, tuple[str, ...]]
    topics: Mapping[str, tuple[str, ...]]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    joint: str
    phrases: Mapping[str, tuple[str, ...]]
    drivers: Mapping[str, str]
    questions: Mapping[str, str]
    messages: tuple[str, ...]
    campaigns: Mapping[str, tuple[str, str, str]]
    consent_sources: Mapping[str, str]


def words(language: str) -> Words:
    """The words of a language."""
    return import_module(f"{__package__}.{LANGUAGES[language]}").WORDS


def latin(names: str) -> dict[str, str]:
    """Names separated by commas, each with its Latin letters after ``=`` if they differ.

    >>> latin("Zoë=zoe, Ann")
    {'Zoë': 'zoe', 'Ann': 'ann'}
    """
    pairs = (name.strip().split("=") for name in names.split(","))
    return {pair[0]: pair[-1].lower().replace("'", "").replace("-", "") for pair in pairs}


def listed(phrases: str) -> tuple[str, ...]:
    """Phrases separated by bars.

    >>> listed("High Street|Mill Lane")
    ('High Street', 'Mill Lane')
    """
    return tuple(phrases.split("|"))
