"""What a response model must not see, and whether what it learnt still holds: leaks and drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, did_you_mean, listed
from crmlab.mining.campaigns.response import response_model, responses_of
from crmlab.mining.methods.intervals import newcombe
from crmlab.mining.methods.probabilities import column_area
from crmlab.mining.methods.stability import SHIFTED, SOMEWHAT, STABILITY_VERDICTS, population_stability

#: A single column that ranks as well as this is looked at for a leak: discrimination that D. W. Hosmer and
#: S. Lemeshow (2000), Applied logistic regression, p. 162, call excellent of a whole model.
EXCELLENT = 0.8
#: A single column that ranks as well as this is taken for a leak without a further look.
TOO_GOOD = 0.98
#: Values of a column at most, for each of them to be looked at.
VALUES = 50


class ResponseDrift(NamedTuple):
    """How customers and their response changed from one time to another; see `response_drift`."""

    rates: pd.DataFrame
    columns: pd.DataFrame
    warnings: tuple[str, ...]


def response_leaks(
    X: pd.DataFrame,
    responded: ArrayLike,
    known_after: Sequence[str] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Columns that seem to be known only after the contact.

    A column is in doubt if one of these holds:

    - the user says so (`known_after`);
    - alone it ranks nearly without fault (AUC above 0.98);
    - alone it ranks as well as a whole model is called excellent for (AUC of 0.8 or more), and it tells
      more than all other columns together: what boosted trees gain in log-likelihood by it, on the half
      of customers they were not learnt from, exceeds what they gain by all the others over the mere
      rate. What is known before a contact overlaps and tells little each; what the contact itself
      brings about, like the length of a call, does neither;
    - all customers with one of its values (50 values at most; of numbers also: not 0) responded, and so
      many of them that by chance this has a probability below 0.001, by the number of values looked at.

    None of this is proof: a column that was known before may do the same. It is to be looked into.

    Parameters
    ----------
    X, responded
        As `response_model` takes them.
    known_after
        Columns known only after the contact.
    seed
        Of the halves and the trees.

    Returns
    -------
    DataFrame
        Indexed by `column`, those in doubt: `auc` of the column alone (0.5 to 1) and `sentence`.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [30, 40, 35, 35, 30] * 20, "basket": [700, 0, 0, 0, 0] * 20})
    >>> response_leaks(X, [1, 0, 0, 1, 0] * 20).index.tolist()
    ['basket']
    """
    y = responses_of(responded, len(X))
    unknown = [name for name in known_after if name not in X]
    if unknown:
        raise ParameterError(f"There is no column {unknown[0]!r}{did_you_mean(unknown[0], map(str, X))}")
    found = {}
    for name, values in X.items():
        auc = column_area(values, y)
        certain = None if name in known_after else _certain(values, y)
        if name in known_after:
            said = f"The column {name} is known only after the contact; leave it out."
        elif auc > TOO_GOOD:
            said = f"The column {name} alone tells responders from others with an AUC of {auc:.3f}"
        elif certain:
            said = f"All {certain[1]:,} customers whose {name} is {certain[0]} responded"
        elif auc >= EXCELLENT and X.shape[1] > 1 and (share := _own_share(X, y, name, seed)) > 0.5:
            said = (
                f"The column {name} alone has an AUC of {auc:.3f} and brings {share:.0%} of all that the "
                "columns together tell of the response"
            )
        else:
            continue
        if name not in known_after:
            said += "; it may be known only after the contact. Leave it out unless it was known before."
        found[name] = (auc, said)
    frame = pd.DataFrame.from_dict(found, orient="index", columns=["auc", "sentence"]).rename_axis("column")
    return frame.astype({"auc": "float64", "sentence": "str"})


