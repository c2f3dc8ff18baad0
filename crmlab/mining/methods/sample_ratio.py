"""Whether groups have the sizes that the draw was to give them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError


class SampleRatio(NamedTuple):
    """Sizes against planned shares: expected sizes, chi-square statistic, degrees of freedom, p-value."""

    expected: np.ndarray
    statistic: float
    freedom: int
    p: float


def sample_ratio_test(sizes: ArrayLike, shares: ArrayLike | None = None) -> SampleRatio:
    """Pearson's chi-square test of group sizes against planned shares.

    A mismatch says that rows were lost or doubled on the way, not evenly over the groups; then no
    difference between the groups can be trusted. As each test is to be run on every experiment, it is
    usual to raise the alarm only below 0.001. It holds for one look; whoever looks again and
    again needs a sequential test.

    Parameters
    ----------
    sizes
        Number of members of each group.
    shares
        Planned share of each, or any numbers in the same ratio; all alike if not given.

    Raises
    ------
    ParameterError
        If there are fewer than two groups, a size is negative or no whole number, a share is not positive,
        or there are not as many shares as sizes.

    References
    ----------
    K. Pearson (1900), Philosophical Magazine 50, 157-175. A. Fabijan et al. (2019), Diagnosing sample ratio
    mismatch in online controlled experiments, KDD, 2156-2164.

    Examples
    --------
    >>> found = sample_ratio_test([821_588, 815_482])
    >>> round(found.statistic, 2), round(found.p, 8)
    (22.77, 1.82e-06)
    """
    from scipy.special import chdtrc

    sizes = np.asarray(sizes, dtype=float)
    shares = np.ones(len(sizes)) if shares is None else np.asarray(shares, dtype=float)
    if sizes.ndim != 1 or len(sizes) < 2:
        raise ParameterError("Sizes of two groups or more are needed.")
    if not ((sizes >= 0) & (sizes % 1 == 0)).all():
        raise ParameterError(f"Sizes of groups are whole numbers from 0, not {sizes.tolist()}.")
    if len(shares) != len(sizes):
        raise ParameterError(f"There are {len(sizes)} sizes of groups but {len(shares)} shares.")
    if not ((shares > 0) & np.isfinite(shares)).all():
        raise ParameterError(
            f"Planned shares are above 0, not {shares.tolist()}; leave out groups without one."
        )
    expected = sizes.sum() * shares / shares.sum()
    if not sizes.sum():
        return SampleRatio(expected, np.nan, len(sizes) - 1, np.nan)
    statistic = float(((sizes - expected) ** 2 / expected).sum())
    return SampleRatio(expected, statistic, len(sizes) - 1, float(chdtrc(len(sizes) - 1, statistic)))
