"""Special functions of the models, with their slopes, exact where the textbook forms cancel or break down."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FAR = 1 / 300  # ratio of scales from which the continued fraction loses digits
MANY = 60  # steps from which the integral is faster
STEP = 0.15  # of the trapezoidal rule
BLOCK = 1024  # pairs worked on at once; their arrays stay in the cache


class First(NamedTuple):
    """Log of the chance that leaving comes first, and its slopes in a, s and log z."""

    log: np.ndarray
    in_a: np.ndarray
    in_s: np.ndarray
    in_log_z: np.ndarray


def leaves_first(a: np.ndarray, s: float, z: np.ndarray) -> First:
    """Chance that one Lomax time, shape s and scale z, ends before another, shape a and scale 1.

    A customer whose rate of buying is gamma (a, 1) and whose rate of leaving is gamma (s, z) leaves
    before he buys again with the chance

        g = s times the integral over w > 0 of (1 + z w)^-a (1 + w)^-(s + 1)
          = s / (a + s) 2F1(1, a; a + s + 1; 1 - z)
          = s / (a + s) / z 2F1(1, s + 1; a + s + 1; 1 - 1 / z).

    Of the two series the one whose argument lies between 0 and 1 has positive terms only. Gauss's
    continued fraction sums it, and where z is very small or large the integral is taken instead.
    """
    a, z = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(z, dtype=float))
    below = z <= 1
    apart = np.where(below, z, 1 / z)  # how far apart the scales are, 0 to 1
    b, c, y = np.where(below, a, s + 1), a + s + 1, np.maximum(1 - apart, 1e-140)
    steps = np.where(apart > FAR, _steps(b, c, y), MANY)
    order = np.argsort(steps, kind="stable")
    cut = int(np.searchsorted(steps[order], MANY))
    log_f, slopes = np.empty(len(z)), np.empty((3, len(z)))
    for start in range(0, cut, BLOCK):
        rows = order[start : min(start + BLOCK, cut)]
        log_f[rows], slopes[:, rows] = _gauss(b[rows], c[rows], y[rows], int(steps[rows[-1]]))
    in_b, in_c, in_log_y = slopes
    found = np.array([
        np.log(s / (a + s)) - np.where(below, 0, np.log(z)) + log_f,
        in_c - 1 / (a + s) + np.where(below, in_b, 0),
        in_c + a / (s * (a + s)) + np.where(below, 0, in_b),
        np.where(below, -apart, apart) * in_log_y / y - ~below,
    ])  # fmt: skip
    for start in range(cut, len(z), BLOCK):
        rows = order[start : start + BLOCK]
        found[:, rows] = _by_integral(a[rows], s, z[rows])
    return First(*found)


def leaves_first_of_pairs(
    a: np.ndarray, s: float, z: np.ndarray, of_a: np.ndarray, of_z: np.ndarray
) -> First:
    """`leaves_first` for the pairs ``a[of_a]``, ``z[of_z]`` of some shapes and scales.

    As functions of log z the log of g and its slopes have no singularity nearer than pi i, so that a
    polynomial through few places holds them to rounding. Where the pairs are many more than those
    places, they are read off the polynomials.
    """
    from numpy.polynomial.chebyshev import chebpts1, chebvander

    log_z = np.log(z)
    middle, half = (log_z.max() + log_z.min()) / 2, max(np.ptp(log_z) / 2, 1e-9)
    size = 4 + int(34 / np.arcsinh(np.pi / half))  # errors fall by exp(arcsinh(pi / half)) with each place
    if 2 * size * len(a) > len(of_a):
        return leaves_first(a[of_a], s, z[of_z])
    places = chebpts1(size)
    found = np.array(leaves_first(np.repeat(a, size), s, np.tile(np.exp(middle + half * places), len(a))))
    basis = chebvander(places, size - 1)
    basis[:, 0] /= 2
    coefficients = (found.reshape(-1, size) @ basis * (2 / size)).reshape(4, len(a), size)
    terms = chebvander((log_z - middle) / half, size - 1)
    result = np.empty((4, len(of_a)))
    for one, rows in enumerate(np.split(np.argsort(of_a, kind="stable"), np.cumsum(np.bincount(of_a))[:-1])):
        result[:, rows] = coefficients[:, one] @ terms[of_z[rows]].T
    return First(*result)


def _steps(b: np.ndarray, c: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Steps of two links each that the continued fraction needs, or a few more.

    Each step shrinks the error by a factor that grows with the place n towards its limit, so that
    the factor in the middle, taken for all steps, is on the safe side.
    """
    steps = 17 / np.log((1 + np.sqrt(1 - y)) ** 2 / y)
    for _ in range(2):
        n = steps / 2
        middle = y / (c + 2 * n)
        odd = (b + n) * (c - 1 + n) / (c - 1 + 2 * n) * middle
        even = (n + 1) * (c - b + n) / (c + 1 + 2 * n) * middle
        rest = 1 - odd - even
        root = np.sqrt(np.maximum(rest**2 - 4 * odd * even, 0))
        factor = np.maximum((rest + root) ** 2 / (4 * odd * even), 1.0001)
        steps = np.minimum(steps, 34 / np.log(factor))
    return np.minimum(np.ceil(steps) + 2, MANY)


