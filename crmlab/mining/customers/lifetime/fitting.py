"""Maximum likelihood over positive parameters and coefficients: the search, its curvature, its ridges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]

FAR = 11.0  # how far a log-parameter may go from its start; e^11 is sixty thousand
FLAT = 2.0  # standard error of a log-parameter from which it counts as hardly determined


@dataclass(frozen=True)
class Optimum:
    """Where a search ended, in log-parameters (or what `basis` makes them from).

    Attributes
    ----------
    log_params, log_likelihood
        The place and its height.
    log_covariance
        Inverse of the negative Hessian; NaN in rows and columns of parameters on a ridge.
    gradient
        Largest slope per customer in the free log-parameters.
    converged
        Whether the slope is next to zero, or the optimum less than 1e-4 standard errors away.
    evaluations
        Evaluations over all customers.
    ridge, side
        For each parameter, whether it is on a ridge, and to which end it goes (1, -1, else 0).
    """

    log_params: np.ndarray
    log_likelihood: float
    log_covariance: np.ndarray
    gradient: float
    converged: bool
    evaluations: int
    ridge: np.ndarray
    side: np.ndarray


def maximize(
    log_likelihood: Objective,
    starts: ArrayLike,
    n: float,
    pilots: Sequence[tuple[Objective, float]] = (),
    basis: np.ndarray | None = None,
) -> Optimum:
    """Maximum of a log-likelihood over the logarithms of its parameters.

    Parameters beyond those that have starts are coefficients, searched as they are, from 0.

    BFGS within bounds from all starts, on the first of the pilot samples if there are any, and from
    the best place on the next one; then Newton steps on all
    data; then, where the data leave a direction open, a look at its far end.

    Parameters
    ----------
    log_likelihood
        From parameters to the log-likelihood and its gradient in them.
    starts
        Log-parameters to start from, one row per start.
    n
        Number of customers; the search works on means over them.
    pilots
        The same function over samples, each larger than the one before, and their numbers of customers.
    basis
        Matrix from what is searched to log-parameters and coefficients, where they differ in scale
        or hang together.
    """
    starts = np.asarray(starts, dtype=float)
    positive = starts.shape[1]
    basis = np.eye(positive) if basis is None else basis
    starts = np.pad(starts, ((0, 0), (0, len(basis) - positive)))
    mean = _Mean(log_likelihood, n, positive, basis)
    stages = [_Mean(*pilot, positive, basis) for pilot in pilots] or [mean]
    bounds = np.column_stack([starts.min(axis=0) - FAR, starts.max(axis=0) + FAR])
    place = min((_descend(stages[0], start, bounds) for start in starts), key=lambda found: found[0])[1]
    curvature = _curvature(stages[0], place)
    for stage in [*stages[1:], mean]:
        place, curvature = _polish(stage, place, curvature, bounds)
    # A parameter at its limit shows a ridge already; one on the way there, a direction without curvature.
    for _ in place:
        far = _far_end(mean, place, curvature, bounds)
        if far is None:
            break
        place, curvature = _polish(mean, far, _curvature(mean, far), bounds)
    value, slope = mean(place)
    gone = _held(place, slope, bounds)
    away = place - bounds.mean(axis=1)
    side = np.where(np.abs(away) > FAR / 2, np.sign(away), 0).astype(int)
    ridge = gone | (_open(curvature, n) if gone.any() else False)
    gradient = float(np.abs(slope[~gone]).max(initial=0.0))
    inverse = _inverse(curvature[np.ix_(~gone, ~gone)])
    distance = np.sqrt(slope[~gone] @ inverse @ slope[~gone] * n)  # in standard errors
    converged = bool(gradient < 1e-8 or distance < 1e-4)
    covariance = np.full((len(place), len(place)), np.nan)
    covariance[np.ix_(~gone, ~gone)] = inverse / n
    covariance[ridge] = covariance[:, ridge] = np.nan
    return Optimum(place, -value * n, covariance, gradient, converged, mean.evaluations, ridge, side)


def refit(
    log_likelihood: Objective, params: np.ndarray, covariance: np.ndarray, n: float, positive: int
) -> np.ndarray | None:
    """Maximum close to a known one, as when the weights of customers have changed a little.

    Quasi-Newton steps that begin with the known curvature, until the optimum is less than a
    thousandth of a standard error away; None if they do not get there.

    Parameters
    ----------
    log_likelihood
        From parameters to the log-likelihood and its gradient in them.
    params, covariance
        The known optimum.
    n
        Number of customers.
    positive
        Number of the first parameters that are positive; the others are coefficients.

    Returns
    -------
    ndarray or None
        The parameters.
    """
    basis = np.eye(len(params))
    mean = _Mean(log_likelihood, n, positive, basis)
    scale = np.append(params[:positive], np.ones(len(params) - positive))
    inverse = covariance / np.outer(scale, scale) * n
    place = np.append(np.log(params[:positive]), params[positive:])
    value, slope = mean(place)
    for _ in range(50):
        step = -inverse @ slope
        if -(slope @ step) * n < 1e-6:
            return at(place, positive, basis)[0]
        step *= min(1.0, 1 / np.abs(step).max())
        new_value, new_slope = mean(place + step)
        while new_value > value + 1e-12 * abs(value):
            step /= 4
            if np.abs(step).max() < 1e-9:
                return None
            new_value, new_slope = mean(place + step)
        inverse = _updated(inverse, step, new_slope - slope)
        place, value, slope = place + step, new_value, new_slope
    return None


class _Mean:
    """Negative mean log-likelihood and its gradient, over what is searched."""

    def __init__(self, log_likelihood: Objective, n: float, positive: int, basis: np.ndarray) -> None:
        self.log_likelihood, self.n, self.positive, self.basis = log_likelihood, n, positive, basis
        self.evaluations = 0
        self.latest: tuple[np.ndarray, float, np.ndarray] | None = None

    def __call__(self, place: np.ndarray) -> tuple[float, np.ndarray]:
        if self.latest is None or not np.array_equal(place, self.latest[0]):
            self.evaluations += 1
            params, jacobian = at(place, self.positive, self.basis)
            value, gradient = self.log_likelihood(params)
            self.latest = place.copy(), -value / self.n, -(gradient @ jacobian) / self.n
        return self.latest[1:]


def at(place: np.ndarray, positive: int, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parameters at a place of the search, and how they move with it."""
    params, speed = basis @ place, np.ones(len(place))
    params[:positive] = speed[:positive] = np.exp(params[:positive])
    return params, speed[:, None] * basis


