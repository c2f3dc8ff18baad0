"""Staying or leaving at each step, with a chance to leave that is beta distributed over customers.

What BG/BB and the shifted-beta-geometric model have in common. Steps are opportunities or periods;
`leave` and `stay` are the two parameters of the beta distribution.
"""

from __future__ import annotations

import numpy as np

from crmlab.mining.customers.lifetime.gamma_ratios import log_rising


def log_survival(leave: float, stay: float, most: int) -> np.ndarray:
    """Log-probability to be there still after n steps, for n from 0 to `most`.

    Examples
    --------
    >>> np.exp(log_survival(1.0, 1.0, 3)).round(6).tolist()
    [1.0, 0.5, 0.333333, 0.25]
    """
    return log_rising(stay, most + 1)[0] - log_rising(leave + stay, most + 1)[0]


def steps_ahead(leave: float, stay: float, t: int, oldest: int) -> np.ndarray:
    """How many of the next t steps somebody is there for on average, after n steps: n from 0 to `oldest`."""
    log = log_survival(leave, stay, oldest + t)
    return np.array([np.exp(log[n + 1 : n + t + 1] - log[n]).sum() for n in range(oldest + 1)])


def discounted_steps_ahead(leave: float, stay: float, discount_rate: float, oldest: int) -> np.ndarray:
    """The same for all steps to come, the t-th counted as 1 / (1 + discount_rate)^t."""
    from scipy.special import hyp2f1

    n, worth = np.arange(oldest + 1.0), 1 / (1 + discount_rate)
    all_ = leave + stay + n
    return (stay + n) / all_ * worth * hyp2f1(1, stay + n + 1, all_ + 1, worth)
