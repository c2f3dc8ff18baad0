"""Drift: how far customers of one day differ from those of another, and who moved between segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.customers.clustering import as_numbers

if TYPE_CHECKING:
    from crmlab.mining.customers.segments import Segmentation

#: Stability indices from which a distribution counts as somewhat shifted, and as shifted.
SOMEWHAT, SHIFTED = 0.1, 0.25
VERDICTS = ("stable", "somewhat shifted", "shifted")
_BINS = 10


class Drift(NamedTuple):
    """What changed from one day to another; see `segment_drift`."""

    columns: pd.DataFrame
    shares: pd.DataFrame
    moves: pd.DataFrame


def segment_drift(
    before: pd.DataFrame, after: pd.DataFrame, segmentation: Segmentation | None = None
) -> Drift:
    """Compare the customers of two days: their columns, their segments, and their moves.

    Parameters
    ----------
    before, after
        Profiles, indexed by customer.
    segmentation
        Says the segment of each customer on either day; the column `segment` of the profiles does if
        it is not given.

    Returns
    -------
    Drift
        `columns`: indexed by `column`, those of both profiles that hold numbers or categories: `psi`,
        the population stability index, and `verdict` (``"stable"`` below 0.1, ``"somewhat shifted"``
        below 0.25, ``"shifted"``), the greatest first. `shares`: indexed by `segment`, `before`,
        `after` (0 to 1) and `part`, what the segment adds to the index of the segments, which is
        ``.attrs["psi"]``. `moves`: customers of both days by segment before (rows) and after.

    Examples
    --------
    >>> before = pd.DataFrame({"segment": [1, 1, 2]}, index=["a", "b", "c"])
    >>> after = pd.DataFrame({"segment": [1, 2, 2, 1]}, index=["a", "b", "c", "d"])
    >>> segment_drift(before, after).moves.values.tolist()
    [[1, 1], [0, 1]]
    """
    if segmentation is None:
        if "segment" not in before or "segment" not in after:
            raise ParameterError("Both profiles need a column segment, or give the segmentation.")
        first, second = before["segment"], after["segment"]
    else:
        first, second = segmentation.assign(before), segmentation.assign(after)
    names = sorted(set(first.dropna()) | set(second.dropna()))
    if segmentation is not None:
        names = segmentation.segments.index.tolist()
    counts = [
        part.value_counts().reindex(names, fill_value=0).to_numpy(dtype=float) for part in (first, second)
    ]
    parts = _parts(*counts)
    shares = pd.DataFrame(
        {"before": counts[0] / max(counts[0].sum(), 1), "after": counts[1] / max(counts[1].sum(), 1),
         "part": parts}, index=pd.Index(names, name="segment"),
    )  # fmt: skip
    shares.attrs["psi"] = float(parts.sum())
    return Drift(_columns(before, after), shares, moves_between(first, second, names))


def moves_between(before: pd.Series, after: pd.Series, names: list[str]) -> pd.DataFrame:
    """How many of the customers who have both went from which segment (rows) to which (columns)."""
    both = pd.DataFrame({"before": before, "after": after}).dropna()
    return pd.crosstab(both["before"], both["after"]).reindex(index=names, columns=names, fill_value=0)


def _columns(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    found = {
        name: population_stability(before[name], after[name])
        for name in before
        if name in after and name != "segment" and not pd.api.types.is_datetime64_any_dtype(before[name])
    }
    psi = pd.Series(found, name="psi", dtype="float64").sort_values(ascending=False, kind="stable")
    verdict = np.select([psi < SOMEWHAT, psi < SHIFTED], VERDICTS[:2], VERDICTS[2])
    return pd.DataFrame({"psi": psi, "verdict": verdict}).rename_axis("column")


def population_stability(before: pd.Series, after: pd.Series) -> float:
    """Population stability index of two samples of one column: 0 if they are distributed alike.

    Numbers are put into the tenths of the first sample (fewer where values are equal), texts by
    value; missing values are a class of their own. With the shares b and a of a class, the index is
    the sum of (a - b) ln(a / b). Half a customer is added to each class, so that none is empty.

    Parameters
    ----------
    before, after
        One value per customer.

    Returns
    -------
    float
        0 or more.

    References
    ----------
    N. Siddiqi (2006), Credit Risk Scorecards, chapter 9. The index is the divergence of H. Jeffreys
    (1946), Proceedings of the Royal Society A 186, 453-461.

    Examples
    --------
    >>> population_stability(pd.Series([1, 2, 3]), pd.Series([3, 2, 1]))
    0.0
    """
    if pd.api.types.is_numeric_dtype(before) and pd.api.types.is_numeric_dtype(after):
        x, y = (as_numbers(part.to_frame("values"), ["values"])[:, 0] for part in (before, after))
        known = x[~np.isnan(x)]
        cuts = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.array([])
        classes = [
            np.where(np.isnan(part), len(cuts) + 1, np.searchsorted(cuts, part, side="left"))
            for part in (x, y)
        ]
        counts = [np.bincount(part.astype(int), minlength=len(cuts) + 2) for part in classes]
    else:
        texts = [part.astype("str").fillna("").value_counts() for part in (before, after)]
        names = sorted(set(texts[0].index) | set(texts[1].index))
        counts = [part.reindex(names, fill_value=0).to_numpy() for part in texts]
    return float(_parts(*counts).sum())


def _parts(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What each class adds to the stability index."""
    there = (before + after) > 0
    b, a = ((part + 0.5 * there) / max((part + 0.5 * there).sum(), 1) for part in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(there, (a - b) * np.log(a / b), 0.0)
