"""The voice of the customer: comments of surveys and tickets, their topics against scores and over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.engine import add_period, as_table, collect, need_columns
from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import mean_interval, wilson
from crmlab.mining.methods.text import language_of, tfidf
from crmlab.mining.methods.topics import Topics, topics
from crmlab.mining.satisfaction.counts import METRICS, unhappy
from crmlab.mining.satisfaction.scores import scores
from crmlab.mining.satisfaction.verbatim import mask_personal

if TYPE_CHECKING:
    from crmlab.engine import Log

_OF_SURVEYS = ("response_id", "customer_id", "time", "touch_point", "department", "metric", "score",
               "scale_low", "scale_high", "comment")  # fmt: skip
_OF_TICKETS = ("ticket_id", "customer_id", "time", "kind", "department", "comment")
_TEXT = ("source", "id", "customer_id", "touch_point", "department", "kind", "metric", "language", "comment")
_NUMBERS = ("score", "scale_low", "scale_high")


def comments(
    surveys: Log | None = None,
    tickets: Log | None = None,
    respondent: Literal["external", "internal"] = "external",
) -> pd.DataFrame:
    """What customers wrote, in surveys and in requests or complaints.

    Parameters
    ----------
    surveys, tickets
        As in the contract, either or both. Equal comments beside several answers of a response, or
        several statuses of a ticket, are one.
    respondent
        Whose answers: those of outside customers, or of departments inside; a missing respondent is an
        outside customer.

    Returns
    -------
    DataFrame
        One row per comment, by source, time and id: `source` (``"survey"`` or ``"ticket"``), `id` (of the
        response or ticket), `customer_id`, `time`, `touch_point`, `department`, `kind` (of the ticket),
        `metric`, `score`, `scale_low`, `scale_high` (of the answer beside it), `language` (``"en"`` or
        ``"fa"``, by script) and `comment`, as it was written. Columns that the tables do not have, and
        those of the other source, are missing values.
        ``.attrs`` counts what is not there: `empty` (answers and tickets without a comment, or with
        blanks only), `other_script` (comments in a third script) and `no_letters` (comments of digits
        and signs only).

    Raises
    ------
    TableError
        If a table has no column of comments.
    ParameterError
        If there is no table.

    Examples
    --------
    >>> said = comments(pd.DataFrame({"response_id": ["1", "2"], "comment": ["too late", " "]}))
    >>> said["comment"].tolist(), said.attrs["empty"]
    (['too late'], 1)
    """
    if surveys is None and tickets is None:
        raise ParameterError("Comments come from surveys or tickets; give a table of either.")
    if respondent not in ("external", "internal"):
        raise ParameterError(f"respondent is 'external' or 'internal', not {respondent!r}.")
    parts, empty = [], 0
    if surveys is not None:
        found, missing = _of_surveys(surveys, respondent)
        parts.append(found)
        empty += missing
    if tickets is not None:
        found, missing = _of_tickets(tickets)
        parts.append(found)
        empty += missing
    every = pd.concat(parts, ignore_index=True)
    every["language"] = language_of(every["comment"])
    known = every["language"].isin(["en", "fa"])
    counts = {
        "empty": empty,
        "other_script": int((every["language"] == "other").sum()),
        "no_letters": int(every["language"].isna().sum()),
    }
    every = every[known].sort_values(["source", "time", "id", "metric"], kind="stable", ignore_index=True)
    every = every.reindex(columns=["source", "id", "customer_id", "time", *_TEXT[3:7], *_NUMBERS, *_TEXT[7:]])
    every.attrs = counts
    return every


def _of_surveys(surveys: Log, respondent: str) -> tuple[pd.DataFrame, int]:
    answers = as_table(surveys)
    need_columns(answers, ["comment"], "Survey answers", "surveys")
    if "respondent" in answers.columns:
        answers = answers.filter(answers["respondent"].fill_null("external") == respondent)
    elif respondent == "internal":
        need_columns(answers, ["respondent"], "Survey answers", "surveys")
    rows = answers.count().to_pyarrow().as_py()
    kept = answers.select(*(name for name in _OF_SURVEYS if name in answers.columns))
    found = _filled(collect(kept.filter(kept["comment"].notnull())))
    missing = rows - len(found)
    if "response_id" in found:
        # One comment beside several answers of a form stands beside each of them.
        by = [name for name in ("response_id", "metric", "touch_point", "question") if name in found]
        again = found.sort_values(by, kind="stable").duplicated(["response_id", "comment"])
        found = found[~again.reindex(found.index) | found["response_id"].isna()]
    return _in_columns(found, "survey", "response_id"), missing


def _of_tickets(tickets: Log) -> tuple[pd.DataFrame, int]:
    log = as_table(tickets)
    need_columns(log, ["ticket_id", "comment"], "Tickets", "tickets")
    number = log["ticket_id"].nunique().to_pyarrow().as_py()
    kept = log.select(*(name for name in _OF_TICKETS if name in log.columns))
    found = _filled(collect(kept.filter(kept["comment"].notnull())))
    if "time" in found:
        found = found.sort_values(["time", "ticket_id"], kind="stable")
    found = found.drop_duplicates(["ticket_id", "comment"])
    return _in_columns(found, "ticket", "ticket_id"), number - found["ticket_id"].nunique()


def _filled(found: pd.DataFrame) -> pd.DataFrame:
    if not (pd.api.types.is_string_dtype(found["comment"]) or found["comment"].isna().all()):
        raise ParameterError(f"Comments are text; the column comment holds {found['comment'].dtype} values.")
    return found[found["comment"].astype("str").str.strip().ne("") & found["comment"].notna()]


def _in_columns(found: pd.DataFrame, source: str, key: str) -> pd.DataFrame:
    """Rows with the columns of `comments`, each of its type."""
    found = found.rename(columns={key: "id"}).assign(source=source)
    found = found.reindex(columns=[*_TEXT, "time", *_NUMBERS])
    types = dict.fromkeys(_TEXT, "str") | dict.fromkeys(_NUMBERS, "float64")
    return found.astype(types).assign(time=pd.to_datetime(found["time"]))


def complaints(comments: pd.DataFrame) -> pd.DataFrame:
    """Those of the comments that complain: complaints, and what was written beside an unhappy answer.

    Parameters
    ----------
    comments
        As `comments` gives them.

    Examples
    --------
    >>> said = comments(pd.DataFrame({"response_id": ["1", "2"], "comment": ["too late", "fine"],
    ...     "metric": "csat", "score": [1, 5], "scale_low": 1, "scale_high": 5}))
    >>> complaints(said)["comment"].tolist()
    ['too late']
    """
    return comments[comments["kind"].eq("complaint").fillna(False) | unhappy(comments).notna()]


@dataclass(frozen=True)
class CommentTopics:
    """Topics of comments; see `comment_topics`.

    Attributes
    ----------
    comments : DataFrame
        The comments with `topic` (that which has the greatest share in it; missing where none of its
        words is in any) and `topic_share` (0 to 1).
    topics : Topics
        Words, weights, quality and the choice of the number of topics.
    """

    comments: pd.DataFrame
    topics: Topics

    @property
    def labels(self) -> pd.Series:
        """First three words of each topic."""
        return self.topics.quality["label"]


def comment_topics(comments: pd.DataFrame, n_topics: int | None = None, seed: int = 0) -> CommentTopics:
    """What comments are about.

    Parameters
    ----------
    comments
        As `comments` gives them, all or some; a column `comment` is needed. English and Persian ones
        share no words, so topics of both together are of one language each.
    n_topics, seed
        See `crmlab.mining.methods.topics`; the number is chosen if it is not given.

    Raises
    ------
    TableError
        If there is no column `comment`.
    ParameterError
        If there are too few comments that share words.

    Examples
    --------
    >>> words = ["parcel late", "friendly staff", "late parcel again", "staff friendly and kind",
    ...     "the parcel was late"]
    >>> found = comment_topics(pd.DataFrame({"comment": words * 3}), n_topics=2)
    >>> found.labels.tolist()
    ['late, parcel', 'kind, friendly, staff']
    >>> found.comments["topic"].tolist()[:5]
    [1, 2, 1, 2, 1]
    """
    need_columns(comments, ["comment"], "Comments")
    if not comments["comment"].notna().any():
        raise ParameterError(
            f"None of the {len(comments):,} comments has words; there are no topics to find."
        )
    found = topics(comments["comment"], n_topics=n_topics, seed=seed)
    known = found.weights.notna().all(axis="columns")
    main = found.weights[known].idxmax(axis="columns").reindex(comments.index).astype("Int64")
    share = found.weights.max(axis="columns")
    return CommentTopics(comments.assign(topic=main, topic_share=share), found)


def topic_scores(found: CommentTopics, level: float = 0.95) -> pd.DataFrame:
    """How satisfied those are who speak about a topic, beside all who commented.

    Parameters
    ----------
    found
        As `comment_topics` gives it, of comments that have scores beside them.

    Returns
    -------
    DataFrame
        `topic`, `label`, `measure`, `value`, `low`, `high`, `n` and `together` (the same measure over
        all comments with a topic), by measure, the lowest value first. Measures are ``"nps"``,
        ``"csat"``, ``"ces"`` as `scores` gives them, and ``"height"``: the mean place of all answers on
        their scales, 0 lowest to 1 best, with Student's interval cut off at its ends.

    Raises
    ------
    TableError
        If the comments have no scores beside them.

    Examples
    --------
    >>> words = ["parcel late", "friendly staff", "late parcel again", "staff friendly and kind",
    ...     "the parcel was late"]
    >>> answers = pd.DataFrame({"comment": words * 3, "metric": "csat", "score": [1, 5, 2, 4, 5] * 3,
    ...     "scale_low": 1, "scale_high": 5})
    >>> found = topic_scores(comment_topics(answers, n_topics=2)).query("measure == 'csat'")
    >>> found[["label", "value", "n", "together"]].round(2).values.tolist()
    [['late, parcel', 0.33, 9, 0.6], ['kind, friendly, staff', 1.0, 6, 0.6]]
    """
    columns = ("metric", *_NUMBERS)
    need_columns(found.comments, columns, "Comments set against scores")
    said = found.comments[found.comments["topic"].notna() & found.comments["score"].notna()]
    said = said.drop(columns="respondent", errors="ignore")
    parts = [_height(said, level)]
    for metric in METRICS:
        if (said["metric"] == metric).any():
            together = scores(said, metric, level=level)["value"].item()
            by_topic = scores(said, metric, by="topic", level=level)
            parts.append(by_topic.assign(measure=metric, together=together))
    table = pd.concat(parts, ignore_index=True)
    table["topic"] = table["topic"].astype("Int64")
    table["label"] = table["topic"].map(found.labels).astype("str")
    place = table["measure"].map({name: n for n, name in enumerate(("height", *METRICS))})
    table = table.assign(place=place).sort_values(["place", "value", "topic"], ignore_index=True)
    return table[["topic", "label", "measure", "value", "low", "high", "n", "together"]]


def _height(said: pd.DataFrame, level: float) -> pd.DataFrame:
    span = said["scale_high"] - said["scale_low"]
    height = (said["score"] - said["scale_low"]) / span
    if ((height < 0) | (height > 1) | (span <= 0)).any():
        outside = int(((height < 0) | (height > 1) | (span <= 0)).sum())
        raise ParameterError(f"{outside:,} of {len(said):,} scores beside comments lie outside their scale.")
    groups = height.groupby(said["topic"])
    table = pd.DataFrame({"value": groups.mean(), "variance": groups.var(), "n": groups.count()})
    table = table[table["n"] > 0]
    low, high = mean_interval(table["value"], table["variance"], table["n"], level)
    table = table.assign(low=np.clip(low, 0, 1), high=np.clip(high, 0, 1), measure="height")
    return table.drop(columns="variance").assign(together=height.mean()).reset_index()


def topic_shares(
    found: CommentTopics,
    period: Literal["M", "Q", "Y"] = "Q",
    calendar: str = "gregorian",
    level: float = 0.95,
) -> pd.DataFrame:
    """Share of each topic in the comments of each month, quarter or year.

    Returns
    -------
    DataFrame
        `period` (its first day), `topic`, `label`, `comments` (about it), `n` (comments with a topic in
        the period), `share` (0 to 1), `low`, `high` (Wilson's interval), by period and topic; topics
        that nobody spoke about in a period have a share of 0. ``.attrs["undated"]`` counts comments that
        have a topic but no time.
    """
    need_columns(found.comments, ["time"], "Comments over time")
    said = found.comments.loc[found.comments["topic"].notna(), ["time", "topic"]]
    dated = as_table(said.dropna(subset="time").astype({"topic": "int64"}))
    cells = add_period(dated, "time", period, calendar).group_by("period", "topic")
    counted = cells.agg(comments=dated["topic"].count())
    wide = collect(counted, key=["period", "topic"]).pivot(index="period", columns="topic", values="comments")
    wide = wide.reindex(columns=found.labels.index).fillna(0).astype("int64").rename_axis(columns="topic")
    table = wide.stack().rename("comments").reset_index()
    table["n"] = np.repeat(wide.sum(axis="columns").to_numpy(), wide.shape[1])
    low, high = wilson(table["comments"], table["n"], level)
    table = table.assign(
        label=table["topic"].map(found.labels), share=table["comments"] / table["n"], low=low, high=high
    )
    table = table[["period", "topic", "label", "comments", "n", "share", "low", "high"]]
    table.attrs["undated"] = int(said["time"].isna().sum())
    return table


def representative_comments(
    found: CommentTopics,
    topic: int | None = None,
    count: int = 3,
    names: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Comments nearest to the middle of each topic, as they were written, personal data masked.

    Parameters
    ----------
    topic
        One topic; all if not given.
    count
        Comments of each; of equal texts one is shown.
    names
        Names of persons to mask, such as those of the customers; see `mask_personal`.

    Returns
    -------
    DataFrame
        `topic`, `label`, `rank`, `comment` (masked) and `nearness`: cosine of the words of the comment
        with the mean of all comments on the topic, 0 to 1. The index is that of the comment.

    Raises
    ------
    ParameterError
        If there is no such topic.

    Examples
    --------
    >>> words = ["parcel late", "friendly staff", "late parcel again", "staff friendly and kind",
    ...     "the parcel was late"]
    >>> found = comment_topics(pd.DataFrame({"comment": words * 3}), n_topics=2)
    >>> representative_comments(found, topic=1, count=2)["comment"].tolist()
    ['late parcel again', 'parcel late']
    """
    if topic is not None and topic not in found.labels.index:
        raise ParameterError(f"There are topics 1 to {len(found.labels)}, none is {topic!r}.")
    matrix, _ = tfidf(found.comments["comment"])
    shown = []
    for number in found.labels.index if topic is None else [topic]:
        rows = np.flatnonzero(found.comments["topic"].eq(number).fillna(False))
        middle = np.asarray(matrix[rows].sum(axis=0)).ravel()
        nearness = (matrix[rows] @ middle) / max(np.linalg.norm(middle), np.finfo(float).tiny)
        table = found.comments.iloc[rows][["comment"]].assign(topic=number, nearness=np.clip(nearness, 0, 1))
        # Nearness is the same for equal words but for rounding.
        table = table.assign(order=table["nearness"].round(9)).drop_duplicates("comment")
        table = table.sort_values(["order", "comment"], ascending=[False, True]).head(count)
        shown.append(table.assign(rank=range(1, len(table) + 1), label=found.labels[number]))
    table = pd.concat(shown)
    table["comment"] = mask_personal(table["comment"], names)
    return table[["topic", "label", "rank", "comment", "nearness"]]
