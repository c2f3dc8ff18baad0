"""What is sold or lent, and what is taken together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import conform
from crmlab.loaders.sample.words import Words

#: Key of a product: group, price in euros, month of its season (0 if it has none), popularity.
_ITEMS: dict[str, tuple[str, float, int, float]] = {
    "kettle": ("household", 34.9, 0, 4), "teapot": ("household", 24.5, 0, 2),
    "pan": ("household", 39.9, 0, 4), "saucepan": ("household", 29.9, 0, 3),
    "knives": ("household", 59.0, 12, 2), "board": ("household", 18.5, 0, 3),
    "vacuum": ("household", 149.0, 0, 2), "bags": ("household", 9.95, 0, 5),
    "fan": ("household", 44.9, 7, 3), "heater": ("household", 49.9, 1, 3),
    "blanket": ("household", 39.5, 12, 3), "pillow": ("household", 27.9, 0, 3),
    "lamp": ("household", 32.9, 10, 3), "bulb": ("household", 6.95, 0, 6),
    "iron": ("household", 54.9, 0, 2), "ironing": ("household", 42.0, 0, 1),
    "phone": ("electronics", 299.0, 12, 3), "case": ("electronics", 14.9, 0, 4),
    "laptop": ("electronics", 649.0, 9, 1.5), "laptop_bag": ("electronics", 39.9, 9, 2),
    "headphones": ("electronics", 89.0, 12, 4), "speaker": ("electronics", 59.9, 6, 3),
    "camera": ("electronics", 219.0, 6, 1), "memory": ("electronics", 16.9, 0, 3),
    "printer": ("electronics", 119.0, 9, 1.5), "ink": ("electronics", 37.9, 0, 5),
    "tablet": ("electronics", 249.0, 12, 2), "charger": ("electronics", 19.9, 0, 6),
    "television": ("electronics", 399.0, 11, 1), "mount": ("electronics", 34.9, 0, 1),
    "watch": ("electronics", 129.0, 1, 2), "router": ("electronics", 79.0, 0, 2),
    "novel": ("books", 14.9, 0, 4), "sequel": ("books", 14.9, 0, 2),
    "cookery": ("books", 24.9, 12, 3), "travel": ("books", 17.9, 5, 2),
    "dictionary": ("books", 12.9, 9, 2), "atlas": ("books", 32.0, 12, 1),
    "poems": ("books", 15.9, 12, 2), "crime": ("books", 11.9, 7, 5),
    "history": ("books", 19.9, 0, 2), "biography": ("books", 21.9, 12, 2),
    "children": ("books", 12.5, 12, 4), "colouring": ("books", 6.9, 0, 3),
    "garden": ("books", 18.9, 3, 2), "diary": ("books", 9.9, 12, 2),
    "puzzles": ("books", 8.9, 7, 3), "course": ("books", 29.9, 9, 1.5),
}  # fmt: skip

#: Product, product added to it, and the probability that it is.
_TOGETHER = (
    ("kettle", "teapot", 0.45), ("knives", "board", 0.35), ("vacuum", "bags", 0.6), ("lamp", "bulb", 0.6),
    ("phone", "case", 0.55), ("laptop", "laptop_bag", 0.4), ("camera", "memory", 0.5),
    ("printer", "ink", 0.65), ("television", "mount", 0.35), ("novel", "sequel", 0.5),
    ("children", "colouring", 0.4),
)  # fmt: skip

_BORROWED_TOGETHER = 0.55


class Catalogue(NamedTuple):
    """Products and how they are chosen.

    Attributes
    ----------
    products
        The contract's table.
    group
        Key of each product's group, as `Segment.taste` names it.
    season
        Month of each product's season; 0 if it has none.
    popularity
        Weight of each product.
    partner, probability
        Place of the product added to each (-1 if none), and the probability that it is.
    """

    products: pd.DataFrame
    group: np.ndarray
    season: np.ndarray
    popularity: np.ndarray
    partner: np.ndarray
    probability: np.ndarray

    def affinity(self) -> pd.DataFrame:
        """The planted pairs: `product_id`, `added_product_id`, `probability`."""
        places = np.flatnonzero(self.partner >= 0)
        ids = self.products["product_id"]
        return pd.DataFrame(
            {
                "product_id": ids.iloc[places].to_numpy(),
                "added_product_id": ids.iloc[self.partner[places]].to_numpy(),
                "probability": self.probability[places],
            }
        )


def goods(generator: np.random.Generator, words: Words) -> Catalogue:
    """The products of a shop."""
    keys = list(_ITEMS)
    group, euros, season, popularity = (np.array(part) for part in zip(*_ITEMS.values(), strict=True))
    price = np.rint(euros * words.minor_per_euro / words.price_step).astype(np.int64) * words.price_step
    share = generator.uniform(0.45, 0.8, len(keys))
    products = pd.DataFrame(
        {
            "product_id": [f"P{number:03d}" for number in range(101, 101 + len(keys))],
            "name": [words.products[key] for key in keys],
            "category": [words.categories[key] for key in group],
            "unit_price": price,
            "unit_cost": (price * share).astype(np.int64) // words.discount_step * words.discount_step,
            "stock": generator.integers(0, 400, len(keys)),
        }
    )
    partner, probability = np.full(len(keys), -1), np.zeros(len(keys))
    for first, second, chance in _TOGETHER:
        partner[keys.index(first)] = keys.index(second)
        probability[keys.index(first)] = chance
    return Catalogue(conform(products, "products"), group, season, popularity, partner, probability)


def titles(generator: np.random.Generator, words: Words) -> Catalogue:
    """The titles of a library, which have no price; part two follows part one."""
    names = [title for genre in words.titles.values() for title in genre]
    sizes = [len(genre) for genre in words.titles.values()]
    products = pd.DataFrame(
        {
            "product_id": [f"T{number:03d}" for number in range(101, 101 + len(names))],
            "name": names,
            "category": np.repeat(list(words.titles), sizes),
            "stock": generator.integers(1, 9, len(names)),
        }
    )
    starts = np.cumsum([0, *sizes[:-1]])
    partner, probability = np.full(len(names), -1), np.zeros(len(names))
    partner[starts], probability[starts] = starts + 1, _BORROWED_TOGETHER
    group = np.repeat(np.arange(len(sizes)), sizes)
    popularity = np.round(generator.gamma(2, 1, len(names)) + 0.3, 3)
    season = np.zeros(len(names), dtype=np.int64)
    return Catalogue(conform(products, "products"), group, season, popularity, partner, probability)
