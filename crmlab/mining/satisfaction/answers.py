"""Survey answers as numbers to reckon with: one row per response, one column per question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, TableError, did_you_mean, listed

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

_NEEDED = ("response_id", "metric", "question", "score", "scale_low", "scale_high")


def driver_answers(
    surveys: Log, outcome: str | None = None, since: Day | None = None, until: Day | None = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Ratings of single things, and the overall answer that was given with them.

    Parameters
    ----------
    surveys
        Answers as in the contract. Those with the metric ``"item"`` rate the drivers; where there are
        none, those about a touch point do, and the outcome is asked about the whole. Answers of
        internal respondents are left out.
    outcome
        The overall question, or its metric (``"nps"``, ``"csat"``, ``"ces"``). If not given, the one
        question that was asked along with the items.
    since, until
        First day that counts and first day that counts no more; undated answers count only
        where neither is given.

    Returns
    -------
    X : DataFrame
        One row per response that rated an item and was asked for the outcome, one column per item
        (named by its touch point if each has its own, else by its question), both sorted; on 0 (lowest
        answer of the question's scale) to 100. Missing where not answered.
    y : Series
        The outcome of the same responses, on 0 to 100, named by its question.

    Raises
    ------
    ParameterError
        If no question or several ones could be the outcome, or the one named is not there.
    TableError
        If a response answers a question twice, a question has two scales, an answer lies outside
        its scale, or an item has no question to tell it by.

    Examples
    --------
    >>> surveys = pd.DataFrame({"response_id": ["R1", "R1", "R2", "R2"], "metric": ["item", "csat"] * 2,
    ...     "question": ["price", "overall"] * 2, "score": [1, 3, 5, 4], "scale_low": 1, "scale_high": 5})
    >>> X, y = driver_answers(surveys)
    >>> X["price"].tolist(), y.tolist()
    ([0.0, 100.0], [50.0, 75.0])
    """
    table = _external(surveys, since, until)
    table = table.filter(table["metric"] != "expectation")
    asked = _asked(table, table["metric"] == "item")
    if not asked["rates"].any() and "touch_point" in table.columns:
        asked = _asked(table, table["touch_point"].notnull())
    items = asked["rates"]
    if not items.any():
        raise ParameterError(
            "There are no ratings of drivers: no answer with the metric 'item' or about a touch point has a "
            "response_id."
        )
    question = _outcome(asked[~items], outcome)
    asked = asked[items | (asked["question"] == question)]
    _check(asked)
    wide = asked.assign(score=_in_percent(asked)).pivot(
        index="response_id", columns="question", values="score"
    )
    wide = wide.loc[asked.loc[asked["question"] == question, "response_id"].sort_values()]
    wide.columns.name = None
    rated = wide.drop(columns=question).rename(columns=_touch_points(table, asked)).sort_index(axis=1)
    return rated, wide[question]


def _touch_points(table: ibis.Table, asked: pd.DataFrame) -> dict[str, str]:
    """The touch point of each item's question, where each has one of its own."""
    if "touch_point" not in table.columns:
        return {}
    items = table.filter(table["question"].isin(asked.loc[asked["rates"], "question"].unique().tolist()))
    named = collect(items.select("question", "touch_point").distinct(), key=["question", "touch_point"])
    known = named["touch_point"].notna().all() and (named["touch_point"] != "").all()
    unique = named["question"].is_unique and named["touch_point"].is_unique
    return dict(zip(named["question"], named["touch_point"], strict=True)) if known and unique else {}


