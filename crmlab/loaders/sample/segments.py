"""Who buys how: the behaviour planted in each segment of a shop's or a library's customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmlab.loaders.sample.chance import DAYS


@dataclass(frozen=True)
class Segment:
    """Behaviour of one segment.

    Attributes
    ----------
    share
        Share of all persons.
    r, alpha, a, b
        BG/NBD parameters (Fader, Hardie and Lee 2005), alpha in weeks: purchase rates are
        Gamma(r, alpha) and drop-out probabilities Beta(a, b).
    pieces
        Mean of the pieces bought beyond the first in an order line.
    promotions
        Share of orders placed under a promotion code.
    channels
        Weights of the channels of purchase.
    taste
        Weights of the groups of products.
    acquired
        First and last day on which persons are acquired, counted from the first of all.
    contacts
        Mean number of contacts beside orders in a year.
    mood, response
        Mean satisfaction in standard deviations, and share of surveys answered.
    """

    name: str
    share: float
    r: float
    alpha: float
    a: float
    b: float
    pieces: float = 0.0
    promotions: float = 0.03
    channels: Mapping[str, float] = field(default_factory=lambda: {"web": 3, "in_person": 2, "app": 2})
    taste: Mapping[str, float] = field(default_factory=dict)
    acquired: tuple[float, float] = (0, 640)
    contacts: float = 1.0
    mood: float = 0.0
    response: float = 0.2


SHOP = (
    Segment("loyal regulars", 0.15, r=3, alpha=12, a=0.8, b=25, pieces=0.3, promotions=0.04,
            channels={"in_person": 5, "web": 3, "app": 2, "phone": 1}, taste={"household": 2},
            contacts=3, mood=0.6, response=0.45),
    Segment("occasional buyers", 0.30, r=2, alpha=26, a=0.9, b=8, pieces=0.15,
            channels={"web": 5, "in_person": 3, "app": 1, "partner": 1}, taste={"books": 2},
            contacts=1, mood=0.1, response=0.22),
    Segment("bargain hunters", 0.18, r=1.5, alpha=12, a=1.2, b=8, pieces=0.5, promotions=0.6,
            channels={"app": 6, "web": 3, "social": 2}, contacts=2, mood=-0.1, response=0.18),
    Segment("one-time buyers", 0.20, r=0.4, alpha=60, a=2, b=2, pieces=0.1,
            channels={"web": 4, "social": 3, "in_person": 2}, taste={"electronics": 2},
            acquired=(0, 700), contacts=0.4, mood=-0.3, response=0.06),
    Segment("recent newcomers", 0.12, r=1, alpha=8, a=0.8, b=5, pieces=0.2, promotions=0.15,
            channels={"app": 5, "social": 4, "web": 2}, acquired=(DAYS - 182, DAYS - 4),
            contacts=4, mood=-0.6, response=0.3),
    Segment("large accounts", 0.05, r=3, alpha=10, a=0.8, b=50, pieces=6, promotions=0.02,
            channels={"phone": 5, "email": 4, "partner": 2, "fax": 1}, taste={"electronics": 3},
            contacts=8, mood=0.3, response=0.55),
)  # fmt: skip

LIBRARY = (
    Segment("avid readers", 0.2, r=4, alpha=10, a=0.8, b=32, channels={"in_person": 4, "web": 1}),
    Segment("students", 0.3, r=2, alpha=10, a=0.9, b=8, channels={"in_person": 1, "web": 1},
            taste={1: 2, 2: 4, 3: 3}),
    Segment("families", 0.25, r=2, alpha=14, a=0.8, b=16, channels={"in_person": 1}, taste={4: 8}),
    Segment("rare visitors", 0.25, r=0.5, alpha=30, a=2, b=3, channels={"in_person": 1}),
)  # fmt: skip


def parameters(segments: tuple[Segment, ...]) -> pd.DataFrame:
    """The planted parameters, one row per segment."""
    names = ["name", "share", "r", "alpha", "a", "b", "pieces", "promotions", "contacts", "mood", "response"]
    rows = [{name: getattr(segment, name) for name in names} for segment in segments]
    return pd.DataFrame(rows).rename(columns={"name": "segment"})
