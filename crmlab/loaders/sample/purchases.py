"""Purchases: when they happen, what is in the basket and what comes back."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.catalogue import Catalogue
from crmlab.loaders.sample.chance import DAYS, choose, moments
from crmlab.loaders.sample.segments import Segment
from crmlab.loaders.sample.words import Words

_WEEK = 7
_FIRST_YEAR = 2023
_LINES = (0.50, 0.28, 0.15, 0.07)
_MOST_LINES = 5
_SEASON_WEIGHT = 2.0
_RETURNED = 0.025


def process(generator: np.random.Generator, persons: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Purchases by the BG/NBD process: Poisson until the drop-out, which may follow any repeat.

    Returns
    -------
    orders, dropped_out
        `person` and `day` (since the first, with fractions) of every purchase, the first being
        the acquisition; and the day of each person's drop-out, NaN for those who are alive at
        the end.
    """
    count = len(persons)
    acquired = persons["acquired"].to_numpy()
    weeks = (DAYS - acquired) / _WEEK
    possible = generator.poisson(persons["weekly_rate"].to_numpy() * weeks)
    # The number of the repeat purchase after which the person drops out.
    last = generator.geometric(np.maximum(persons["dropout"].to_numpy(), 1e-9))
    person = np.repeat(np.arange(count), possible)
    # Given their number, the times of a Poisson process are uniform.
    day = acquired[person] + generator.random(len(person)) * weeks[person] * _WEEK
    order = np.lexsort((day, person))
    person, day = person[order], day[order]
    number = np.arange(len(person)) - np.repeat(np.cumsum(possible) - possible, possible) + 1
    kept = number <= last[person]
    dropped_out = np.full(count, np.nan)
    final = number == last[person]
    dropped_out[person[final]] = day[final]
    orders = pd.DataFrame(
        {
            "person": np.concatenate([np.arange(count), person[kept]]),
            "day": np.concatenate([acquired, day[kept]]),
        }
    )
    return orders, dropped_out


def furnish(
    generator: np.random.Generator,
    orders: pd.DataFrame,
    persons: pd.DataFrame,
    segments: tuple[Segment, ...],
    words: Words,
) -> pd.DataFrame:
    """Give orders their time, channel and promotion code."""
    person = orders["person"].to_numpy()
    segment = persons["segment"].to_numpy()[person]
    channel = persons["favourite"].to_numpy()[person].copy()
    strays = generator.random(len(orders)) < 0.25
    for place, one in enumerate(segments):
        rows = strays & (segment == place)
        channel[rows] = choose(generator, list(one.channels), rows.sum(), list(one.channels.values()))
    time = pd.Series(moments(orders["day"].to_numpy()), index=orders.index)
    # A season begins with March, June, September or December.
    season = ((time.dt.year - _FIRST_YEAR) * 4 + time.dt.month // 3).to_numpy()
    share = np.array([one.promotions for one in segments])[segment]
    promoted = generator.random(len(orders)) < share
    code = np.where(promoted, np.array(words.promotions, dtype=object)[season], None)
    return orders.assign(time=time, channel=channel, promotion=code)


def baskets(
    generator: np.random.Generator,
    orders: pd.DataFrame,
    persons: pd.DataFrame,
    catalogue: Catalogue,
    segments: tuple[Segment, ...],
) -> pd.DataFrame:
    """What is in each order: `order` (its place in `orders`) and `product` (in the catalogue).

    Products are drawn by popularity, taste and season; the planted partner of a product joins it.
    """
    tastes = np.array([[one.taste.get(g, 1) for g in catalogue.group.tolist()] for one in segments])
    months = np.arange(1, 13)[:, None]
    seasons = 1 + _SEASON_WEIGHT * (catalogue.season == months)
    weights = tastes[:, None, :] * seasons[None] * catalogue.popularity
    bounds = np.cumsum(weights / weights.sum(axis=2, keepdims=True), axis=2)
    lines = generator.choice(len(_LINES), len(orders), p=_LINES) + 1
    order = np.repeat(np.arange(len(orders)), lines)
    segment = persons["segment"].to_numpy()[orders["person"].to_numpy()[order]]
    month = orders["time"].dt.month.to_numpy()[order] - 1
    drawn = generator.random(len(order))
    product = np.empty(len(order), dtype=np.int64)
    cell = segment * 12 + month
    for one in np.unique(cell):
        rows = cell == one
        product[rows] = np.searchsorted(bounds[one // 12, one % 12], drawn[rows], side="right")
    product = np.minimum(product, len(catalogue.group) - 1)
    joined = generator.random(len(order)) < catalogue.probability[product]
    basket = pd.DataFrame(
        {
            "order": np.concatenate([order, order[joined]]),
            "product": np.concatenate([product, catalogue.partner[product[joined]]]),
        }
    )
    basket = basket.drop_duplicates().sort_values("order", kind="stable")
    return basket[basket.groupby("order").cumcount() < _MOST_LINES].reset_index(drop=True)


def priced(
    generator: np.random.Generator,
    basket: pd.DataFrame,
    orders: pd.DataFrame,
    persons: pd.DataFrame,
    catalogue: Catalogue,
    step: int,
) -> pd.DataFrame:
    """Quantities, prices and discounts of the lines of a basket, in minor units.

    Parameters
    ----------
    step
        Discounts per piece are multiples of it.
    """
    order = basket["order"].to_numpy()
    person = orders["person"].to_numpy()[order]
    quantity = 1 + generator.poisson(persons["pieces"].to_numpy()[person])
    price = catalogue.products["unit_price"].to_numpy(dtype=np.int64)[basket["product"].to_numpy()]
    promoted = orders["promotion"].notna().to_numpy()[order]
    percent = np.where(
        promoted,
        generator.choice([10, 15, 20], len(order)),
        generator.choice([0, 5, 10], len(order), p=[0.94, 0.04, 0.02]),
    )
    piece = price * percent // 100 // step * step
    return basket.assign(
        quantity=quantity,
        unit_price=price,
        discount=quantity * piece,
        amount=quantity * (price - piece),
    )


def returns(generator: np.random.Generator, lines: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Lines that come back within the month: place of the `line` and the `day` it comes back."""
    line = np.flatnonzero(generator.random(len(lines)) < _RETURNED)
    bought = orders["day"].to_numpy()[lines["order"].to_numpy()[line]]
    day = np.floor(bought) + generator.integers(2, 29, len(line)) + generator.random(len(line))
    keep = day < DAYS
    return pd.DataFrame({"line": line[keep], "day": day[keep]})
