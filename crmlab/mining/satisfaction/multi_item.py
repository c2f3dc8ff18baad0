"""Multi-item index: several questions about one thing as one number from 0 to 100."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.satisfaction.counts import on_scale


def index_score(
    items: pd.DataFrame,
    scale: tuple[float, float] = (1, 5),
    reverse: Sequence[str] = (),
    minimum_share: float = 0.5,
) -> pd.Series:
    """Mean of each respondent's answers to several items, on a scale from 0 to 100.

    An answer a on a scale from l to h becomes 100 (a - l) / (h - l). The index is the mean of the items
    that the respondent answered, if these are at least `minimum_share` of all; else it is missing. An
    item left out thus counts as the mean of the others: where items differ much in how they are
    answered, ask for all of them (``minimum_share=1``).

    Parameters
    ----------
    items
        One row per respondent, one column per item.
    scale
        Lowest and highest answer, of all items.
    reverse
        Items in which a high answer is bad; they are turned round.
    minimum_share
        Above 0, up to 1.

    Returns
    -------
    Series
        `index_score`, indexed as `items`, 0 worst to 100 best. ``.attrs["left_out"]`` is the number of
        respondents who answered something, but too few items.

    Raises
    ------
    ParameterError
        If there is no item, an answer lies outside the scale, or `reverse` names no item.

    Examples
    --------
    >>> answers = pd.DataFrame({"quick": [5, 4, None], "kind": [4, None, None], "slow": [1, 3, 2]})
    >>> index_score(answers, reverse=["slow"]).round(2).tolist()
    [91.67, 62.5, nan]
    """
    if not 0 < minimum_share <= 1:
        raise ParameterError(f"minimum_share is above 0 and at most 1, not {minimum_share!r}.")
    if not len(items.columns):
        raise ParameterError("An index takes one item or more.")
    unknown = [name for name in reverse if name not in items.columns]
    if unknown:
        raise ParameterError(f"reverse names {unknown[0]!r}, which is none of the items.")
    low, high = scale
    given = pd.DataFrame({name: on_scale(items[name], scale) for name in items}).reindex(items.index)
    given = given.astype(float)
    part = (given - low) / (high - low) * 100
    part[list(reverse)] = 100 - part[list(reverse)]
    answered = part.notna().sum(axis=1)
    enough = answered >= np.ceil(minimum_share * len(part.columns) - 1e-9)
    found = part.mean(axis=1).where(enough & (answered > 0)).rename("index_score")
    found.attrs["left_out"] = int((~enough & (answered > 0)).sum())
    return found
