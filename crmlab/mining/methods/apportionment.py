"""A whole number parted in whole parts, in proportion, so that nothing is lost and nothing added."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from crmlab.errors import ParameterError


def apportion(total: int, weights: Sequence[int | float | Fraction]) -> list[int]:
    """Parts of a whole number in proportion to weights, by the method of the largest remainder.

    Each part is within one of its exact share; the parts sum to the total.

    Parameters
    ----------
    total
        What is parted, such as an amount in minor units; it may be negative.
    weights
        One number per part. They may be negative, if they do not sum to 0.

    Returns
    -------
    list of int
        In the order of the weights. Of equal remainders, the one that stands first is rounded up.

    Raises
    ------
    ParameterError
        If there is something to part and the weights sum to 0.

    References
    ----------
    M. L. Balinski and H. P. Young (1982), Fair Representation, chapter 2 (Hamilton's method).

    Examples
    --------
    >>> apportion(100, [1, 1, 1])
    [34, 33, 33]
    """
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares)
    if not whole:
        if total:
            raise ParameterError(f"{total} cannot be parted by weights that sum to 0.")
        return [0] * len(shares)
    return largest_remainder([total * share / whole for share in shares])


def largest_remainder(shares: Sequence[Fraction]) -> list[int]:
    """Shares that sum to a whole number, rounded so that they still do.

    All are rounded down, then those with the largest remainder up; of equals, those that stand first.

    Parameters
    ----------
    shares
        Exact fractions.

    Raises
    ------
    ParameterError
        If they do not sum to a whole number.

    Examples
    --------
    >>> largest_remainder([Fraction(5, 2), Fraction(-1, 4), Fraction(3, 4)])
    [2, 0, 1]
    """
    if (total := sum(shares)) % 1:
        raise ParameterError(f"The shares sum to {float(total):g}, which is no whole number.")
    parts = [floor(share) for share in shares]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - shares[place], place))
    for place in order[: int(total) - sum(parts)]:
        parts[place] += 1
    return parts
