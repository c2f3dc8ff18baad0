"""Shapley's value: what each player of a game adds, averaged over all orders in which they can come."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError


def shapley_values(worth: ArrayLike) -> np.ndarray:
    """Shapley's value of each player, exact, from the worth of all coalitions.

    Parameters
    ----------
    worth
        2^n numbers; that at place k is the worth of the players whose bits are set in k (player i
        has the bit 2^i). The first one is that of nobody.

    Returns
    -------
    ndarray, shape (n,)
        They sum to the worth of all less that of nobody.

    Raises
    ------
    ParameterError
        If the number of coalitions is no power of two.

    References
    ----------
    L. S. Shapley (1953), A value for n-person games, Contributions to the Theory of Games 2, 307-317.

    Examples
    --------
    >>> shapley_values([0, 10, 20, 60]).tolist()
    [25.0, 35.0]
    """
    worth = np.asarray(worth, dtype=float)
    players = len(worth).bit_length() - 1
    if worth.ndim != 1 or len(worth) != 1 << players:
        raise ParameterError(f"A game has 2, 4, 8, ... coalitions, not {worth.size}.")
    sizes = np.bitwise_count(np.arange(len(worth) // 2))
    share = [factorial(s) * factorial(players - 1 - s) / factorial(players) for s in range(players)]
    weights = np.array(share)[sizes] if players else np.array([])
    found = np.empty(players)
    for player in range(players):
        # The others' bits in order: those above the player's, its own, those below.
        sides = worth.reshape(-1, 2, 1 << player)
        added = (sides[:, 1] - sides[:, 0]).ravel()
        found[player] = weights @ added
    return found
