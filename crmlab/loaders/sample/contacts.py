"""Staff, consents, and every contact with customers and strangers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import DAYS, choose, conform, moments, numbered
from crmlab.loaders.sample.people import identities
from crmlab.loaders.sample.records import filed_under
from crmlab.loaders.sample.segments import Segment
from crmlab.loaders.sample.words import Words

_STAFF_OF = {"sales": 5, "support": 6, "delivery": 3, "billing": 2, "online": 3, "store": 6}
#: Kind of contact to its direction and the weights of its channels.
_KINDS: dict[str, tuple[str, dict[str, float]]] = {
    "inbound": ("inbound", {"phone": 8, "web": 6, "email": 6, "in_person": 4, "app": 4, "social": 3,
                            "post": 0.6, "fax": 0.4, "partner": 0.6}),
    "outbound": ("outbound", {"email": 10, "sms": 4, "phone": 4, "app": 2, "post": 1, "fax": 0.2}),
    "question": ("inbound", {"phone": 6, "web": 4, "email": 4, "app": 3, "in_person": 2}),
    "confirmation": ("outbound", {"email": 6, "sms": 3, "app": 2}),
}  # fmt: skip
#: Channels on which a member of staff acts, and the departments they are from.
_IN_PERSON = {
    "phone": ("support", "sales"), "email": ("support", "sales"), "in_person": ("store",),
    "social": ("online",), "fax": ("sales",), "post": ("support",), "partner": ("sales",),
}  # fmt: skip
_ANONYMOUS = 0.12
_OPT_OUTS = {"email": 5, "sms": 3, "phone": 2, "post": 1}


def staff(generator: np.random.Generator, persons: int, words: Words) -> pd.DataFrame:
    """The contract's staff: more of them where there are more customers."""
    times = min(max(persons / 1000, 0.5), 3)
    sizes = [max(2, round(size * times)) for size in _STAFF_OF.values()]
    names = identities(generator, sum(sizes), words)
    first = np.concatenate([np.arange(size) == 0 for size in sizes])
    frame = pd.DataFrame(
        {
            "staff_id": [f"S{number:03d}" for number in range(1, sum(sizes) + 1)],
            "name": names["first_name"] + " " + names["last_name"],
            "department": np.repeat([words.departments[key] for key in _STAFF_OF], sizes),
            "role": np.where(first, words.roles[1], words.roles[0]),
        }
    )
    return conform(frame, "staff")


def staff_of(staff: pd.DataFrame, words: Words, *departments: str) -> list[str]:
    """Ids of the staff of departments, given by their keys."""
    names = [words.departments[key] for key in departments]
    return staff.loc[staff["department"].isin(names), "staff_id"].tolist()


