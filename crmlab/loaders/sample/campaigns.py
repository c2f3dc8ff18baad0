"""Campaigns: whom they address, what their contacts change, and everything that happens in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import choose, conform, dates, moments
from crmlab.loaders.sample.contacts import opted_out
from crmlab.loaders.sample.segments import Segment
from crmlab.loaders.sample.words import Words

CONTROL = "control"
_BOUNCED, _UNSUBSCRIBED = 0.03, 0.012
_MINUTE, _HOUR = 1 / 780, 1 / 13


@dataclass(frozen=True)
class Plan:
    """One campaign as planned and as it is going to work.

    Attributes
    ----------
    days
        First and last day, counted from the first of the history.
    code
        Promotion code of those it reaches.
    arms
        Arms, equally likely; `CONTROL` is not contacted.
    audience
        Segment to the share of it that is addressed.
    anyhow
        Segment to the probability of a purchase in the campaign's time without contact.
    effects
        Arm to segment to what contact adds to that probability.
    reactions
        What a contact through this channel can lead to, each with its share of the one before.
    """

    key: str
    campaign_id: str
    channel: str
    days: tuple[int, int]
    code: str
    arms: tuple[str, ...]
    budget: int
    contact_cost: float
    audience: Mapping[str, float]
    anyhow: Mapping[str, float]
    effects: Mapping[str, Mapping[str, float]]
    reactions: Mapping[str, float] = field(default_factory=dict)


_ANYHOW = {"loyal regulars": 0.2, "occasional buyers": 0.08, "bargain hunters": 0.06, "one-time buyers": 0.01,
           "recent newcomers": 0.1, "large accounts": 0.16}  # fmt: skip
_EMAIL = {"opened": 0.4, "clicked": 0.3, "visited": 0.9}

PLANS = (
    # 15 April to 12 May 2024, the randomised one: offer a moves bargain hunters, offer b the
    # loyal, and large accounts would rather be left in peace.
    Plan(
        "spring", "M001", "email", (470, 497), "MAY24", (CONTROL, "offer a", "offer b"), 6_000, 0.05,
        dict.fromkeys(_ANYHOW, 1.0), _ANYHOW,
        {
            "offer a": {"loyal regulars": 0.01, "occasional buyers": 0.05, "bargain hunters": 0.16,
                        "one-time buyers": 0.02, "recent newcomers": 0.05, "large accounts": -0.02},
            "offer b": {"loyal regulars": 0.1, "occasional buyers": 0.02, "bargain hunters": 0.03,
                        "one-time buyers": 0.0, "recent newcomers": 0.02, "large accounts": -0.06},
        },
        _EMAIL,
    ),
    # 9 to 22 October 2023.
    Plan(
        "autumn", "M002", "sms", (281, 294), "OCT23", ("offer",), 1_500, 0.08,
        {"bargain hunters": 0.9, "occasional buyers": 0.1},
        {"bargain hunters": 0.04, "occasional buyers": 0.05},
        {"offer": {"bargain hunters": 0.09, "occasional buyers": 0.01}}, {"clicked": 0.2, "visited": 0.9},
    ),
    # 18 November to 15 December 2024.
    Plan(
        "winter", "M003", "post", (687, 714), "DEC24", ("offer",), 4_000, 1.1,
        {"one-time buyers": 0.6, "occasional buyers": 0.3},
        {"one-time buyers": 0.01, "occasional buyers": 0.06},
        {"offer": {"one-time buyers": 0.015, "occasional buyers": 0.04}},
    ),
)  # fmt: skip


def table(words: Words) -> pd.DataFrame:
    """The contract's campaigns."""
    rows = []
    for plan in PLANS:
        name, goal, segment = words.campaigns[plan.key]
        started_at, ended_at = dates(np.array(plan.days, dtype=float))
        rows.append(
            {
                "campaign_id": plan.campaign_id, "name": name, "goal": goal, "segment": segment,
                "channel": plan.channel, "started_at": started_at, "ended_at": ended_at,
                "control_arm": CONTROL if CONTROL in plan.arms else None,
                "budget": plan.budget * words.minor_per_euro,
                "cost_per_contact": round(plan.contact_cost * words.minor_per_euro),
            }
        )  # fmt: skip
    return conform(pd.DataFrame(rows), "campaigns")


