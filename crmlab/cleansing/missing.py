"""Missing data: what is missing together, whether it is missing by chance, and filling in on request.

Nothing here runs on its own account: cleansing leaves gaps as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from crmlab.engine import need_columns
from crmlab.errors import ParameterError

if TYPE_CHECKING:
    import ibis

    from crmlab.cleansing.ledger import Ledger

Method = Literal["mean", "median", "most frequent", "knn", "iterative"]

#: How methods are told in the ledger.
_RULES = {
    "mean": "mean of the column",
    "median": "median of the column",
    "most frequent": "most frequent value of the column",
    "knn": "mean of the nearest rows",
    "iterative": "drawn by chained equations",
}
#: Least eigenvalue of a correlation matrix whose columns do not determine one another.
_SINGULAR = 1e-6


class MissingPattern(NamedTuple):
    """What is missing in a table.

    Attributes
    ----------
    patterns : DataFrame
        One row per set of columns that are missing together, most frequent first: `missing` (the
        columns' names, none for complete rows), `rows` and `share` of all rows.
    columns : DataFrame
        One row per column, in the table's order: `rows` in which it is missing, and their `share`.
    """

    patterns: pd.DataFrame
    columns: pd.DataFrame


class MCARTest(NamedTuple):
    """Little's test; see `little_mcar_test`."""

    statistic: float
    degrees_of_freedom: int
    p_value: float
    patterns: int
    rows: int


def missing_pattern(data: pd.DataFrame | ibis.Table) -> MissingPattern:
    """Count which columns are missing together.

    Parameters
    ----------
    data : DataFrame or ibis table
        Any table; of an ibis table only the counts leave the engine.

    Returns
    -------
    MissingPattern

    Examples
    --------
    >>> frame = pd.DataFrame({"city": ["Rom", None, None], "email": ["a@b.it", None, None]})
    >>> missing_pattern(frame).patterns["missing"].tolist()
    [('city', 'email'), ()]
    >>> missing_pattern(frame).columns["rows"].to_dict()
    {'city': 2, 'email': 2}
    """
    names = [str(name) for name in data.columns]
    if isinstance(data, pd.DataFrame):
        flags, which = _distinct(data.isna().to_numpy(dtype=bool))
        counts = np.bincount(which, minlength=len(flags))
    else:
        flags, counts = _count_in_engine(data)
    # Equally frequent patterns: fewest gaps first, then in the order of the columns.
    order = np.lexsort((*~flags.T[::-1], flags.sum(axis=1), -counts))
    flags, counts = flags[order], counts[order]
    patterns = pd.DataFrame(
        {
            "missing": pd.Series([tuple(np.compress(row, names).tolist()) for row in flags], dtype="object"),
            "rows": counts.astype("int64"),
        }
    )
    rows = max(int(counts.sum()), 1)
    columns = pd.DataFrame(
        {"rows": (flags * counts[:, None]).sum(axis=0)}, index=pd.Index(names, name="column")
    )
    return MissingPattern(*(frame.assign(share=frame["rows"] / rows) for frame in (patterns, columns)))


def _distinct(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows of a matrix of flags, in order, and which of them each row is."""
    which = np.zeros(len(flags), dtype="int64")
    for start in range(0, flags.shape[1], 32):
        part = flags[:, start : start + 32]
        # Hashing whole numbers is a good deal faster than sorting rows.
        number = part @ (1 << np.arange(part.shape[1], dtype="int64"))
        which = pd.factorize((which << 32) + number)[0]
    first = np.unique(which, return_index=True)[1]
    order = np.lexsort(flags[first].T[::-1]) if len(first) else first
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return flags[first][order], place[which]


def _count_in_engine(table: ibis.Table) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows of flags of an ibis table, and how many rows have them."""
    flags = {}
    for place, name in enumerate(table.columns):
        gap = table[name].isnull()
        flags[f"m{place}"] = gap | table[name].isnan() if table[name].type().is_floating() else gap
    counted = table.select(**flags).group_by(list(flags)).agg(rows=lambda found: found.count()).to_pyarrow()
    columns = [counted[name].to_numpy(zero_copy_only=False).astype(bool) for name in flags]
    return np.column_stack(columns).reshape(-1, len(flags)), counted["rows"].to_numpy()


def little_mcar_test(frame: pd.DataFrame, max_iter: int = 5000, tolerance: float = 1e-8) -> MCARTest:
    """Test whether values are missing completely at random.

    With mean and covariance estimated from all rows by maximum likelihood (EM algorithm, normal
    distribution), the means of the rows with pattern j of missing values are compared with what
    was estimated: d2 = sum over j of n_j (m_j - mu_j)' S_j^-1 (m_j - mu_j), where mu_j and S_j are
    the parts for the columns that pattern j has. If nothing but chance decides what is missing, d2
    is asymptotically chi-square with (sum of the numbers of columns the patterns have) - (number
    of columns) degrees of freedom (R. J. A. Little, "A test of missing completely at random for
    multivariate data with missing values", JASA 83 (1988), 1198-1202, equation 5).

    A small p-value says that what is missing depends on the values; a large one does not prove
    chance. The approximation wants more rows than columns in the frequent patterns.

    Parameters
    ----------
    frame : DataFrame
        Columns of numbers. Rows without any value tell nothing and are left out.
    max_iter, tolerance
        EM ends when no mean or covariance of the standardised columns moves by more than
        `tolerance`.

    Returns
    -------
    MCARTest
        `statistic`, `degrees_of_freedom`, `p_value`, number of `patterns` and of `rows`. Without a
        missing value there is nothing to test: `p_value` is NaN.

    Raises
    ------
    ParameterError
        If a column holds no numbers, fewer than two distinct ones, or infinite ones; if columns
        determine one another or there are too few rows for them; if EM does not settle.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(500, 3)), columns=["a", "b", "c"])
    >>> little_mcar_test(frame.mask(rng.random(frame.shape) < 0.1)).p_value > 0.05
    True
    """
    values = _numbers(frame, list(frame.columns), "Little's test")
    for place, name in enumerate(frame.columns):
        if len(np.unique(values[~np.isnan(values[:, place]), place])) < 2:
            raise ParameterError(
                f"The column {name} has fewer than two distinct values, so that nothing can be told from "
                "it; leave it out."
            )
    values = values[~np.isnan(values).all(axis=1)]
    count, width = values.shape
    values = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    patterns = _by_pattern(values)
    if len(patterns) == 1:
        return MCARTest(0.0, 0, float("nan"), 1, count)
    try:
        mean, covariance = _estimate(patterns, width, max_iter, tolerance)
        scale = np.sqrt(np.diag(covariance))
        correlations = covariance / np.outer(scale, scale)
        if not min(np.linalg.eigvalsh(correlations[np.ix_(p.has, p.has)])[0] for p in patterns) > _SINGULAR:
            raise np.linalg.LinAlgError
    except np.linalg.LinAlgError:
        raise ParameterError(
            f"The columns {', '.join(map(str, frame.columns))} determine one another, or {count:,} rows are "
            "too few for them; leave out columns that follow from others."
        ) from None
    statistic = 0.0
    for pattern in patterns:
        apart = pattern.mean - mean[pattern.has]
        part = covariance[np.ix_(pattern.has, pattern.has)]
        statistic += pattern.rows * float(apart @ np.linalg.solve(part, apart))
    freedom = sum(len(pattern.has) for pattern in patterns) - width
    from scipy.special import chdtrc

    return MCARTest(statistic, freedom, float(chdtrc(freedom, statistic)), len(patterns), count)


class _Pattern(NamedTuple):
    """Rows that have the same columns: which ones, how many rows, their means and scatter."""

    has: np.ndarray
    lacks: np.ndarray
    rows: int
    mean: np.ndarray
    scatter: np.ndarray


def _by_pattern(values: np.ndarray) -> list[_Pattern]:
    kinds, which = _distinct(np.isnan(values))
    found = []
    sorted_rows = np.split(values[np.argsort(which, kind="stable")], np.cumsum(np.bincount(which))[:-1])
    for gaps, rows in zip(kinds, sorted_rows, strict=True):
        has = np.flatnonzero(~gaps)
        rows = rows[:, has]
        mean = rows.mean(axis=0)
        scatter = (rows - mean).T @ (rows - mean)
        found.append(_Pattern(has, np.flatnonzero(gaps), len(rows), mean, scatter))
    return found


def _estimate(
    patterns: list[_Pattern], width: int, max_iter: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance by maximum likelihood: the EM algorithm for a normal distribution.

    Sums over the rows of a pattern are all that it needs of them, so a step takes as long for a
    million rows as for a thousand (Little and Rubin, "Statistical analysis with missing data",
    3rd ed. 2019, section 11.2).
    """
    mean, covariance = np.zeros(width), np.eye(width)
    count = sum(pattern.rows for pattern in patterns)
    for _ in range(max_iter):
        means, scatter = np.zeros((len(patterns), width)), np.zeros((width, width))
        for place, (has, lacks, rows, observed, spread) in enumerate(patterns):
            across = covariance[np.ix_(lacks, has)]
            slope = np.linalg.solve(covariance[np.ix_(has, has)], across.T).T
            means[place, has] = observed
            means[place, lacks] = mean[lacks] + slope @ (observed - mean[has])
            rest = covariance[np.ix_(lacks, lacks)] - slope @ across.T
            scatter[np.ix_(has, has)] += spread
            scatter[np.ix_(lacks, has)] += slope @ spread
            scatter[np.ix_(has, lacks)] += spread @ slope.T
            scatter[np.ix_(lacks, lacks)] += slope @ spread @ slope.T + rows * rest
        weights = np.array([pattern.rows for pattern in patterns])
        new_mean = weights @ means / count
        new_covariance = (scatter + (means - new_mean).T * weights @ (means - new_mean)) / count
        moved = max(np.abs(new_mean - mean).max(), np.abs(new_covariance - covariance).max())
        mean, covariance = new_mean, new_covariance
        if moved < tolerance:
            return mean, covariance
    raise ParameterError(
        f"The estimate does not settle within {max_iter:,} steps: too much is missing. Leave out the "
        "columns with most gaps, or raise max_iter."
    )


def impute(
    frame: pd.DataFrame,
    columns: Sequence[str],
    method: Method = "median",
    *,
    predictors: Sequence[str] = (),
    seed: int = 0,
    ledger: Ledger | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fill in missing values, and say for good which ones were.

    Parameters
    ----------
    frame : DataFrame
        Any frame; it is not changed.
    columns
        The columns to fill in; all but ``"most frequent"`` take columns of numbers.
    method
        ``"mean"``, ``"median"`` or ``"most frequent"`` (of equals the smallest) of the column's
        own values; ``"knn"``, the mean of the five nearest rows that have a value, by the
        standardised columns (Troyanskaya et al. 2001); ``"iterative"``, chained equations: each
        column drawn from its Bayesian regression on the others, in ten rounds, within the range
        of its values (van Buuren and Groothuis-Oudshoorn 2011). Only the last keeps spread and
        correlations; drawn with several seeds it gives multiple imputations (Rubin 1987).
    predictors
        Further columns of numbers from which ``"knn"`` and ``"iterative"`` tell the missing ones.
    seed
        Of the draws of ``"iterative"``.
    ledger
        Takes an entry ``"imputed"`` per cell; `frame` is indexed by position in its lineage.

    Returns
    -------
    frame, imputed : DataFrame
        `frame` with the gaps of `columns` filled in and a column ``<column>_imputed`` of booleans
        for each; and these booleans alone, under the names of `columns`. What an earlier call
        filled in stays marked. Whole numbers stay whole: they are rounded.

    Raises
    ------
    TableError
        If a column is missing.
    ParameterError
        If the method is unknown, or a column has no value or is not of numbers.

    Examples
    --------
    >>> filled, imputed = impute(pd.DataFrame({"age": [30.0, None, 50.0]}), ["age"])
    >>> filled.to_dict("list")
    {'age': [30.0, 40.0, 50.0], 'age_imputed': [False, True, False]}
    """
    columns = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
    if method not in _RULES:
        raise ParameterError(f"method is one of {', '.join(map(repr, _RULES))}, not {method!r}.")
    need_columns(frame, [*columns, *predictors], "Tables to fill in")
    for name in columns:
        if frame[name].isna().all():
            raise ParameterError(f"The column {name} has no value from which its gaps could be told.")
    if method in ("knn", "iterative"):
        used = list(dict.fromkeys([*columns, *predictors]))
        numbers = _numbers(frame, used, f"method={method!r}")
        filled = dict(zip(used, _from_other_columns(numbers, method, seed).T, strict=True))
    elif method == "most frequent":
        filled = {name: frame[name].mode().iloc[0] for name in columns}
    else:
        numbers = _numbers(frame, columns, f"method={method!r}")
        middle = np.nanmean if method == "mean" else np.nanmedian
        filled = dict(zip(columns, middle(numbers, axis=0), strict=True))
    result, marks = frame.copy(), {}
    for name in columns:
        gaps, values = frame[name].isna(), filled[name]
        if method != "most frequent" and pd.api.types.is_integer_dtype(frame[name]):
            values = np.rint(values).astype("int64")
        values = values[gaps.to_numpy()] if isinstance(values, np.ndarray) and values.ndim else values
        result.loc[gaps, name] = values
        if ledger is not None:
            nothing = pd.Series(pd.NA, index=frame.index, dtype="str")
            ledger.cells("imputed", _RULES[method], name, gaps, nothing, result[name].astype("str"))
        marks[name] = gaps | frame[f"{name}_imputed"].astype(bool) if f"{name}_imputed" in frame else gaps
    imputed = pd.DataFrame(marks, index=frame.index)
    return result.assign(**imputed.add_suffix("_imputed")), imputed


def _from_other_columns(numbers: np.ndarray, method: str, seed: int) -> np.ndarray:
    """All cells, the missing ones told from the other columns of their row."""
    centre, scale = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    scale[scale == 0] = 1
    standard = (numbers - centre) / scale
    if method == "knn":
        from sklearn.impute import KNNImputer

        imputer = KNNImputer()
    else:
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer

        imputer = IterativeImputer(
            sample_posterior=True,
            random_state=seed,
            min_value=np.nanmin(standard, axis=0),
            max_value=np.nanmax(standard, axis=0),
        )
    return imputer.fit_transform(standard) * scale + centre


def _numbers(frame: pd.DataFrame, names: Sequence[str], what: str) -> np.ndarray:
    """Columns as one matrix of floats, missing values as NaN."""
    for name in names:
        values = frame[name]
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            raise ParameterError(f"{what} takes columns of numbers; {name} is of type {values.dtype}.")
        if np.isinf(values.to_numpy(dtype="float64", na_value=np.nan)).any():
            raise ParameterError(f"{what} takes finite numbers; {name} holds infinite ones.")
    return frame[list(names)].to_numpy(dtype="float64", na_value=np.nan)
