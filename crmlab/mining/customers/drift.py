"""Drift: how far customers of one day differ from those of another, and who moved between segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.methods.stability import (
    SHIFTED,
    SOMEWHAT,
    STABILITY_VERDICTS,
    population_stability,
    stability_parts,
)

if TYPE_CHECKING:
    from crmlab.mining.customers.segments import Segmentation


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
    parts = stability_parts(*counts)
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
    verdict = np.select([psi < SOMEWHAT, psi < SHIFTED], STABILITY_VERDICTS[:2], STABILITY_VERDICTS[2])
    return pd.DataFrame({"psi": psi, "verdict": verdict}).rename_axis("column")