def response_drift(
    before: pd.DataFrame,
    responded_before: ArrayLike,
    after: pd.DataFrame,
    responded_after: ArrayLike,
    level: float = 0.95,
) -> ResponseDrift:
    """Whether customers of a later time differ from those a model has learnt from, and respond otherwise.

    Parameters
    ----------
    before, responded_before, after, responded_after
        Customers of either time, as `response_model` takes them.
    level
        Of the interval of the difference.

    Returns
    -------
    ResponseDrift
        `rates`: one row, `before`, `after`, `difference`, `low`, `high` (Newcombe), `psi` (population
        stability index of the response) and `verdict`; `columns`: indexed by `column`, `psi` and
        `verdict` (``"stable"`` below 0.1, ``"somewhat shifted"`` below 0.25, ``"shifted"``), the greatest
        first; `warnings`: sentences on what is shifted.

    References
    ----------
    N. Siddiqi (2006), Credit risk scorecards, chapter 9; see `population_stability`.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [30, 40] * 50})
    >>> response_drift(X, [0, 0, 0, 1] * 25, X + 20, [0, 1, 1, 1] * 25).warnings[0]
    'The response rate went from 25.0 % to 75.0 %: probabilities learnt before do not hold after.'
    """
    y, z = responses_of(responded_before, len(before)), responses_of(responded_after, len(after))
    low, high = newcombe(z.sum(), len(z), y.sum(), len(y), level)
    psi = population_stability(pd.Series(y.astype(str)), pd.Series(z.astype(str)))
    rates = pd.DataFrame({"before": [y.mean()], "after": [z.mean()], "difference": [z.mean() - y.mean()],
                          "low": float(low), "high": float(high), "psi": psi,
                          "verdict": _verdict(psi)})  # fmt: skip
    found = {name: population_stability(before[name], after[name]) for name in before if name in after
             and not pd.api.types.is_datetime64_any_dtype(before[name])}  # fmt: skip
    columns = pd.Series(found, name="psi", dtype="float64").sort_values(ascending=False, kind="stable")
    columns = columns.rename_axis("column").to_frame()
    columns["verdict"] = [_verdict(one) for one in columns["psi"]]
    warnings = []
    if psi >= SHIFTED:
        warnings.append(
            f"The response rate went from {100 * y.mean():.1f} % to {100 * z.mean():.1f} %: probabilities "
            "learnt before do not hold after."
        )
    shifted = columns.index[columns["psi"] >= SHIFTED].tolist()
    if shifted:
        warnings.append(f"Customers differ by {listed(map(str, shifted), 300)}: a model knows few like them.")
    return ResponseDrift(rates, columns, tuple(warnings))


def _verdict(psi: float) -> str:
    return STABILITY_VERDICTS[int(psi >= SOMEWHAT) + int(psi >= SHIFTED)]


def _own_share(X: pd.DataFrame, y: np.ndarray, name: str, seed: int) -> float:
    """Share of what all columns tell of held out customers that is lost without one of them."""
    random = np.random.default_rng(seed)
    judged = np.zeros(len(y), dtype=bool)
    for state in (0, 1):
        who = random.permutation(np.flatnonzero(y == state))
        judged[who[: len(who) // 2]] = True
    plain = -_told(np.full(judged.sum(), y[~judged].mean()), y[judged])
    lost = []
    for columns in (list(X), [column for column in X if column != name]):
        model = response_model(X.loc[~judged, columns], y[~judged], "boosting", seed)
        lost.append(plain + _told(model.predict_proba(X.loc[judged, columns])[:, 1], y[judged]))
    every, others = lost
    return (every - max(others, 0)) / every if every > 0 else 0.0


def _told(p: np.ndarray, y: np.ndarray) -> float:
    """Mean log-likelihood."""
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return float((y * np.log(p) + (1 - y) * np.log1p(-p)).mean())


def _certain(values: pd.Series, y: np.ndarray) -> tuple[Any, int] | None:
    """A value all of whose customers responded, as chance would not have it, and their number."""
    groups: dict[Any, np.ndarray] = {}
    if pd.api.types.is_numeric_dtype(values):
        groups["not 0"] = (values.notna() & (values != 0)).to_numpy(dtype=bool)
    if 0 < values.isna().sum() < len(values):
        groups["missing"] = values.isna().to_numpy()
    codes, known = pd.factorize(values)
    if len(known) <= VALUES:
        groups |= {value: codes == place for place, value in enumerate(known)}
    for value, rows in groups.items():
        n = int(rows.sum())
        if 0 < n < len(y) and y[rows].all() and n * np.log(y.mean()) < np.log(0.001 / len(groups)):
            return value, n
    return None