def assign(
    generator: np.random.Generator,
    plan: Plan,
    persons: pd.DataFrame,
    segments: tuple[Segment, ...],
    opted_out: np.ndarray,
) -> pd.DataFrame:
    """Whom a campaign addresses, in which arm, and who buys in its time.

    Parameters
    ----------
    opted_out
        True for persons who may not be contacted through the campaign's channel; they are left
        out before arms are drawn.

    Returns
    -------
    DataFrame
        One row per person addressed: `person`, `arm`, `probability` (of a purchase without
        contact), `effect` (what contact in this arm adds to it), `by_contact` (would not have
        bought without), `converted`, and the effect that each contacted arm would have.
    """
    names = np.array([segment.name for segment in segments], dtype=object)[persons["segment"]]
    share = pd.Series(names).map(plan.audience).fillna(0).to_numpy()
    known = persons["acquired"].to_numpy() < plan.days[0]
    person = np.flatnonzero(known & ~opted_out & (generator.random(len(persons)) < share))
    segment = pd.Series(names[person])
    arm = choose(generator, plan.arms, len(person))
    of_person = generator.uniform(0.5, 1.5, (2, len(person)))
    probability = (segment.map(plan.anyhow).to_numpy(dtype=float) * of_person[0]).round(6)
    effects = {
        one: np.maximum(segment.map(of_segment).to_numpy(dtype=float) * of_person[1], -probability).round(6)
        for one, of_segment in plan.effects.items()
    }
    effect = np.select([arm == one for one in effects], list(effects.values()), 0.0)
    drawn = generator.random(len(person))
    converted = drawn < probability + effect
    return pd.DataFrame(
        {
            "campaign_id": plan.campaign_id,
            "person": person,
            "arm": arm,
            "probability": probability,
            "effect": effect,
            "by_contact": converted & (drawn >= probability),
            "converted": converted,
            **effects,
        }
    )


def happenings(generator: np.random.Generator, plan: Plan, assigned: pd.DataFrame) -> pd.DataFrame:
    """The day of each thing that happened to those a campaign addresses; NaN if it did not.

    Who buys because of the contact has gone through every reaction to it; those whom it does not
    reach do not buy, so effects stand as planned.
    """
    count = len(assigned)
    contacted = (assigned["arm"] != CONTROL).to_numpy()
    converted, by_contact = assigned["converted"].to_numpy(), assigned["by_contact"].to_numpy()
    days = pd.DataFrame({"assigned": np.full(count, float(plan.days[0]))})

    def after(before: str, happens: np.ndarray, mean: float) -> np.ndarray:
        lag = _MINUTE + np.minimum(generator.exponential(mean, count), 3 * mean)
        return np.where(happens, days[before] + lag, np.nan)

    days["sent"] = after("assigned", contacted, 6 * _HOUR)
    bounced = contacted & ~converted & (generator.random(count) < _BOUNCED)
    slow = 2.0 if plan.channel == "post" else _MINUTE
    days["delivered"] = after("sent", contacted & ~bounced, slow)
    days["bounced"] = after("sent", bounced, slow)
    last, reached = "delivered", contacted & ~bounced
    for reaction, share in plan.reactions.items():
        reached = reached & (by_contact | (generator.random(count) < share))
        days[reaction] = after(last, reached, 1.0 if last == "delivered" else 2 * _MINUTE)
        last = reaction
    bought = plan.days[0] + 1 + generator.beta(1, 2, count) * (plan.days[1] - plan.days[0] - 1)
    latest = days[last].fillna(0).to_numpy() + _HOUR
    days["converted"] = np.where(converted, np.maximum(bought, np.where(reached, latest, 0)), np.nan)
    leaves = ~converted & days["delivered"].notna() & (generator.random(count) < _UNSUBSCRIBED)
    days["unsubscribed"] = after("delivered", leaves.to_numpy(), 4 * _HOUR)
    return days


