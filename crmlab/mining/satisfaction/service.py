"""How well requests and complaints are dealt with: service levels, times to resolution, who is slow.

All of it works on one row per ticket, as `ticket_summary` makes them. What is still open is never left
out: it counts as open for as long as it has been.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from crmlab.engine import need_columns
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.methods.intervals import poisson, wilson
from crmlab.mining.methods.survival import LogRank, kaplan_meier, logrank, median_time

Measure = Literal["resolution", "first_response", "resolution_for_good"]
MEASURES: tuple[Measure, ...] = ("resolution", "first_response", "resolution_for_good")
Targets = float | Mapping[str, float] | str

#: What `performance` says of a group, worst first; one with too few tickets is not judged.
VERDICTS = ("slower", "as the others", "faster", "too few")


class Durations(NamedTuple):
    """How long tickets take; see `time_to_resolution`."""

    curve: pd.DataFrame
    groups: pd.DataFrame
    test: LogRank | None


def time_to_resolution(
    summary: pd.DataFrame, by: str | None = None, measure: Measure = "resolution", level: float = 0.95
) -> Durations:
    """How long tickets take, those still open included, whole or by group.

    Parameters
    ----------
    summary
        One row per ticket with `measure` and `age`, in one unit, as `ticket_summary` returns it.
    by
        Column to group by, such as ``"priority"``.
    measure
        ``"resolution"``, ``"first_response"`` or ``"resolution_for_good"``.

    Returns
    -------
    Durations
        `curve`, as `kaplan_meier` returns it (its column `group` bears the name of `by`). `groups`:
        the value of `by`, `n`, `ended`, `still_open`, `median` with `low` and `high`, and `p90`, by
        Kaplan-Meier, missing where too few have ended to tell; `ended_mean`, `ended_median`,
        `ended_p90` of the ended ones alone, which come out too short the more are open. `test`: the
        log-rank test between groups, none where there are not two.

    Raises
    ------
    ParameterError
        If there are no tickets, or a duration is negative.

    Examples
    --------
    >>> tickets = pd.DataFrame({"resolution": [2.0, 5.0, None], "age": [9.0, 9.0, 9.0]})
    >>> time_to_resolution(tickets).groups[["n", "still_open", "median"]].values.tolist()
    [[3.0, 1.0, 5.0]]
    """
    duration, ended = _durations(summary, measure, [by] if by else [])
    group = summary[by] if by else pd.Series("all", index=summary.index)
    curve = kaplan_meier(duration, ended, group, level=level)
    table = median_time(curve).rename(columns={"time": "median"})
    table["p90"] = median_time(curve, 0.9)["time"]
    each = duration.where(ended).groupby(group, dropna=False)
    plain = {"ended": each.count(), "ended_mean": each.mean(), "ended_median": each.median(),
             "ended_p90": each.quantile(0.9)}  # fmt: skip
    table = table.assign(**{name: part.reindex(table.index) for name, part in plain.items()})
    table["still_open"] = table["n"] - table["ended"]
    test = logrank(duration, ended, group) if len(table) > 1 else None
    order = ["n", "ended", "still_open", "median", "low", "high", "p90", *list(plain)[1:]]
    table = table[order].rename_axis(by).reset_index(drop=by is None)
    return Durations(curve.rename(columns={"group": by}) if by else curve.drop(columns="group"), table, test)


def _durations(summary: pd.DataFrame, measure: str, columns: list[str]) -> tuple[pd.Series, pd.Series]:
    """Hours of each ticket, until now for those that have not ended, and whether it has."""
    _known_measure(measure)
    need_columns(summary, (measure, "age", *columns), "Summaries of tickets")
    ended = summary[measure].notna()
    return summary[measure].fillna(summary["age"]).astype(float), ended


def _known_measure(measure: str) -> None:
    if measure not in MEASURES:
        raise ParameterError(f"There is no measure {measure!r}{did_you_mean(str(measure), MEASURES)}")


def service_levels(
    summary: pd.DataFrame,
    targets: Targets,
    by: str | list[str] | None = "priority",
    measure: Measure = "resolution",
    level: float = 0.95,
) -> pd.DataFrame:
    """Share of tickets dealt with within their target, with its interval.

    Parameters
    ----------
    summary
        One row per ticket, as `ticket_summary` returns it; in hours of work if a calendar was given.
    targets
        Hours within which a ticket is to be dealt with: a number for all, a number for each priority
        (``{"urgent": 4, "high": 8}``), or the name of a column that says whether it was (true or
        false).
    by
        Columns to group by, ``"priority"``, ``"department"`` or both; the whole if none.
    measure
        ``"resolution"``, ``"first_response"`` or ``"resolution_for_good"``.

    Returns
    -------
    DataFrame
        The columns of `by`, `n` (tickets judged), `within`, `breached`, `share` (of those judged),
        `low`, `high` (Wilson), `undecided` (open, with time left: not judged), `no_target`. An open
        ticket past its target is a breach. Sorted by group, priorities from low to urgent.

    See Also
    --------
    breaches : The tickets behind the numbers.

    Examples
    --------
    >>> tickets = pd.DataFrame({"priority": ["high", "high", "low", "low"],
    ...     "resolution": [3.0, 9.0, None, None], "age": [50.0, 50.0, 50.0, 10.0]})
    >>> found = service_levels(tickets, {"high": 8, "low": 24}, by=None)
    >>> found[["n", "within", "breached", "undecided"]].values.tolist()
    [[3, 1, 2, 1]]
    """
    groups = [by] if isinstance(by, str) else list(by or [])
    need_columns(summary, groups, "Summaries of tickets")
    within, target = _judged(summary, targets, measure)
    judged = pd.DataFrame({
        "n": within.notna(), "within": within.eq(True).fillna(False),
        "breached": within.eq(False).fillna(False), "undecided": within.isna() & target.notna(),
        "no_target": target.isna(),
    }).astype("int64")  # fmt: skip
    if groups:
        keys = [_ordered(summary[name]) for name in groups]
        table = judged.groupby(keys, dropna=False, observed=True).sum().reset_index()
        table = table.astype({name: summary[name].dtype for name in groups})
    else:
        table = judged.sum().to_frame().T
    low, high = wilson(table["within"], table["n"], level)
    share = table["within"] / table["n"].where(table["n"] > 0)
    order = [*groups, "n", "within", "breached", "share", "low", "high", "undecided", "no_target"]
    return table.assign(share=share.astype(float), low=low, high=high)[order]


def breaches(summary: pd.DataFrame, targets: Targets, measure: Measure = "resolution") -> pd.DataFrame:
    """The tickets past their target, the longest past first.

    Parameters
    ----------
    summary, targets, measure
        As `service_levels` takes them.

    Returns
    -------
    DataFrame
        Rows of `summary` with `hours` (what the ticket took, or has taken so far), `target` and `over`
        (hours past it, missing where a column says what is a breach).

    Examples
    --------
    >>> tickets = pd.DataFrame({"resolution": [30.0, None], "age": [90.0, 50.0]})
    >>> breaches(tickets, 24)["over"].tolist()
    [26.0, 6.0]
    """
    within, target = _judged(summary, targets, measure)
    hours, _ = _durations(summary, measure, [])
    target = None if isinstance(targets, str) else target.astype(float)
    found = summary.assign(hours=hours, target=np.nan if target is None else target)
    found = found.assign(over=found["hours"] - found["target"])[within.eq(False).fillna(False)]
    by = "hours" if target is None else "over"
    return found.sort_values(by, ascending=False, kind="stable", ignore_index=True)


def _judged(summary: pd.DataFrame, targets: Targets, measure: str) -> tuple[pd.Series, pd.Series]:
    """Whether each ticket was within its target, missing where that is not known, and the target."""
    _known_measure(measure)
    if isinstance(targets, str):
        need_columns(summary, (targets,), "Summaries of tickets")
        said = summary[targets]
        if not said.dropna().isin([True, False]).all():
            raise ParameterError(
                f"The column {targets} is to say whether tickets were within their targets, by true or false."
            )
        return said.astype("boolean"), pd.Series(1.0, index=summary.index)
    if isinstance(targets, Mapping):
        need_columns(summary, ("priority",), "Summaries of tickets")
        known = set(summary["priority"].dropna().unique())
        for name in targets:
            if known and name not in known | set(_PRIORITIES):
                raise ParameterError(f"No ticket has the priority {name!r}{did_you_mean(str(name), known)}")
        target = summary["priority"].astype(object).map(dict(targets)).astype(float)
    else:
        target = pd.Series(targets, index=summary.index, dtype=float)
    if not (target.dropna() > 0).all():
        raise ParameterError("Targets are numbers of hours above 0.")
    hours, ended = _durations(summary, measure, [])
    within = (hours <= target).astype("boolean")
    undecided = (~ended & (hours <= target)) | target.isna()
    return within.mask(undecided), target


_PRIORITIES = ("low", "normal", "high", "urgent")


def _ordered(values: pd.Series) -> pd.Series:
    """Priorities in their order, other texts as they are."""
    if values.dropna().isin(_PRIORITIES).all() and values.name == "priority":
        return values.astype(pd.CategoricalDtype(_PRIORITIES, ordered=True))
    return values


def performance(
    summary: pd.DataFrame,
    by: str = "department",
    measure: Measure = "resolution",
    minimum: int = 20,
    level: float = 0.95,
) -> pd.DataFrame:
    """Who deals with tickets slowly and who fast, the slowest first.

    The pace of a group is the number of tickets that it ended over the number it would have ended at
    the pace of all together, given how long its tickets have been open (as the log-rank test counts
    them): 0.5 is half the pace. Priorities are compared each with itself where the summary has them, so
    that whoever gets the urgent ones does not look fast for that.

    Parameters
    ----------
    summary
        One row per ticket, as `ticket_summary` returns it.
    by
        Column that says who has the ticket, ``"department"`` or ``"staff_id"``; tickets without one
        are left out.
    measure
        ``"resolution"``, ``"first_response"`` or ``"resolution_for_good"``.
    minimum
        Groups with fewer tickets are not judged; they come last.

    Returns
    -------
    DataFrame
        The value of `by`, `verdict` (``"slower"``, ``"as the others"``, ``"faster"``: whether the
        interval of the pace holds 1; ``"too few"``), `n`, `ended`, `median` (hours, by Kaplan-Meier),
        `pace`, `pace_low`, `pace_high` (exact, of a Poisson
        count: `crmlab.mining.methods.poisson`), and, where the summary has
        `reopened`, the share of tickets that came back, `reopened`, `reopened_low`, `reopened_high`
        (Wilson). ``.attrs["left_out"]`` is the number of tickets without a value of `by`.

    Raises
    ------
    ParameterError
        If no ticket has a value of `by`.

    Examples
    --------
    >>> tickets = pd.DataFrame({"department": ["a", "b"] * 30, "resolution": [1.0, 9.0] * 30, "age": 99.0})
    >>> performance(tickets)[["department", "verdict", "median"]].values.tolist()
    [['b', 'slower', 9.0], ['a', 'faster', 1.0]]
    """
    need_columns(summary, (by,), "Summaries of tickets")
    known = summary[summary[by].notna()]
    if known.empty:
        raise ParameterError(f"No ticket has a {by}, so nobody can be compared.")
    found = time_to_resolution(known, by, measure, level).groups[[by, "n", "ended", "median"]]
    expected = _expected(known, by, measure).reindex(found[by]).to_numpy(dtype=float)
    low, high = poisson(found["ended"], level)
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = [part / expected for part in (found["ended"].to_numpy(), low, high)]
    found = found.assign(pace=pace[0], pace_low=pace[1], pace_high=pace[2])
    if "reopened" in known:
        back = (known["reopened"] > 0).groupby(known[by]).sum().reindex(found[by]).to_numpy()
        low, high = wilson(back, found["n"], level)
        found = found.assign(reopened=back / found["n"], reopened_low=low, reopened_high=high)
    conditions = [found["n"] < minimum, found["pace_high"] < 1, found["pace_low"] > 1]
    verdict = np.select(conditions, ["too few", "slower", "faster"], "as the others")
    found.insert(1, "verdict", verdict)
    order = np.lexsort((found["pace"], verdict == "too few"))
    found = found.iloc[order].reset_index(drop=True)
    found.attrs["left_out"] = int(len(summary) - len(known))
    return found


def _expected(summary: pd.DataFrame, by: str, measure: str) -> pd.Series:
    """Numbers of tickets each group would have ended at the pace of all, priority by priority."""
    strata = [summary]
    if "priority" in summary and by != "priority":
        strata = [part for _, part in summary.groupby("priority", dropna=False)]
    expected = []
    for part in strata:
        duration, ended = _durations(part, measure, [])
        if part[by].nunique() > 1:
            expected.append(logrank(duration, ended, part[by]).groups["expected"])
        else:
            expected.append(pd.Series([float(ended.sum())], index=part[by].iloc[:1].to_list()))
    return pd.concat(expected).groupby(level=0).sum()
