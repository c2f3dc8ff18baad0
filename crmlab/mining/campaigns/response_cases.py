"""Who responds, as cases for a tree: customers whom a campaign contacted, and those it could contact next."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import collect
from crmlab.mining.campaigns.funnel import campaign_of, choose_campaign, outcomes
from crmlab.mining.campaigns.response_checks import response_leaks
from crmlab.mining.customers.profile import profile, tables_of
from crmlab.mining.customers.profile_columns import column_called, undated
from crmlab.mining.methods.trees.cases import Cases
from crmlab.tables import IDENTIFIERS

#: What customers may be; the first is the event.
RESPONDER, OTHER = "responder", "non-responder"
#: Why there may be nothing to learn from.
TOO_FEW = "Too few of those contacted responded, or too few did not, to learn from."
NOTHING_KNOWN = "Nothing is known of the customers that the campaign contacted."


def response_cases(
    workspace: Any,
    campaign_id: str | None = None,
    response: str = "converted",
    control: str | None = None,
    as_of: Day | None = None,
    held_out: float = 0.3,
    seed: int = 0,
) -> Cases:
    """Customers whom a campaign contacted, to learn from and to judge by, and the customers of today.

    Of each customer only what was known before the campaign counts: before the day on which it began,
    or before its first event, if that was earlier. The control group is left out, as it was not
    contacted.

    Parameters
    ----------
    workspace
        With `campaign_events`, and `customers` or `orders`; `campaigns` tells of the beginning and the
        control group.
    campaign_id
        The one with most customers if not given.
    response
        The event that counts as a response.
    control
        The arm that was not contacted; as the campaigns table says if not given.
    as_of
        The day on which candidates are looked at; the day after the last order, or of today's customers
        as they stand where there are no orders.
    held_out
        Share of the customers, of those who responded and of those who did not, to judge by. Which, is
        drawn by chance: they are all of the same time.
    seed
        Of that draw.

    Returns
    -------
    Cases
        ``"responder"`` and ``"non-responder"``, indexed by `customer_id`. Columns that bear no day, and
        seem to be known only after the contact (see `response_leaks`), are left out.

    Raises
    ------
    ParameterError
        If the campaign, the arm or the event does not occur.
    """
    tables = tables_of(workspace)
    events, known = workspace.campaign_events, getattr(workspace, "tables", ())
    chosen = choose_campaign(workspace.campaigns, events, campaign_id) if "campaigns" in known else None
    campaign_id = campaign_id if chosen is None else chosen["campaign_id"]
    if control is None and chosen is not None:
        control = chosen.get("control_arm")
    outcome = collect(outcomes(events, campaign_id, response), key="customer_id").set_index("customer_id")
    contacted = outcome[outcome["arm"] != control]
    began = _began(None if chosen is None else chosen.get("started_at"), campaign_of(events, campaign_id))
    if not {"customers", "orders"} & tables.keys():
        return Cases(event=RESPONDER, why_not=NOTHING_KNOWN)
    X, y = _known(tables, began).reindex(contacted.index), contacted["responded"]
    now = _known(tables, as_day(as_of, "as_of") if as_of is not None else None)
    decided = now.attrs.get("as_of")
    y = y.map({1: RESPONDER, 0: OTHER}).astype("str").rename("outcome")
    judged = _drawn(contacted["responded"].to_numpy(), held_out, seed)
    name = str(campaign_id or "") if chosen is None else str(chosen.get("name") or campaign_id)
    found = Cases(
        X[~judged], y[~judged], X[judged], y[judged], now.reindex(columns=X.columns), RESPONDER, name, began,
        began, as_day(decided) if decided else None,
    ).with_numbers()  # fmt: skip
    told = _telling(found.X)
    if not told:
        return Cases(event=RESPONDER, why_not=NOTHING_KNOWN)
    parts = (found.X[told], found.X_held_out[told], found.candidates[told])
    found = replace(found, **dict(zip(("X", "X_held_out", "candidates"), parts, strict=True)))
    if found.too_few:
        return replace(found, why_not=TOO_FEW)
    own = undated(found.X) if began else list(found.X)
    if not own:
        return found
    leaks = response_leaks(found.X, (found.y == RESPONDER).astype(int))
    return found.without(leaks[leaks.index.isin(own)])


def _began(started: Any, events: Any) -> datetime.date | None:
    """The first day of a campaign by its plan or its events, whichever is earlier; None if none is known."""
    days = [] if started is None or pd.isna(started) else [pd.Timestamp(started).date()]
    first = events["time"].min().to_pyarrow().as_py() if "time" in events.columns else None
    if first is not None:
        days.append(first.date() if isinstance(first, datetime.datetime) else first)
    return min(days, default=None)


def _known(tables: dict[str, Any], day: datetime.date | None) -> pd.DataFrame:
    """The profile of a day; of customers without any days what their table says, but not who they are."""
    if day is not None or "orders" in tables:
        return profile(tables, as_of=day)
    people = tables["customers"]
    people = (people if isinstance(people, pd.DataFrame) else collect(people)).set_index("customer_id")
    people = people.drop(columns=list(IDENTIFIERS & set(people))).sort_index()
    ours = {name for name in people if column_called(name).table != "customers"}
    return people.rename(columns={name: f"stated_{name}" for name in ours})


def _telling(X: pd.DataFrame) -> list[str]:
    """Columns that may tell something: no days, no texts that are different for most, not all alike."""
    return [
        name
        for name, values in X.items()
        if name != "age_band"
        and not pd.api.types.is_datetime64_any_dtype(values)
        and values.nunique(dropna=False) > 1
        and (pd.api.types.is_numeric_dtype(values) or values.nunique() < len(values) / 2)
    ]


def _drawn(responded: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Which customers are held out: that share of either kind."""
    random, found = np.random.default_rng(seed), np.zeros(len(responded), dtype=bool)
    for state in (0, 1):
        who = random.permutation(np.flatnonzero(responded == state))
        found[who[: round(share * len(who))]] = True
    return found