def consents(generator: np.random.Generator, records: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Permissions by e-mail at registration, opt-outs by channel, some of them taken back later.

    Returns
    -------
    DataFrame
        `person`, `day` and the contract's columns but for `time`.
    """
    source = words.consent_sources
    with_email = records["email"].notna() & (generator.random(len(records)) < 0.6)
    asked = records[with_email]
    given = pd.DataFrame(
        {"row": asked.index, "day": asked["known_from"], "channel": "email", "given": True,
         "source": source["form"]}
    )  # fmt: skip
    leaving = records.index[generator.random(len(records)) < 0.12]
    since = records.loc[leaving, "known_from"].to_numpy()
    opted_out = pd.DataFrame(
        {
            "row": leaving,
            "day": since + generator.random(len(leaving)) * (DAYS - since),
            "channel": choose(generator, list(_OPT_OUTS), len(leaving), list(_OPT_OUTS.values())),
            "given": False,
            "source": choose(generator, [source["call"], source["account"]], len(leaving)),
        }
    )
    regret = opted_out[generator.random(len(opted_out)) < 0.25]
    back = regret.assign(
        day=regret["day"] + 7 + generator.exponential(120, len(regret)), given=True, source=source["account"]
    )
    every = pd.concat([given, opted_out, back[back["day"] < DAYS]], ignore_index=True)
    whose = records.loc[every.pop("row"), ["person", "customer_id", "email", "phone"]].reset_index(drop=True)
    contact = whose["email"].where(every["channel"] == "email")
    contact = contact.where(~every["channel"].isin(["phone", "sms"]), whose["phone"])
    return every.assign(
        person=whose["person"], customer_id=whose["customer_id"], contact=contact
    ).sort_values("day", kind="stable")


def opted_out(consents: pd.DataFrame, channel: str, day: float, persons: int) -> np.ndarray:
    """True for persons whose last word on a channel before a day was no."""
    said = consents[(consents["channel"] == channel) & (consents["day"] < day)]
    last = said.drop_duplicates("person", keep="last")
    refuses = np.zeros(persons, dtype=bool)
    refuses[last.loc[~last["given"], "person"]] = True
    return refuses


def interactions(
    generator: np.random.Generator,
    persons: pd.DataFrame,
    orders: pd.DataFrame,
    tickets: pd.DataFrame,
    records: pd.DataFrame,
    staff: pd.DataFrame,
    segments: tuple[Segment, ...],
    words: Words,
) -> pd.DataFrame:
    """Contacts about orders, others by and by, those that opened tickets, and those of strangers.

    Parameters
    ----------
    orders
        `person` and `day`.
    tickets
        `person` (-1 for strangers), `day` and `channel` of each.

    Returns
    -------
    DataFrame
        The contract's interactions, not yet in order and without their numbers.
    """
    acquired = persons["acquired"].to_numpy()
    yearly = np.array([segment.contacts for segment in segments])[persons["segment"]]
    whose = np.repeat(persons.index, generator.poisson(yearly * (DAYS - acquired) / 365))
    when = acquired[whose] + generator.random(len(whose)) * (DAYS - acquired[whose])
    asking = orders[generator.random(len(orders)) < 0.25]
    confirmed = orders[generator.random(len(orders)) < 0.5]
    strangers = round(_ANONYMOUS * (len(whose) + len(asking))) + 1
    parts = [
        _contacts(whose, when, np.where(generator.random(len(whose)) < 0.6, "inbound", "outbound")),
        _contacts(asking["person"], asking["day"] + generator.exponential(4, len(asking)), "question"),
        _contacts(confirmed["person"], confirmed["day"] + 0.002, "confirmation"),
        _contacts(np.full(strangers, -1), generator.uniform(0, DAYS, strangers), "inbound"),
        _contacts(tickets["person"], tickets["day"], "ticket").assign(channel=tickets["channel"].to_numpy()),
    ]
    every = pd.concat(parts, ignore_index=True)
    every = every[every["day"] < DAYS].reset_index(drop=True)
    every["direction"], every["subject"] = "inbound", words.subjects["ticket"][0]
    for kind, (direction, channels) in _KINDS.items():
        rows = (every["kind"] == kind).to_numpy()
        every.loc[rows, "direction"] = direction
        every.loc[rows, "subject"] = choose(generator, words.subjects[kind], rows.sum())
        every.loc[rows, "channel"] = choose(generator, list(channels), rows.sum(), list(channels.values()))
    customer = filed_under(generator, records, every["person"].clip(lower=0).to_numpy(), every["day"])
    served_by = _served_by(generator, every["channel"], staff, words)
    return every.assign(
        customer_id=np.where(every["person"] >= 0, customer, None),
        staff_id=np.where(every["kind"] != "confirmation", served_by, None),
        time=moments(every["day"].to_numpy()),
    )


def _contacts(
    person: np.ndarray | pd.Series, day: np.ndarray | pd.Series, kind: np.ndarray | str
) -> pd.DataFrame:
    return pd.DataFrame({"person": np.asarray(person), "day": np.asarray(day), "kind": kind})


def _served_by(
    generator: np.random.Generator, channel: pd.Series, staff: pd.DataFrame, words: Words
) -> np.ndarray:
    who = np.full(len(channel), None, dtype=object)
    for one, departments in _IN_PERSON.items():
        rows = (channel == one).to_numpy()
        who[rows] = choose(generator, staff_of(staff, words, *departments), rows.sum())
    return np.where(generator.random(len(channel)) < 0.9, who, None)


def in_order(interactions: pd.DataFrame) -> pd.DataFrame:
    """The contract's interactions, numbered in the order of time."""
    frame = interactions.sort_values("time", kind="stable")
    return conform(frame.assign(interaction_id=numbered("I", len(frame))), "interactions")


def consent_table(said: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """The contract's consents: what was said to us, and what campaigns brought about."""
    said = said.assign(time=moments(said["day"].to_numpy()))
    every = pd.concat([said, later], ignore_index=True)
    return conform(every.sort_values("time", kind="stable"), "consents")
