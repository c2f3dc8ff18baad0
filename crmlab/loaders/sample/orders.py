"""Orders of every origin, from the first purchase to the returned goods, as order lines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.anomalies import make_absurd
from crmlab.loaders.sample.catalogue import Catalogue
from crmlab.loaders.sample.chance import conform, moments, numbered
from crmlab.loaders.sample.purchases import baskets, furnish, priced, returns
from crmlab.loaders.sample.records import filed_under
from crmlab.loaders.sample.segments import Segment
from crmlab.loaders.sample.words import Words

PROCESS, CAMPAIGN, ANOMALY, RETURN = "purchase process", "campaign", "anomaly", "return"


def gather(
    generator: np.random.Generator,
    bought: pd.DataFrame,
    in_campaigns: pd.DataFrame,
    odd: pd.DataFrame,
    persons: pd.DataFrame,
    records: pd.DataFrame,
    segments: tuple[Segment, ...],
    words: Words,
) -> pd.DataFrame:
    """Heads of all orders: `person`, `day`, `origin`, `time`, `channel`, `promotion`, `customer_id`."""
    heads = pd.concat(
        [bought.assign(origin=PROCESS), in_campaigns.assign(origin=CAMPAIGN), odd.assign(origin=ANOMALY)],
        ignore_index=True,
    )
    given_time = heads["time"]
    heads = furnish(generator, heads, persons, segments, words)
    usual = heads["origin"] == PROCESS
    first = records[records["number"] == 0].set_index("person")["customer_id"]
    filed = filed_under(generator, records, heads["person"].to_numpy(), heads["day"].to_numpy())
    return heads.assign(
        time=given_time.fillna(heads["time"]),
        promotion=heads["promotion"].where(usual, heads["code"]),
        customer_id=np.where(usual, filed, first.loc[heads["person"]]),
    )


def fill(
    generator: np.random.Generator,
    heads: pd.DataFrame,
    persons: pd.DataFrame,
    catalogue: Catalogue,
    segments: tuple[Segment, ...],
    words: Words,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lines of all orders, the absurd one and the returns among them.

    Returns
    -------
    heads, lines
        The heads with those of returns and `order_id`, in their order of time; and the lines
        with `order`, the place of their head before it was put in order.
    """
    basket = baskets(generator, heads, persons, catalogue, segments)
    lines = priced(generator, basket, heads, persons, catalogue, words.discount_step)
    lines = make_absurd(lines, int(np.flatnonzero(heads["kind"] == "point")[0]))
    usual = lines[(heads["origin"] == PROCESS).to_numpy()[lines["order"]]].reset_index(drop=True)
    back = returns(generator, usual, heads)
    sent = usual.loc[back["line"]].reset_index(drop=True)
    head = heads.loc[sent["order"]].reset_index(drop=True)
    head = head.assign(day=back["day"], time=moments(back["day"].to_numpy()), origin=RETURN, promotion=None)
    # What is paid back for a piece is what was paid for it.
    sent = sent.assign(
        order=np.arange(len(sent)) + len(heads),
        unit_price=sent["amount"] // sent["quantity"],
        discount=0,
        quantity=-sent["quantity"],
        amount=-sent["amount"],
    )
    heads = pd.concat([heads, head], ignore_index=True).sort_values("time", kind="stable")
    return heads.assign(order_id=numbered("O", len(heads))), pd.concat([lines, sent], ignore_index=True)


def table(heads: pd.DataFrame, lines: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """The contract's orders."""
    kept = ["order_id", "customer_id", "time", "channel", "promotion"]
    every = lines.join(heads[kept], on="order").sort_values("order_id", kind="stable")
    product = catalogue.products["product_id"].to_numpy()[every["product"]]
    discount = every["discount"].where(every["discount"] > 0)
    return conform(every.assign(product_id=product, discount=discount), "orders")


def mean_spend(persons: pd.DataFrame, heads: pd.DataFrame, lines: pd.DataFrame) -> np.ndarray:
    """What each person is to spend on an order, in minor units.

    Pieces are independent of products, so it is the mean worth of the segment's baskets with
    one piece of each product, times the person's mean number of pieces.
    """
    usual = lines[lines["order"].map(heads["origin"]) == PROCESS]
    piece = usual["amount"] // usual["quantity"]
    basket = piece.groupby(usual["order"]).sum()
    segment = persons["segment"].loc[heads["person"].loc[basket.index]].to_numpy()
    worth = basket.groupby(segment).mean()
    return np.rint((1 + persons["pieces"]) * persons["segment"].map(worth)).astype(np.int64).to_numpy()
