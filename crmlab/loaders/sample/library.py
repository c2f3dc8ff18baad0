"""The history of a library: patrons, loans and titles, and the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crmlab.loaders.sample.catalogue import titles
from crmlab.loaders.sample.chance import conform, generators, numbered
from crmlab.loaders.sample.people import persons
from crmlab.loaders.sample.purchases import baskets, furnish, process
from crmlab.loaders.sample.records import filed_under, records, truth
from crmlab.loaders.sample.segments import LIBRARY
from crmlab.loaders.sample.shop import Tables
from crmlab.loaders.sample.words import Words

_OVERDUE, _DAYS_OVERDUE = 0.08, 6


def library(
    customers: int, seed: int, words: Words, progress: Callable[[str], None]
) -> tuple[Tables, Tables]:
    """Patrons, loans and titles of a library, clean, and the truth about them."""
    chance = generators(seed)

    progress("customers")
    catalogue = titles(chance["catalogue"], words)
    patrons = persons(chance["persons"], customers, words, LIBRARY)
    visits, dropped_out = process(chance["purchases"], patrons)
    filed = records(chance["duplicates"], patrons, visits, words)

    progress("orders")
    chosen = chance["baskets"]
    visits = furnish(chosen, visits, patrons, LIBRARY, words)
    visits["customer_id"] = filed_under(chosen, filed, visits["person"].to_numpy(), visits["day"].to_numpy())
    borrowed = baskets(chosen, visits, patrons, catalogue, LIBRARY)
    overdue = chosen.random(len(borrowed)) < _OVERDUE
    fee = chosen.geometric(1 / _DAYS_OVERDUE, len(borrowed)) * words.discount_step * 4
    # Each title lent is a loan of its own.
    loans = borrowed.join(visits.drop(columns="promotion"), on="order")
    loans = loans.sort_values(["time", "order"], kind="stable")
    loans = loans.assign(
        order_id=numbered("L", len(loans)),
        product_id=catalogue.products["product_id"].to_numpy()[loans["product"]],
        quantity=1,
        amount=np.where(overdue, fee, 0),
    )
    tables = {
        "customers": conform(filed, "customers"),
        "orders": conform(loans, "orders"),
        "products": catalogue.products,
    }
    return tables, {
        **truth(filed, patrons, dropped_out, LIBRARY),
        "affinity": catalogue.affinity(),
    }
