"""What may follow a purchase when a customer may leave at any time: silence, or another purchase."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crmlab.mining.customers.lifetime.special import leaves_first_of_pairs


class Moments(NamedTuple):
    """Moments in the life of kinds of customers: after x purchases, a time t after the first.

    `count` and `clock` number the distinct purchases, and the distinct times of each kind, which
    stand first at `first_count` and `first_clock`.
    """

    x: np.ndarray
    t: np.ndarray
    kind: np.ndarray
    count: np.ndarray
    clock: np.ndarray
    first_count: np.ndarray
    first_clock: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, t: np.ndarray, kind: np.ndarray) -> Moments:
        """From purchases, time and kind of customer at each moment."""
        _, first_count, count = np.unique(x, return_index=True, return_inverse=True)
        times, time = np.unique(t, return_inverse=True)
        clocks = kind * len(times) + time
        _, first_clock, clock = np.unique(clocks, return_index=True, return_inverse=True)
        return cls(x, t, kind, count, clock, first_count, first_clock)


class Silence(NamedTuple):
    """Logs of what may follow x purchases until t, and their slopes in r, log alpha, s and log beta.

    `stays`: he is active at t; `never`: he is, and leaves without another purchase; `again`: he is,
    and buys again before he leaves. All up to a factor that depends on r and x alone.
    """

    stays: np.ndarray
    never: np.ndarray
    never_slopes: np.ndarray
    again: np.ndarray
    again_slopes: np.ndarray

    @classmethod
    def at(cls, moments: Moments, r: float, alpha: np.ndarray, s: float, beta: np.ndarray) -> Silence:
        """At all moments, with the scales of each kind of customer."""
        x, t, alpha, beta = moments.x, moments.t, alpha[moments.kind], beta[moments.kind]
        # Logs of 1 + t / alpha stay exact where r and alpha run away together.
        buying, leaving = np.log1p(t / alpha), np.log1p(t / beta)
        end_alpha, end_beta = alpha + t, beta + t
        stays = -(r + x) * buying - s * leaving - x * np.log(alpha)
        slopes = np.array([-buying, (r * t - x * alpha) / end_alpha, -leaving, s * t / end_beta])
        first = leaves_first_of_pairs(
            r + x[moments.first_count], s, (end_beta / end_alpha)[moments.first_clock],
            moments.count, moments.clock,
        )  # fmt: skip
        chance_slopes = np.array([
            first.in_a, -alpha / end_alpha * first.in_log_z, first.in_s, beta / end_beta * first.in_log_z,
        ])  # fmt: skip
        rest = np.maximum(-np.expm1(first.log), 1e-300)
        odds = np.exp(first.log) / rest
        return cls(
            stays, stays + first.log, slopes + chance_slopes,
            stays + np.log(rest), slopes - odds * chance_slopes,
        )  # fmt: skip