class Run(NamedTuple):
    """A campaign carried out: whom it addressed and the day of each thing that happened to them."""

    plan: Plan
    assigned: pd.DataFrame
    days: pd.DataFrame


def run(
    generator: np.random.Generator,
    persons: pd.DataFrame,
    consents: pd.DataFrame,
    records: pd.DataFrame,
    segments: tuple[Segment, ...],
) -> list[Run]:
    """Carry out all campaigns; they address the first record of each person."""
    first = records[records["number"] == 0].set_index("person")["customer_id"]
    runs = []
    for plan in PLANS:
        refuses = opted_out(consents, plan.channel, plan.days[0], len(persons))
        assigned = assign(generator, plan, persons, segments, refuses)
        assigned["customer_id"] = first.loc[assigned["person"]].to_numpy()
        runs.append(Run(plan, assigned, happenings(generator, plan, assigned)))
    return runs


def orders_in(runs: list[Run]) -> pd.DataFrame:
    """The purchases in all campaigns; those who were not contacted know no promotion code.

    Returns
    -------
    DataFrame
        `person`, `day`, `code`, `campaign_id` and `place` among those the campaign addressed.
    """
    parts = []
    for plan, assigned, days in runs:
        bought = assigned[assigned["converted"]]
        parts.append(
            pd.DataFrame(
                {
                    "person": bought["person"],
                    "day": days.loc[bought.index, "converted"],
                    "code": np.where(bought["arm"] != CONTROL, plan.code, None),
                    "campaign_id": plan.campaign_id,
                    "place": bought.index,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def events(runs: list[Run], heads: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The contract's campaign events; what was bought has the worth of its order.

    Parameters
    ----------
    heads, lines
        Orders with `campaign_id` and `place` as `orders_in` gives them, and their lines.
    """
    amounts = lines.groupby("order")["amount"].sum()
    parts = []
    for plan, assigned, days in runs:
        ours = heads[(heads["campaign_id"] == plan.campaign_id) & (heads["origin"] == "campaign")]
        worth = pd.Series(amounts.loc[ours.index].to_numpy(), index=ours["place"].astype("int64"))
        long = days.melt(ignore_index=False, var_name="event", value_name="day").dropna(subset="day")
        contact = ~long["event"].isin(["assigned", "converted"]).to_numpy()
        value = worth.reindex(long.index).astype("Int64").where(long["event"] == "converted")
        parts.append(
            assigned.loc[long.index, ["campaign_id", "customer_id", "arm"]].assign(
                time=moments(long["day"].to_numpy()),
                event=long["event"],
                channel=np.where(contact, plan.channel, None),
                value=value,
            )
        )
    every = pd.concat(parts, ignore_index=True)
    return conform(
        every.sort_values(["campaign_id", "time", "customer_id"], kind="stable"), "campaign_events"
    )


def unsubscribed(events: pd.DataFrame, words: Words) -> pd.DataFrame:
    """The opt-outs that campaigns brought about, as the contract's consents have them."""
    left = events.loc[events["event"] == "unsubscribed", ["customer_id", "channel", "time"]]
    return left.assign(given=False, source=words.consent_sources["campaign"])


def truth(runs: list[Run]) -> dict[str, pd.DataFrame]:
    """What was planted: chances of a purchase without contact, and what each arm adds to them."""
    own, every = [], []
    for plan, assigned, _ in runs:
        key = ["campaign_id", "customer_id"]
        own.append(assigned[[*key, "arm", "probability", "effect"]])
        every.append(assigned[[*key, *plan.effects]].melt(key, var_name="arm", value_name="effect"))
    chances = pd.concat(own, ignore_index=True)
    return {
        "campaign_effects": chances.rename(columns={"probability": "probability_without_contact"}),
        "arm_effects": pd.concat(every, ignore_index=True),
    }
