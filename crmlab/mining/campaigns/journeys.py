"""Journeys of customers: the touches that came before each conversion, and those that led to none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, TableError, did_you_mean
from crmlab.mining.campaigns.funnel import STEPS

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

_TOUCH, _CONVERSION = 0, 1
#: Columns that name a journey.
JOURNEY = ("customer_id", "number")


def journeys(
    log: Log,
    conversions: Log | None = None,
    touches: str | Sequence[str] = "sent",
    conversion: str = "converted",
    lookback: float | None = None,
) -> tuple[ibis.Table, dict[str, int]]:
    """Touches in the order of each customer's journeys, in the engine.

    A journey ends with a conversion; what a customer is touched by after the last one is a journey
    that led to none. A touch at the moment of a conversion counts as before it; touches of one moment
    follow each other in the order of their channels' names.

    Parameters
    ----------
    log, conversions, touches, conversion, lookback
        As `attribution` takes them.

    Returns
    -------
    table, facts
        One row per touch: `customer_id`, `number` (of the customer's journey, from 0), `channel`, `place`
        (from 1), `length` (of the journey), `age` (seconds before the journey's last touch),
        `converted` and `lost` (journeys that ended so), `value`. And the number of `conversions`, their
        `value`, and `left_out`: rows without customer, time or channel.

    Raises
    ------
    ParameterError, TableError
        As `attribution`.
    """
    table = as_table(log)
    if "path" in table.columns:
        return _of_paths(log if isinstance(log, pd.DataFrame) else collect(table))
    need_columns(table, ("customer_id", "time", "channel"), "Touches")
    named = (touches,) if isinstance(touches, str) else tuple(touches)
    wanted = table
    if "event" in table.columns:
        wanted = table.filter(table["event"].isin(named))
    if conversions is None:
        need_columns(table, ("event",), "Touches", way_out="Or give the conversions as a table of their own.")
        ends = table.filter(table["event"] == conversion)
        known = collect(table.select("event").distinct())["event"].dropna().tolist()
        known += [name for name in STEPS if name not in known]
        for name in (*named, conversion):
            if name not in known:
                raise ParameterError(f"There are no events {name!r} in the log" + did_you_mean(name, known))
    else:
        ends = _one_row_each(as_table(conversions))
    need_columns(ends, ("customer_id", "time"), "Conversions")
    return _joined(wanted, ends, lookback)


def _one_row_each(table: ibis.Table) -> ibis.Table:
    """Conversions, of which order lines with one order_id are one."""
    need_columns(table, ("customer_id", "time"), "Conversions")
    if "value" not in table.columns and "amount" in table.columns:
        table = table.rename(value="amount")
    if "order_id" not in table.columns:
        return table
    lines = table if "value" in table.columns else table.mutate(value=0)
    return lines.group_by("customer_id", "order_id").agg(time=lines["time"].min(), value=lines["value"].sum())


def _joined(
    wanted: ibis.Table, ends: ibis.Table, lookback: float | None
) -> tuple[ibis.Table, dict[str, int]]:
    import ibis

    if lookback is not None and not lookback > 0:
        raise ParameterError(f"lookback is a number of days, not {lookback!r}.")
    worth = _whole(ends, "value") if "value" in ends.columns else ibis.literal(0, "int64")
    parts = [
        wanted.select("customer_id", channel=wanted["channel"].cast("string"),
                      time=wanted["time"].cast("timestamp"),
                      kind=ibis.literal(_TOUCH, "int64"), value=ibis.literal(0, "int64")),
        ends.select("customer_id", channel=ibis.literal(None, "string"), time=ends["time"].cast("timestamp"),
                    kind=ibis.literal(_CONVERSION, "int64"), value=worth),
    ]  # fmt: skip
    every = ibis.union(*parts)
    fit = every["customer_id"].notnull() & every["time"].notnull()
    fit &= every["channel"].notnull() | (every["kind"] == _CONVERSION)
    facts = collect(
        every.aggregate(
            conversions=every["kind"].sum(where=fit).fill_null(0),
            value=every["value"].sum(where=fit).fill_null(0),
            left_out=(~fit).sum().fill_null(0),
        )
    )
    every = every.filter(fit)
    order = [every["time"], every["kind"], every["channel"], every["value"]]
    before = ibis.window(group_by="customer_id", order_by=order, preceding=(None, 1))
    every = every.mutate(number=every["kind"].sum().over(before).fill_null(0).cast("int64"))
    journey = ibis.window(group_by=list(JOURNEY))
    every = every.mutate(
        converted=every["kind"].max().over(journey),
        worth=every["value"].sum().over(journey).cast("int64"),
        end=every["time"].max().over(journey),
    )
    touched = every.filter(every["kind"] == _TOUCH)
    if lookback is not None:
        touched = touched.filter(
            touched["end"].epoch_seconds() - touched["time"].epoch_seconds() <= round(lookback * 86_400)
        )
    in_order = ibis.window(group_by=list(JOURNEY), order_by=[touched["time"], touched["channel"]])
    found = touched.select(
        "customer_id",
        "number",
        "channel",
        "converted",
        place=ibis.row_number().over(in_order) + 1,
        length=touched.count().over(journey),
        age=touched["time"].max().over(journey).epoch_seconds() - touched["time"].epoch_seconds(),
        lost=1 - touched["converted"],
        value=touched["worth"],
    )
    return found, {name: int(facts[name].iloc[0]) for name in facts.columns}


def _whole(table: ibis.Table, name: str) -> ibis.Column:
    """A column of money; missing is nothing."""
    kind = table[name].type()
    if not (kind.is_integer() or kind.is_null()) and not (kind.is_decimal() and not kind.scale):
        raise TableError(
            f"Values of conversions are whole numbers of minor units (cents), not {kind}; multiply and round "
            "them first.", "", name, "not a whole number",
        )  # fmt: skip
    return table[name].cast("int64").fill_null(0)


def _of_paths(paths: pd.DataFrame) -> tuple[ibis.Table, dict[str, int]]:
    """Journeys from a table of paths and how often each occurred."""
    need_columns(paths, ("conversions",), "Paths", way_out="It says how many journeys along a path ended so.")
    counts = {name: paths[name] if name in paths else pd.Series(0, paths.index)
              for name in ("conversions", "lost", "value")}  # fmt: skip
    for name, column in counts.items():
        bad = [label for label, number in column.items() if not _is_whole(number, name == "value")]
        if bad:
            raise TableError(
                f"The column {name} of paths holds whole numbers{'' if name == 'value' else ' from 0'}; rows "
                f"{', '.join(map(str, bad[:3]))} do not.", "", name, "not a whole number", bad,
            )  # fmt: skip
    steps = paths["path"].map(_steps)
    empty = [label for label, path in steps.items() if not path]
    if empty:
        raise TableError(
            f"Paths have one channel or more; rows {', '.join(map(str, empty[:3]))} have none.",
            "", "path", "empty", empty,
        )  # fmt: skip
    idle = paths.index[(counts["conversions"] == 0) & (counts["value"] != 0)].tolist()
    if idle:
        raise TableError(
            f"A path without conversions brings no value; rows {', '.join(map(str, idle[:3]))} have one.",
            "", "value", "value without conversions", idle,
        )  # fmt: skip
    rows = [
        (str(row), channel, place, len(path), int(conversions), int(lost), int(value))
        for row, (path, conversions, lost, value) in enumerate(zip(steps, *counts.values(), strict=True))
        for place, channel in enumerate(path, 1)
    ]
    columns = ["customer_id", "channel", "place", "length", "converted", "lost", "value"]
    facts = {
        "conversions": int(counts["conversions"].sum()),
        "value": int(counts["value"].sum()),
        "left_out": 0,
    }
    return as_table(pd.DataFrame(rows, columns=columns).assign(number=0)), facts


def _steps(path: Any) -> list[str]:
    """Channels of a path: a list, or text with > between them."""
    parts = path.split(">") if isinstance(path, str) else list(path) if isinstance(path, Sequence) else []
    return [str(part).strip() for part in parts if str(part).strip()]


def _is_whole(number: Any, negative: bool) -> bool:
    return not pd.isna(number) and number == int(number) and (negative or number >= 0)
