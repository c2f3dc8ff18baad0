"""Service quality: gaps between what was expected and perceived, importance against performance, benefits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, listed
from crmlab.mining.methods.intervals import mean_interval
from crmlab.mining.satisfaction.multi_item import index_score

#: The 22 items of SERVQUAL by position, counted from 1.
SERVQUAL_DIMENSIONS: Mapping[str, range] = {
    "tangibles": range(1, 5),
    "reliability": range(5, 10),
    "responsiveness": range(10, 14),
    "assurance": range(14, 18),
    "empathy": range(18, 23),
}

Dimensions = Mapping[str, Sequence[str]]


def servqual(
    expectation: pd.DataFrame,
    perception: pd.DataFrame,
    dimensions: Dimensions | None = None,
    weights: Mapping[str, float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Gaps between perception and expectation, by item, by dimension and overall.

    The gap of an item is the mean of perception minus expectation over the respondents who gave both
    for this item (pairwise, not only those who answered everything). That of a dimension is the mean
    of the gaps of its items, and the overall gap the weighted mean of those of the dimensions; without
    dimensions it is the mean over the items.

    Parameters
    ----------
    expectation, perception
        One row per respondent with one index, one column per item; the items stand in one order in
        both and take their names from `expectation`. Both on one scale.
    dimensions
        Items of each dimension, by name. If not given, 22 items are those of SERVQUAL in their order:
        tangibles 1 to 4, reliability 5 to 9, responsiveness 10 to 13, assurance 14 to 17, empathy 18 to
        22 (see `SERVQUAL_DIMENSIONS`); other numbers of items have none.
    weights
        Importance of each dimension, such as the points out of 100 that respondents gave; equal if not
        given. They are divided by their sum.

    Returns
    -------
    DataFrame
        Items in their order, then dimensions, then the whole: `level` (``"item"``, ``"dimension"``,
        ``"overall"``), `name`, `dimension` (of an item; missing without), `expectation`, `perception`
        (means over the same pairs), `gap` (below 0: less than expected) with `low` and `high`
        (Student's; from pairs, with all that items of one respondent have in common), `n` (respondents
        with a pair), `weight` and `weighted_gap` (their product; of dimensions, which add up to the
        overall one). An item without any pair has n = 0 and no gap, and neither have its dimension and
        the whole.

    Raises
    ------
    ParameterError
        If the two frames do not fit each other, hold words, dimensions name unknown items or one twice,
        or weights do not fit the dimensions.

    References
    ----------
    A. Parasuraman, V. A. Zeithaml and L. L. Berry (1988), SERVQUAL: a multiple-item scale for measuring
    consumer perceptions of service quality, Journal of Retailing 64, 12-40.

    Examples
    --------
    >>> expected = pd.DataFrame({"quick": [7, 6, 7], "kind": [5, 6, 7]})
    >>> perceived = pd.DataFrame({"quick": [4, 5, 3], "kind": [6, 6, 6]})
    >>> servqual(expected, perceived)[["name", "gap", "n"]].round(2).values.tolist()
    [['quick', -2.67, 3], ['kind', 0.0, 3], ['overall', -1.33, 3]]
    """
    expected, perceived = _paired(expectation, perception)
    items = list(expected.columns)
    if dimensions is None and len(items) == 22:
        dimensions = {name: [items[at - 1] for at in places] for name, places in SERVQUAL_DIMENSIONS.items()}
    of_item = _of_item(dimensions or {}, items)
    shares = _shares(weights, dimensions or {})
    single = np.eye(len(items))
    rows = {("item", name): single[at] for at, name in enumerate(items)}
    if dimensions:
        each = {
            name: single[[items.index(item) for item in of]].mean(axis=0) for name, of in dimensions.items()
        }
        rows |= {("dimension", name): mix for name, mix in each.items()}
        rows["overall", "overall"] = sum(shares[name] * mix for name, mix in each.items())
    else:
        rows["overall", "overall"] = single.mean(axis=0)
    found = _mixed(expected, perceived, np.array(list(rows.values())), level)
    found.insert(0, "level", [row for row, _ in rows])
    found.insert(1, "name", [name for _, name in rows])
    found.insert(2, "dimension", [of_item.get(name) if row == "item" else None for row, name in rows])
    found["weight"] = [shares.get(name, np.nan) if row == "dimension" else np.nan for row, name in rows]
    found["weighted_gap"] = found["weight"] * found["gap"]
    found.loc[found.index[-1], ["weight", "weighted_gap"]] = [1.0, found["gap"].iloc[-1]]
    return found


