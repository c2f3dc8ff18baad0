"""One anomaly of each kind, put where none would come about by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import FIRST_DAY, choose, moments
from crmlab.loaders.sample.contacts import staff_of
from crmlab.loaders.sample.words import Words

_AT_NIGHT, _IN_A_DAY, _CALLS = 14, 45, 420
_ABSURD_QUANTITY = 3_000
_QUIET_CHANNEL, _QUIET_DAYS = "web", 14


def odd_orders(generator: np.random.Generator, persons: pd.DataFrame) -> pd.DataFrame:
    """Orders that belong to no purchase process.

    Returns
    -------
    DataFrame
        `person`, `day`, `kind` and `time`, which is given for the orders at night only.
    """
    acquired = persons["acquired"].to_numpy()

    def known_on(day: float, count: int) -> np.ndarray:
        known = np.flatnonzero(acquired < day)
        return generator.choice(known if len(known) else np.arange(len(persons)), count)

    night, busy, absurd = generator.integers(500, 725, 3)
    start = (FIRST_DAY + night).astype("datetime64[us]") + np.timedelta64(3, "h")
    at_night = start + np.sort(generator.integers(0, 2400, _AT_NIGHT)).astype("timedelta64[s]")
    return pd.concat(
        [
            pd.DataFrame({"person": known_on(absurd, 1), "day": absurd + 0.4, "kind": "point"}),
            pd.DataFrame(
                {
                    "person": known_on(night, _AT_NIGHT),
                    "day": float(night),
                    "kind": "contextual",
                    "time": at_night,
                }
            ),
            pd.DataFrame(
                {
                    "person": np.repeat(known_on(busy, 1), _IN_A_DAY),
                    "day": busy + np.sort(generator.random(_IN_A_DAY)),
                    "kind": "collective",
                }
            ),
        ],
        ignore_index=True,
    ).astype({"time": "datetime64[us]"})


def make_absurd(lines: pd.DataFrame, order: int) -> pd.DataFrame:
    """Give the first line of an order a quantity nobody buys, at full price."""
    row = (lines["order"] == order).idxmax()
    changed = lines.copy()
    changed.loc[row, ["quantity", "discount"]] = _ABSURD_QUANTITY, 0
    changed.loc[row, "amount"] = _ABSURD_QUANTITY * lines.loc[row, "unit_price"]
    return changed


def odd_contacts(
    generator: np.random.Generator, interactions: pd.DataFrame, staff: pd.DataFrame, words: Words
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Silence a channel for two weeks, and let one member of staff call a customer every minute.

    Returns
    -------
    interactions, truth
        The contacts, and two rows of the truth about anomalies.
    """
    first = int(generator.integers(300, 600))
    quiet = (interactions["channel"] == _QUIET_CHANNEL) & interactions["day"].between(
        first, first + _QUIET_DAYS, inclusive="left"
    )
    caller = str(choose(generator, staff_of(staff, words, "sales"), 1)[0])
    day = int(generator.integers(400, 700))
    known = interactions.loc[interactions["customer_id"].notna(), "customer_id"].unique()
    at = day + (np.arange(_CALLS) + generator.random(_CALLS)) / _CALLS
    calls = pd.DataFrame(
        {
            "day": at,
            "time": moments(at),
            "customer_id": choose(generator, known, _CALLS),
            "channel": "phone",
            "direction": "outbound",
            "staff_id": caller,
            "subject": words.subjects["calls"][0],
        }
    )
    kept = pd.concat([interactions[~quiet], calls], ignore_index=True)
    days = FIRST_DAY + np.array([first, first + _QUIET_DAYS - 1, day, day])
    truth = described(
        [
            ("drop", "interactions", _QUIET_CHANNEL, days[0], days[1],
             f"no contact by {_QUIET_CHANNEL} for two weeks"),
            ("impossible", "interactions", caller, days[2], days[3],
             f"{_CALLS} calls by one member of staff in one day"),
        ]
    )  # fmt: skip
    return kept, truth


def odd_orders_truth(orders: pd.DataFrame) -> pd.DataFrame:
    """Where the odd ones among the orders are: rows of the truth about anomalies.

    Parameters
    ----------
    orders
        `order_id`, `customer_id`, `time`, and `origin` and `kind` of the odd ones.
    """
    what = {
        "point": "an order line of absurd quantity and amount",
        "contextual": "an order in a batch at three in the morning",
        "collective": f"one customer orders {_IN_A_DAY} times in one day",
    }
    rows = []
    for kind, found in orders[orders["origin"] == "anomaly"].groupby("kind"):
        column = "customer_id" if kind == "collective" else "order_id"
        for key, same in found.groupby(column):
            day = same["time"].min().to_datetime64()
            rows.append((kind, "orders", key, day, day, what[kind]))
    return described(rows)


def described(rows: list[tuple]) -> pd.DataFrame:
    """The truth about anomalies: what kind, in which table, at which key and when."""
    frame = pd.DataFrame(rows, columns=["kind", "table", "key", "first_day", "last_day", "description"])
    days = {name: frame[name].astype("datetime64[us]").dt.normalize() for name in ("first_day", "last_day")}
    return frame.assign(**days).astype(dict.fromkeys(["kind", "table", "key", "description"], "str"))