def _gauss(b: np.ndarray, c: np.ndarray, y: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Log of 2F1(1, b; c; y) for 0 < y < 1, and its slopes in b, c and log y.

    The continued fraction 1 / (1 - k1 y / (1 - k2 y / ...)) is worked out from its far end, whose
    value is known as the k go to 1/4.
    """
    n = np.arange(steps)[:, None]
    # The odd places 2 n + 1 come before the even places 2 n + 2.
    up, down, odd = b + n, c - b + n, c - 1 + n
    inverse = 1 / (c + np.arange(-1, 2 * steps)[:, None])
    first, second, third = inverse[:-2:2], inverse[1::2], inverse[2::2]
    k, in_log = np.empty((steps, 2, len(y))), np.empty((steps, 2, 2, len(y)))
    k[:, 0], k[:, 1] = up * odd * first * second * y, (n + 1) * down * second * third * y
    # Slopes of log k y in b and c; that in log y is 1.
    in_log[:, 0, 0], in_log[:, 0, 1] = 1 / up, 1 / odd - first - second
    in_log[:, 1, 0] = -1 / down
    in_log[:, 1, 1] = -in_log[:, 1, 0] - second - third
    k, in_log = k.reshape(2 * steps, -1), in_log.reshape(2 * steps, 2, -1)
    root = np.sqrt(1 - y)
    tail, slopes = (1 + root) / 2, np.zeros((3, len(y)))
    slopes[2] = -y / (4 * root)
    for place in range(2 * steps - 1, -1, -1):
        slopes /= tail
        slopes[:2] -= in_log[place]
        slopes[2] -= 1
        share = k[place] / tail
        slopes *= share
        tail = 1 - share
    return -np.log(tail), -slopes / tail


def _by_integral(a: np.ndarray, s: float, z: np.ndarray) -> np.ndarray:
    """The integral over the log of the time that runs slower, by the trapezoidal rule.

    With h = log(1 + w) and c = log(1 + z w) the integrand is exp(-s h - a c); the substitution
    exp(u - exp(-u)) makes it fall doubly exponentially on both sides.
    """
    above = z > 1
    with np.errstate(divide="ignore"):
        scale = np.where(above, 1 / (s + a * z), z / (1 + s + a * z))
    end = np.log(42 / (a + s) / scale).max()
    u = np.arange(-3.7, end + STEP, STEP)
    node = np.exp(u - np.exp(-u))
    slow = scale[:, None] * node
    grown = -np.expm1(-slow)
    ratio = np.where(above, z, 1 / z)[:, None] - 1
    fast = slow + np.log1p(ratio * grown)
    h, c = np.where(above[:, None], slow, fast), np.where(above[:, None], fast, slow)
    weight = np.exp(-s * h - a[:, None] * c) * (node * (1 + np.exp(-u)) * STEP)
    # Below 1 the sum runs over c, and h moves with it.
    weight *= np.where(above[:, None], 1, (1 + ratio) / (1 + ratio * grown))
    total = weight.sum(axis=1)
    log = np.log(s * scale * total)
    in_a, in_s = -(weight * c).sum(axis=1) / total, 1 / s - (weight * h).sum(axis=1) / total
    return np.array([log, in_a, in_s, a * (weight * np.expm1(-c)).sum(axis=1) / total])


def discounted_time(s: float, k: np.ndarray) -> np.ndarray:
    """k^s U(s, s, k), with Tricomi's confluent hypergeometric function U.

    The same as k times the integral over w > 0 of exp(-k w) (1 + w)^-s: the discounted time until
    a customer leaves, whose rate of leaving is gamma (s, k), at a discount rate of 1.
    """
    scale = 1 / (k + s)
    u = np.arange(-3.7, np.log(42 / (k * scale)).max(initial=0) + STEP, STEP)
    node = np.exp(u - np.exp(-u))
    w = scale[:, None] * node
    weight = np.exp(-k[:, None] * w - s * np.log1p(w)) * (node * (1 + np.exp(-u)) * STEP)
    return k * scale * weight.sum(axis=1)


def beta_quadrature(a: float, b: float, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Places and weights whose weighted sums are means over a beta distribution.

    Exact for polynomials up to the degree 2 `size` - 1, however large a and b are.

    Notes
    -----
    Golub and Welsch (1969): the places are the eigenvalues of the matrix of the recurrence of the Jacobi
    polynomials, moved from [-1, 1] to [0, 1], whose terms are all positive here.

    Examples
    --------
    >>> places, weights = beta_quadrature(2.0, 3.0)
    >>> round(float(weights @ places), 12), round(float(weights @ places**2), 12)
    (0.4, 0.2)
    """
    from scipy.linalg import eigh_tridiagonal

    n, s = np.arange(1.0, size), a + b - 2
    middle = (2 * n * (n + s + 1) + s * a) / ((2 * n + s) * (2 * n + s + 2))
    side = n * (n + b - 1) * (n + a - 1) / ((2 * n + s) ** 2 * (2 * n + s + 1))
    side[1:] *= (n[1:] + s) / (2 * n[1:] + s - 1)
    places, vectors = eigh_tridiagonal(np.append(a / (a + b), middle), np.sqrt(side))
    return places, vectors[0] ** 2