def _descend(mean: _Mean, start: np.ndarray, bounds: np.ndarray) -> tuple[float, np.ndarray]:
    """BFGS within bounds to the neighbourhood of an optimum.

    scipy's bounded L-BFGS finds the same places, but its tiny matrices wake up all threads of the
    linear algebra library, which costs more than the likelihood itself.
    """
    place = np.clip(start, bounds[:, 0], bounds[:, 1])
    value, slope = mean(place)
    inverse, idle = np.eye(len(place)), 0
    for _ in range(300):
        free = ~_held(place, slope, bounds)
        if np.abs(slope[free]).max(initial=0.0) < 1e-4:
            break
        step = np.where(free, -(inverse * np.outer(free, free)) @ slope, 0.0)
        if step @ slope >= 0:
            step = np.where(free, -slope, 0.0)
        step /= max(1.0, np.abs(step).max() / 2)
        for _ in range(30):
            moved = np.clip(place + step, bounds[:, 0], bounds[:, 1]) - place
            new_value, new_slope = mean(place + moved)
            if new_value <= value + 1e-4 * (moved @ slope):
                break
            step *= 0.3
        else:
            break
        turn = new_slope - slope
        if moved @ turn > 1e-12 and np.array_equal(inverse, np.eye(len(place))):
            inverse *= (moved @ turn) / (turn @ turn)
        inverse = _updated(inverse, moved, turn)
        idle = idle + 1 if value - new_value < 1e-14 * abs(value) else 0
        place, value, slope = place + moved, new_value, new_slope
        if idle == 3:
            break
    return value, place