def _paired(expectation: pd.DataFrame, perception: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers, missing where the other is."""
    if expectation.shape[1] != perception.shape[1] or not expectation.shape[1]:
        raise ParameterError(
            f"Expectation and perception are about the same items in one order; there are "
            f"{expectation.shape[1]} and {perception.shape[1]}."
        )
    if not expectation.index.equals(perception.index):
        raise ParameterError("Expectation and perception are of the same respondents: give them one index.")
    if not expectation.columns.is_unique:
        raise ParameterError("Each item has a name of its own; the columns of expectation repeat one.")
    e, p = as_answers(expectation), as_answers(perception.set_axis(expectation.columns, axis=1))
    pairs = e.notna() & p.notna()
    return e.where(pairs), p.where(pairs)


def as_answers(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of answers as numbers, or a sentence on the first that is none."""
    numbers = frame.apply(pd.to_numeric, errors="coerce").astype(float)
    words = (numbers.isna() & frame.notna()).sum()
    if words.any():
        name = words.index[words > 0][0]
        raise ParameterError(
            f"{int(words[name]):,} answers of {name!r} are no numbers; turn words into steps of the scale."
        )
    return numbers


def _of_item(dimensions: Dimensions, items: list[str]) -> dict[str, str]:
    """Dimension of each item."""
    found: dict[str, str] = {}
    for name, of in dimensions.items():
        if isinstance(of, str) or not len(of):
            raise ParameterError(f"The dimension {name!r} takes a list of items.")
        for item in of:
            if item not in items:
                raise ParameterError(f"The dimension {name!r} names {item!r}; items: {listed(items, 300)}.")
            if item in found:
                raise ParameterError(f"The item {item!r} is in {found[item]!r} and again in {name!r}.")
            found[item] = name
    return found


def _shares(weights: Mapping[str, float] | None, dimensions: Dimensions) -> dict[str, float]:
    """Weights of the dimensions that add up to 1."""
    if weights is None:
        return dict.fromkeys(dimensions, 1 / max(len(dimensions), 1))
    values = {name: float(weight) for name, weight in dict(weights).items()}
    if set(values) != set(dimensions) or min(values.values()) < 0 or sum(values.values()) <= 0:
        raise ParameterError(
            f"weights gives each dimension one number from 0 on: {listed(dimensions) or 'there are none'}."
        )
    total = sum(values.values())
    return {name: values[name] / total for name in dimensions}


def _mixed(expected: pd.DataFrame, perceived: pd.DataFrame, mixes: np.ndarray, level: float) -> pd.DataFrame:
    """Means, gaps and intervals of weighted sums of items, one row per mix."""
    gap = (perceived - expected).to_numpy()
    pairs = ~np.isnan(gap)
    n = pairs.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        e, p, g = (np.nansum(part, axis=0) / n for part in (expected.to_numpy(), perceived.to_numpy(), gap))
        # What each respondent adds to the gap of each item beyond its mean; items of one person go together.
        beyond = np.where(pairs, (gap - g) / n, 0.0)
    takes_part = (pairs.astype(float) @ (mixes > 0).T.astype(float) > 0).sum(axis=0)
    used = np.where(mixes > 0, mixes, 0.0)
    sums = [np.where(mixes > 0, used * side, 0.0).sum(axis=1) for side in (e, p, g)]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = ((beyond @ mixes.T) ** 2).sum(axis=0) * takes_part / (takes_part - 1)
    low, high = mean_interval(sums[2], variance * takes_part, takes_part, level)
    return pd.DataFrame({
        "expectation": sums[0], "perception": sums[1], "gap": sums[2], "low": low, "high": high,
        "n": takes_part,
    })  # fmt: skip


def importance_performance(
    importance: pd.DataFrame | pd.Series,
    performance: pd.DataFrame | pd.Series,
    cut: tuple[float, float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Where to improve first: how important attributes are against how well they are done.

    Parameters
    ----------
    importance, performance
        Either one row per respondent and one column per attribute, whose means are taken; or one number
        per attribute, such as the weights of a driver analysis. The same attributes in both.
    cut
        Importance and performance from which on an attribute counts as high; the means over the
        attributes if not given. These are relative: half of a good service lies below its mean.

    Returns
    -------
    DataFrame
        Indexed by `attribute`, first the quadrants in this order and in them the most important first:
        `quadrant` (``"concentrate here"``: important, done badly; ``"keep up the good work"``;
        ``"low priority"``; ``"possible overkill"``: done well, matters little), `importance`,
        `performance`, `low` and `high` of the performance (Student's; missing without respondents), `n`,
        and `clear`: whether that interval leaves the cut out (missing without respondents).
        ``.attrs["cut"]`` is the cut.

    Raises
    ------
    ParameterError
        If the attributes differ, there is only one, or an attribute has no number.

    References
    ----------
    J. A. Martilla and J. C. James (1977), Importance-performance analysis, Journal of Marketing 41(1),
    77-79.

    Examples
    --------
    >>> matters = pd.Series({"web": 3, "price": 6, "speed": 7})
    >>> done = pd.Series({"web": 2, "price": 5, "speed": 3})
    >>> importance_performance(matters, done)["quadrant"].to_dict()
    {'speed': 'concentrate here', 'price': 'keep up the good work', 'web': 'low priority'}
    """
    weight, rated = (_means(side, level) for side in (importance, performance))
    if sorted(map(str, weight.index)) != sorted(map(str, rated.index)) or not weight.index.is_unique:
        raise ParameterError("Importance and performance are about the same attributes, each once.")
    table = rated.assign(importance=weight["mean"]).rename(columns={"mean": "performance"})
    if len(table) < 2:
        raise ParameterError("An importance-performance analysis takes two attributes or more.")
    without = table.index[table[["importance", "performance"]].isna().any(axis=1)]
    if len(without):
        raise ParameterError(f"These attributes have no number on one side: {listed(without, 200)}.")
    at = cut or (float(table["importance"].mean()), float(table["performance"].mean()))
    important, good = table["importance"] >= at[0], table["performance"] >= at[1]
    names = ["concentrate here", "keep up the good work", "low priority", "possible overkill"]
    place = np.select([important & ~good, important & good, ~important & ~good], [0, 1, 2], 3)
    clear = ((table["low"] > at[1]) | (table["high"] < at[1])).astype("boolean")
    table = table.assign(
        quadrant=[names[each] for each in place], clear=clear.mask(table["low"].isna()), _place=place
    )
    table = table.sort_values(["_place", "importance"], ascending=[True, False], kind="stable")
    table = table[["quadrant", "importance", "performance", "low", "high", "n", "clear"]]
    table = table.rename_axis("attribute")
    table.attrs["cut"] = at
    return table


def _means(side: pd.DataFrame | pd.Series, level: float) -> pd.DataFrame:
    if isinstance(side, pd.Series):
        numbers = as_answers(side.to_frame("mean"))
        return numbers.assign(low=np.nan, high=np.nan, n=pd.array([pd.NA] * len(side), dtype="Int64"))
    given = as_answers(side)
    low, high = mean_interval(given.mean(), given.var(), given.count(), level)
    return pd.DataFrame({"mean": given.mean(), "low": low, "high": high, "n": given.count().astype("Int64")})


def relational_benefits(
    items: pd.DataFrame,
    benefits: Dimensions,
    scale: tuple[float, float] = (1, 7),
    minimum_share: float = 0.5,
    level: float = 0.95,
) -> pd.DataFrame:
    """What customers have from a lasting relationship, beyond the service itself: one index per benefit.

    The benefits of the field are confidence (less doubt, trust), social (being known, friendship) and
    special treatment (better prices, faster service). Their indices are those of `index_score`, from
    0 to 100; the intervals are of the mean over respondents, whatever the reliability of the index.

    Parameters
    ----------
    items
        One row per respondent, one column per item.
    benefits
        Items of each benefit: ``{"confidence": [...], "social": [...], "special treatment": [...]}``.
    scale, minimum_share
        As `index_score` takes them.

    Returns
    -------
    DataFrame
        Indexed by `benefit`, in the order given: `items` (how many), `value`, `low`, `high` (Student's,
        cut off at 0 and 100), `n` (respondents with an index), `left_out` (who answered too few items).

    Raises
    ------
    ParameterError
        If a benefit names an unknown item or one of another benefit, or an answer lies outside the scale.

    References
    ----------
    K. P. Gwinner, D. D. Gremler and M. J. Bitner (1998), Relational benefits in services industries: the
    customer's perspective, Journal of the Academy of Marketing Science 26, 101-114.

    Examples
    --------
    >>> answers = pd.DataFrame({"trust": [7, 6, 7], "known": [4, 4, 1], "discount": [1, 2, 3]})
    >>> groups = {"confidence": ["trust"], "social": ["known"], "special treatment": ["discount"]}
    >>> relational_benefits(answers, groups)["value"].round(1).to_dict()
    {'confidence': 94.4, 'social': 33.3, 'special treatment': 16.7}
    """
    if not benefits:
        raise ParameterError("benefits names the items of each benefit, such as {'confidence': [...]}.")
    _of_item(benefits, list(items.columns))
    rows = {}
    for name, of in benefits.items():
        index = index_score(items[list(of)], scale, minimum_share=minimum_share)
        n, mean = int(index.count()), index.mean()
        low, high = np.clip(mean_interval(mean, index.var(), n, level), 0, 100)
        rows[name] = {"items": len(of), "value": mean, "low": float(low), "high": float(high), "n": n,
                      "left_out": index.attrs["left_out"]}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("benefit")
