"""What a campaign changes so far: each arm against the control group, to be looked at while it runs."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.methods.monitors import asymptotic_confidence_sequence, asymptotic_p_value

if TYPE_CHECKING:
    from crmlab.engine import Log

#: What a confidence sequence says of an arm; the last one as long as it holds zero.
LEADS, TRAILS, TOO_EARLY = "ahead", "behind", "too early to tell"
COLUMNS = ["arm", "look", "n", "mean", "control_n", "control_mean", "difference", "low", "high", "p_value",
           "verdict"]  # fmt: skip


def confidence_sequence(
    outcomes: Log,
    control: str,
    outcome: str = "responded",
    arm: str = "arm",
    planned: int = 1000,
    level: float = 0.95,
    order: str | None = None,
    looks: int = 100,
) -> pd.DataFrame:
    """Difference between each arm and the control group, with an interval valid however often one looks.

    Parameters
    ----------
    outcomes
        One row per customer with the columns `arm` and `outcome`. The outcome is to be final: of
        customers who may still respond, `Monitor` makes a sequence that allows for it.
    control
        Name of the arm that was not contacted.
    outcome
        Column of 0 and 1, or of numbers such as revenue; missing ones do not count.
    planned
        Customers per arm for which the sequence is tuned, such as `sample_size` gives; to be chosen
        beforehand. A number that is missed makes the intervals wider, not wrong.
    level
        Probability with which all intervals hold, of all looks and of all arms together: arms share what
        is left of it evenly (Bonferroni).
    order
        Column by which customers came, such as a time stamp. With it, there is a row for each look.
    looks
        Number of looks, after equal numbers of customers.

    Returns
    -------
    DataFrame
        One row per look and arm but the control, sorted so: `arm`, `look` (from 1), `n`, `mean`,
        `control_n`, `control_mean`, `difference`, `low`, `high`, `p_value` (of one arm alone; may
        be looked at as often as one likes) and `verdict`: ``"ahead"`` or ``"behind"`` if the interval
        leaves zero out, else ``"too early to tell"``. Where an arm has fewer than two customers, or no
        two outcomes differ, the interval has no ends.

    Raises
    ------
    ParameterError
        If there is no such arm, or `planned`, `level` or `looks` make no sense.
    TableError
        If a column is missing.

    References
    ----------
    As `crmlab.mining.methods.asymptotic_confidence_sequence`, with the difference of two means for the
    estimate: their influence function has the variance ``s1**2 / n1 + s0**2 / n0``.

    Examples
    --------
    >>> found = confidence_sequence(pd.DataFrame({"arm": ["mail"] * 800 + ["none"] * 700,
    ...     "responded": [1] * 480 + [0] * 320 + [1] * 280 + [0] * 420}), control="none")
    >>> found[["difference", "low", "high"]].round(3).values.tolist(), found["verdict"].tolist()
    ([[0.2, 0.123, 0.277]], ['ahead'])
    """
    table = as_table(outcomes)
    need_columns(table, (arm, outcome, *([order] if order else [])), "Outcomes")
    for name, number in (("planned", planned), ("looks", looks)):
        if not number >= 1:
            raise ParameterError(f"{name} is a number from 1, not {number!r}.")
    table = table.filter(table[outcome].notnull() & table[arm].notnull())
    sums = _sums(table, arm, outcome, order, looks)
    names = sorted(sums["arm"].unique())
    if control not in names:
        raise ParameterError(
            f"There is no arm {control!r} to compare with" + did_you_mean(control, map(str, names))
        )
    together = sums.set_index(["look", "arm"])[["n", "total", "squares"]].unstack("arm", fill_value=0)
    together = together.astype(object).cumsum()
    found = []
    for look, row in together.iterrows():
        arms = row.unstack(level=0)
        of_plan = (arms["n"].astype(float) + float(arms["n"][control])) / (2 * planned)
        found.append(against_control(arms, control, of_plan, level).assign(look=look))
    frame = pd.concat(found, ignore_index=True) if len(names) > 1 else pd.DataFrame(columns=COLUMNS)
    return frame.sort_values(["look", "arm"], ignore_index=True)[COLUMNS]


def _sums(table: object, arm: str, outcome: str, order: str | None, looks: int) -> pd.DataFrame:
    """Number of customers, sum and sum of squares by arm and look; exact where outcomes are whole numbers."""
    import ibis

    look = ibis.literal(1)
    if order:
        # Ties of the order are settled by the rest of the row, so that the order of rows does not count.
        place = ibis.row_number().over(ibis.window(order_by=[order, arm, outcome]))
        look = 1 + (place * looks // table.count().as_scalar())
    kind = table[outcome].type()
    whole = kind.is_integer() or kind.is_boolean()
    result = table[outcome].cast("int64").cast("decimal(18, 0)") if whole else table[outcome].cast("float64")
    rows = table.select(arm=table[arm].cast("string"), look=look.cast("int64"), result=result)
    sums = rows.group_by("arm", "look").agg(
        n=rows.count(), total=rows["result"].sum(), squares=(rows["result"] * rows["result"]).sum()
    )
    return collect(sums, key=["look", "arm"])


def against_control(arms: pd.DataFrame, control: str, progress: pd.Series, level: float) -> pd.DataFrame:
    """Each arm against the control group at one look.

    Parameters
    ----------
    arms
        Indexed by arm: `n`, `total` and `squares` of the outcome; Python's whole numbers stay exact.
    progress
        Information so far over planned information of each arm together with the control group.
    level
        Of all arms together.
    """
    names = [name for name in arms.index if name != control]
    sums = list(zip(*(arms[name].tolist() for name in ("n", "total", "squares")), strict=True))
    mean = pd.Series([_mean(n, total) for n, total, _ in sums], arms.index)
    spread = pd.Series([_variance(*row) / row[0] if row[0] else np.nan for row in sums], arms.index)
    difference = (mean[names] - mean[control]).to_numpy()
    error = np.sqrt((spread[names] + spread[control]).to_numpy())
    share = 1 - (1 - level) / max(len(names), 1)
    looked = (difference, np.nan_to_num(error), progress[names].to_numpy(float), share)
    low, high = asymptotic_confidence_sequence(*looked)
    return pd.DataFrame(
        {
            "arm": names,
            "n": arms.loc[names, "n"].astype("int64").to_numpy(),
            "mean": mean[names].to_numpy(),
            "control_n": int(arms.loc[control, "n"]),
            "control_mean": mean[control],
            "difference": difference,
            "low": low,
            "high": high,
            "p_value": asymptotic_p_value(*looked),
            "verdict": np.where(low > 0, LEADS, np.where(high < 0, TRAILS, TOO_EARLY)),
        }
    )


def _mean(n: int, total: float) -> float:
    return float(total) / n if n else float("nan")


def _variance(n: int, total: float, squares: float) -> float:
    """Sample variance; NaN for fewer than two."""
    if n < 2:
        return float("nan")
    return float((Fraction(squares) - Fraction(total) ** 2 / int(n)) / (int(n) - 1))
