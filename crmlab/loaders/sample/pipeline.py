"""Leads that came by web form, and the pipeline of sales opportunities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.catalogue import Catalogue
from crmlab.loaders.sample.chance import DAYS, choose, conform, dates, moments, numbered
from crmlab.loaders.sample.contacts import staff_of
from crmlab.loaders.sample.people import identities
from crmlab.loaders.sample.records import filed_under
from crmlab.loaders.sample.words import Words

_FORM_CHANNELS = ("web", "social", "email")
_STRANGERS = 1.5
_STAGES = {"prospecting": 12.0, "qualified": 20.0, "engaging": 30.0, "proposal": 18.0}
_STAGE_SHAPE = 2.0
_OPPORTUNITIES = 0.15


def leads(
    generator: np.random.Generator,
    persons: pd.DataFrame,
    records: pd.DataFrame,
    catalogue: Catalogue,
    words: Words,
) -> pd.DataFrame:
    """The contract's leads: forms of later customers shortly before their first purchase, and of others."""
    by_form = persons["channel"].isin(_FORM_CHANNELS) & (generator.random(len(persons)) < 0.6)
    became = persons[by_form]
    day = became["acquired"].to_numpy() - 0.5 - generator.exponential(6, len(became))
    became, day = became[day > 0], day[day > 0]
    first = records[records["number"] == 0].set_index("person")["customer_id"]
    strangers = identities(generator, round(_STRANGERS * len(became)) + 3, words, series=2)
    their_day = generator.uniform(0, DAYS, len(strangers))
    # What is older than two months has been dealt with.
    settled = their_day < DAYS - 60
    status = np.where(
        settled,
        choose(generator, ["lost", "contacted", "qualified"], len(strangers), [7, 2, 1]),
        choose(generator, ["new", "contacted", "qualified"], len(strangers), [4, 3, 1]),
    )
    every = pd.concat(
        [
            became.assign(day=day, status="converted", customer_id=first.reindex(became.index).to_numpy()),
            strangers.assign(day=their_day, status=status, customer_id=None),
        ],
        ignore_index=True,
    ).sort_values("day", kind="stable")
    count = len(every)
    asked = choose(generator, [*catalogue.products["name"], *words.categories.values()], count)
    message = choose(generator, words.messages, count)
    return conform(
        every.assign(
            lead_id=numbered("L", count),
            time=moments(every["day"].to_numpy()),
            full_name=every["first_name"] + " " + every["last_name"],
            interest=np.where(generator.random(count) < 0.8, asked, None),
            message=np.where(generator.random(count) < 0.7, message, None),
        ),
        "leads",
    )


def opportunities(
    generator: np.random.Generator,
    persons: pd.DataFrame,
    records: pd.DataFrame,
    staff: pd.DataFrame,
    catalogue: Catalogue,
    words: Words,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The contract's opportunities and what they were drawn from.

    Returns
    -------
    opportunities, win rates, stages
        The table; `staff_id` and `win_rate` (of those closed in the end, however far they are
        now); `stage` and `mean_days` spent in it (gamma distributed, shape 2).
    """
    sellers = staff_of(staff, words, "sales")
    rates = pd.DataFrame({"staff_id": sellers, "win_rate": generator.beta(6, 6, len(sellers)).round(4)})
    count = max(12, round(_OPPORTUNITIES * len(persons)))
    seller = generator.integers(0, len(sellers), count)
    opened = np.sort(generator.uniform(0, DAYS, count))
    # Those who buy many pieces at a time are called on first.
    person = generator.choice(len(persons), count, p=_shares(persons["pieces"].to_numpy() + 0.2))
    known = (persons["acquired"].to_numpy()[person] <= opened) & (generator.random(count) < 0.95)
    means = np.array(list(_STAGES.values()))
    spent = generator.gamma(_STAGE_SHAPE, means / _STAGE_SHAPE, (count, len(means)))
    ends = opened[:, None] + np.cumsum(spent, axis=1)
    reached = (ends < DAYS).sum(axis=1)
    closed = reached == len(means)
    won = generator.random(count) < rates["win_rate"].to_numpy()[seller]
    names = np.array([*_STAGES, "won"], dtype=object)
    product = generator.choice(len(catalogue.group), count, p=_shares(catalogue.popularity))
    price = catalogue.products["unit_price"].to_numpy(dtype=np.int64)[product]
    frame = pd.DataFrame(
        {
            "opportunity_id": numbered("B", count),
            "customer_id": np.where(known, filed_under(generator, records, person, opened), None),
            "product_id": catalogue.products["product_id"].to_numpy(dtype=object)[product],
            "staff_id": np.array(sellers, dtype=object)[seller],
            "stage": np.where(closed & ~won, "lost", names[reached]),
            "opened_at": dates(opened),
            "closed_at": dates(np.where(closed, ends[:, -1], np.nan)),
            "value": price * generator.integers(5, 60, count),
        }
    )
    stages = pd.DataFrame({"stage": list(_STAGES), "mean_days": list(_STAGES.values())})
    return conform(frame, "opportunities"), rates, stages


def _shares(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum()