def gap_answers(
    surveys: Log, since: Day | None = None, until: Day | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What respondents expected of each thing and how they found it, as `servqual` takes them.

    Parameters
    ----------
    surveys, since, until
        As `driver_answers` takes them. Answers with the metric ``"expectation"`` say what was expected,
        those with ``"item"`` how it was; a thing is a touch point, or a question where none is named.

    Returns
    -------
    expectation, perception : DataFrame
        One row per response, one column per thing of which both were asked, sorted alike; on 0 (lowest
        answer of the question's scale) to 100, the mean where several questions are about one thing.
        Without columns where nobody was asked what he expected.

    Raises
    ------
    TableError
        If an answer lies outside its scale, or a scale has no length.

    Examples
    --------
    >>> surveys = pd.DataFrame({"response_id": "R1", "metric": ["expectation", "item"], "question": "speed",
    ...     "score": [5, 3], "scale_low": 1, "scale_high": 5})
    >>> expected, found = gap_answers(surveys)
    >>> expected["speed"].tolist(), found["speed"].tolist()
    ([100.0], [50.0])
    """
    table = _external(surveys, since, until)
    table = table.filter(table["metric"].isin(["expectation", "item"]), table["response_id"].notnull())
    thing = table["question"]
    if "touch_point" in table.columns:
        thing = table["touch_point"].coalesce(thing)
    table = table.mutate(thing=thing).filter(lambda t: t["thing"].notnull())
    if not table.filter(table["metric"] == "expectation").count().to_pyarrow().as_py():
        return pd.DataFrame(), pd.DataFrame()
    asked = collect(table.select(*_NEEDED, "thing"), key=["response_id", "thing", "metric", "question"])
    _check_scales(asked)
    asked["score"] = _in_percent(asked)
    wide = asked.pivot_table(index="response_id", columns=["metric", "thing"], values="score", dropna=False)
    both = [
        name for name in wide["expectation"] if ("item", name) in wide and wide["item", name].notna().any()
    ]
    wide.columns.names = [None, None]
    return wide["expectation"][both], wide["item"][both]


def _external(surveys: Log, since: Day | None, until: Day | None) -> ibis.Table:
    """Answers of customers in a time."""
    table = as_table(surveys)
    need_columns(table, _NEEDED, "Survey answers", "surveys")
    if "respondent" in table.columns:
        table = table.filter(table["respondent"].fill_null("external") != "internal")
    if since is not None:
        table = table.filter(table["time"].date() >= as_day(since, "since"))
    if until is not None:
        table = table.filter(table["time"].date() < as_day(until, "until"))
    return table


def _in_percent(asked: pd.DataFrame) -> pd.Series:
    """The place of each answer on its scale, 0 to 100."""
    return 100 * (asked["score"] - asked["scale_low"]) / (asked["scale_high"] - asked["scale_low"])


def _asked(table: ibis.Table, rates: ibis.expr.types.BooleanValue) -> pd.DataFrame:
    """All answers of the responses in which some rate a driver, and which of them do."""
    told = table.mutate(rates=rates & table["response_id"].notnull())
    rated = told.filter(told["rates"]).select("response_id").distinct()
    return collect(
        told.semi_join(rated, "response_id").select(*_NEEDED, "rates"), key=["response_id", "question"]
    )


def _outcome(others: pd.DataFrame, wanted: str | None) -> str:
    """The question that stands for the whole."""
    known = sorted(others["question"].dropna().unique())
    if wanted in known:
        return wanted
    if wanted is not None and wanted not in set(others["metric"]):
        raise ParameterError(f"No response that rates items answers {wanted!r}{did_you_mean(wanted, known)}")
    if wanted is not None:
        known = sorted(others.loc[others["metric"] == wanted, "question"].dropna().unique())
    if not known:
        raise ParameterError(
            "No other question was asked along with the items, so nothing says how satisfied the "
            "respondents are as a whole."
        )
    if len(known) > 1:
        raise ParameterError(
            f"Several questions were asked along with the items: {listed(known)}. Name the overall one "
            "with outcome=..."
        )
    return known[0]


def _check(asked: pd.DataFrame) -> None:
    nameless = asked["question"].isna()
    if nameless.any():
        raise TableError(
            f"Ratings of items have no question to tell them by ({int(nameless.sum()):,} of {len(asked):,}).",
            "surveys", "question", "an item needs its question",
        )  # fmt: skip
    twice = asked.duplicated(["response_id", "question"], keep=False)
    if twice.any():
        raise TableError(
            "Some questions are answered more than once in one response "
            f"({asked.loc[twice, 'response_id'].nunique():,} responses), the first of them is "
            f"{asked.loc[twice, 'question'].iloc[0]!r}; keep one answer of each.",
            "surveys", "response_id", "one answer to a question in a response",
        )  # fmt: skip
    scales = asked.groupby("question")[["scale_low", "scale_high"]].nunique(dropna=False)
    two = scales.index[(scales > 1).any(axis="columns")]
    if len(two):
        raise TableError(
            f"The answers to {two[0]!r} are on more than one scale; they are to be on one to be compared.",
            "surveys", "scale_high", "one scale to a question",
        )  # fmt: skip
    _check_scales(asked)


def _check_scales(asked: pd.DataFrame) -> None:
    unclear = ~(asked["scale_low"] < asked["scale_high"])
    if unclear.any():
        raise TableError(
            f"The scale of {asked.loc[unclear, 'question'].iloc[0]!r} has no length: scale_low is to be "
            "below scale_high.",
            "surveys", "scale_low", "scale_low below scale_high",
        )  # fmt: skip
    outside = (asked["score"] < asked["scale_low"]) | (asked["score"] > asked["scale_high"])
    if outside.any():
        first = asked[outside].iloc[0]
        raise TableError(
            f"{int(outside.sum()):,} of {len(asked):,} answers lie outside their scale, the first to "
            f"{first['question']!r}, which goes from {first['scale_low']:g} to {first['scale_high']:g}.",
            "surveys", "score", "answers within the scale",
        )  # fmt: skip


def as_numbers(answers: pd.DataFrame | ArrayLike, what: str) -> pd.DataFrame:
    """Answers as a frame of floats, NaN where there is none.

    Parameters
    ----------
    answers
        A frame, or an array of two dimensions; one row per response.
    what
        What the columns are, for the sentence: "driver".

    Raises
    ------
    ParameterError
        If a column is not numeric, has no answer, an infinite one, or a name that another has too.
    """
    if not isinstance(answers, pd.DataFrame):
        if np.ndim(answers) != 2:
            raise ParameterError(
                f"The {what}s are a frame with one column each, or an array of rows of them."
            )
        answers = pd.DataFrame(np.asarray(answers))
    if not answers.columns.is_unique:
        name = answers.columns[answers.columns.duplicated()][0]
        raise ParameterError(f"Two {what}s are called {name!r}; give each a name of its own.")
    numbers = {name: _floats(answers[name], what) for name in answers.columns}
    return pd.DataFrame(numbers, index=answers.index, columns=answers.columns)


def _floats(answers: pd.Series, what: str) -> np.ndarray:
    given = answers.infer_objects()
    if given.isna().all():
        raise ParameterError(f"The {what} {answers.name!r} has no answer at all; leave it out.")
    if not pd.api.types.is_numeric_dtype(given) or pd.api.types.is_complex_dtype(given):
        raise ParameterError(
            f"The {what} {answers.name!r} holds {given.dtype}, not numbers; turn its answers into steps "
            "of a scale first."
        )
    numbers = given.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(numbers).any():
        raise ParameterError(f"The {what} {answers.name!r} has an infinite answer.")
    return numbers