def _updated(inverse: np.ndarray, moved: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """The inverse curvature after a step that turned the slope, by the formula of BFGS."""
    along = moved @ turn
    if not along > 1e-12 * np.abs(moved).max() ** 2:
        return inverse
    left = np.eye(len(moved)) - np.outer(moved, turn) / along
    return left @ inverse @ left.T + np.outer(moved, moved) / along


def _held(place: np.ndarray, slope: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Parameters at a bound that do not push back inside."""
    low, high = place - bounds[:, 0] < 1e-6, bounds[:, 1] - place < 1e-6
    return (low & (slope > -1e-9)) | (high & (slope < 1e-9))


def _curvature(mean: _Mean, place: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Hessian from differences of the exact gradient."""
    columns = []
    for shift in np.eye(len(place)) * step:
        columns.append((mean(place + shift)[1] - mean(place - shift)[1]) / (2 * step))
    matrix = np.array(columns)
    return (matrix + matrix.T) / 2


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse, with curvature that is missing or turned the wrong way taken as next to none."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors / np.maximum(values, 1e-14)) @ vectors.T


def _polish(
    mean: _Mean, place: np.ndarray, curvature: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Newton steps until they are lost in rounding; returns the place and the curvature there.

    A step must lower the value or, where rounding hides that, the slope as the curvature measures it.
    """
    value, slope = mean(place)
    fresh = False
    for _ in range(60):
        free, inverse, step = _newton(place, slope, curvature, bounds)
        gain = slope @ inverse @ slope
        if np.abs(slope[free]).max(initial=0.0) < 1e-11 or gain * mean.n < 1e-16:
            break
        for _ in range(6):
            there = np.clip(place + step, bounds[:, 0], bounds[:, 1])
            new_value, new_slope = mean(there)
            new_gain = new_slope @ inverse @ new_slope
            hidden = abs(new_value - value) < 1e-9 * abs(value)
            better = new_gain < gain if hidden else new_value < value
            if better or not fresh:
                break
            step /= 4
        if not better and fresh:
            break
        if better:
            place, value, slope = there, new_value, new_slope
        fresh = not better or new_gain > 0.05 * gain
        if fresh:
            curvature = _curvature(mean, place)
    return place, _curvature(mean, place)


def _newton(
    place: np.ndarray, slope: np.ndarray, curvature: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters that may move, their inverse curvature, and a step of theirs that stays within the bounds.

    Who would leave at a bound stays there, and the others step without him: on a ridge only the
    ratio of two parameters is steep, and clipping one of them would leave the other beside it.
    """
    free = ~_held(place, slope, bounds)
    low, high = place - bounds[:, 0] < 1e-6, bounds[:, 1] - place < 1e-6
    while True:
        inverse = np.zeros_like(curvature)
        inverse[np.ix_(free, free)] = _inverse(curvature[np.ix_(free, free)])
        step = -inverse @ slope
        out = (low & (step < 0)) | (high & (step > 0))
        if not out.any():
            break
        free &= ~out
    ahead = np.where(step > 0, bounds[:, 1] - place, bounds[:, 0] - place)
    reach = np.divide(ahead, step, out=np.full(len(step), np.inf), where=step != 0)
    return free, inverse, step * min(1.0, 1 / max(np.abs(step).max(), 1e-300), reach.min())


def _open(curvature: np.ndarray, n: float) -> np.ndarray:
    """Parameters that take part in directions along which the log-likelihood hardly bends."""
    values, vectors = np.linalg.eigh(curvature)
    return np.linalg.norm(vectors[:, values * n < FLAT**-2], axis=1) > 0.3


def _far_end(mean: _Mean, place: np.ndarray, curvature: np.ndarray, bounds: np.ndarray) -> np.ndarray | None:
    """Place at the limits, no lower than here, to which a direction without curvature leads."""
    here, slope = mean(place)
    free = ~_held(place, slope, bounds)
    if not free.any():
        return None
    values, vectors = np.linalg.eigh(curvature[np.ix_(free, free)])
    if values[0] * mean.n > FLAT**-2:
        return None
    direction = np.zeros(len(place))
    direction[free] = vectors[:, 0]
    together = np.where(free, _open(curvature, mean.n), 0.0)  # as where only a ratio matters
    found = None
    for line in (direction, -direction, together, -together):
        ahead = np.where(line > 0, bounds[:, 1] - place, bounds[:, 0] - place)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(np.abs(line) > 0.1, ahead / line, np.inf)
        first = int(np.argmin(reach))
        if not np.isfinite(reach[first]):
            continue
        there = np.clip(place + reach[first] * line, bounds[:, 0], bounds[:, 1])
        held = bounds.copy()
        held[first] = there[first]
        value, there = _descend(mean, there, held)
        if value <= here + 1e-6 / mean.n:
            here, found = value, there
    return found


def dot(left: np.ndarray, right: np.ndarray) -> float:
    """Sum of products of long arrays by one thread: waking up the others costs more than they bring."""
    return np.einsum("i,i", left, right)


def weighed_odds(log_odds: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Sum of weight times log of 1 + odds, and the weights of who is in it and who is not.

    It works in few long arrays, as new ones cost more than the arithmetic.
    """
    odds = np.minimum(log_odds, 700)  # beyond it the log of 1 + odds is that of the odds to the last digit
    value = dot(weight, log_odds) - dot(weight, odds) if log_odds.max(initial=0) > 700 else 0.0
    np.exp(odds, out=odds)
    rest = np.log1p(odds)
    value += dot(weight, rest)
    np.add(odds, 1, out=rest)
    np.divide(weight, rest, out=rest)
    odds *= rest
    return value, odds, rest
