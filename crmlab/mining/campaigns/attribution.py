"""Conversions shared out among the channels that touched a customer before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.engine import collect
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.campaigns.journeys import JOURNEY, journeys
from crmlab.mining.methods.apportionment import apportion, largest_remainder
from crmlab.mining.methods.removal import removal_effects
from crmlab.mining.methods.shapley import shapley_values

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

MODELS = ("first", "last", "linear", "position", "time_decay", "markov", "shapley")
#: The worth of all sets of channels is reckoned, and each channel doubles their number.
MOST_CHANNELS = 16
#: Weights of time decay are whole multiples of 2^-40, and credits of 10^-9, so that sums are exact.
_WEIGHT, _CREDIT = 2**40, 10**9

Shares = dict[str, Fraction]


def attribution(
    log: Log,
    model: Literal["first", "last", "linear", "position", "time_decay", "markov", "shapley"] = "markov",
    conversions: Log | None = None,
    touches: str | Sequence[str] = "sent",
    conversion: str = "converted",
    lookback: float | None = None,
    half_life: float = 7.0,
    ends: tuple[float, float] = (0.4, 0.4),
    order: int = 1,
    coalition: Literal["conversions", "rate"] = "conversions",
) -> pd.DataFrame:
    """Credit of each channel for the conversions that came after its touches.

    Attribution shares credit by a rule; it does not find causes. A channel that reaches only those who
    would have bought anyhow gets as much credit as one that moves them. What a channel caused
    is shown by a control group alone: see `effect`.

    Parameters
    ----------
    log
        One row per touch with `customer_id`, `time` and `channel`, such as interactions; or campaign
        events, which have an `event` too. Or a frame of paths, one row each: `path` (a list of channels,
        or text such as ``"email > phone"``), `conversions`, `lost` (how many journeys along it ended
        so and otherwise; 0 if not given) and `value` (of its conversions, whole minor units).
    model
        Which rule: ``"first"`` or ``"last"`` touch; ``"linear"``, all touches alike; ``"position"``, the
        shares `ends` for the first and last, the rest evenly for those between; ``"time_decay"``, weights
        that halve with every `half_life` before the last touch; ``"markov"``, in proportion to removal
        effects, that is by how much rarer conversions would be if nobody got through the channel, in a
        Markov chain of `order` (Anderl et al. 2016); ``"shapley"``, what a channel adds to others,
        averaged over all orders in which channels can be added, with the worth of a set as
        `coalition` says.
    conversions
        One row per conversion with `customer_id`, `time` and maybe `value` (or `amount`); lines with one
        `order_id` are one. If not given they are the events named `conversion` in the log.
    touches
        Which events are touches, if the log has events.
    conversion
        Which event is a conversion.
    lookback
        Touches more than this many days before the journey's end do not count; all do if not given.
    half_life
        Days in which a touch loses half of its weight.
    ends
        Shares of the first and the last touch; journeys of two touches are shared in their ratio.
    order
        Number of touches that the next one depends on.
    coalition
        Worth of a set of channels: ``"conversions"``, those of journeys that touch no channel
        outside it, which shares each conversion evenly among the channels that touched it, or ``"rate"``,
        the share of these journeys that convert, which may be negative for a channel that lowers
        it; for at most 16 channels.

    Returns
    -------
    DataFrame
        `channel`, `touches` (number), `share` (of all credit), `conversions` (credit; sums to all
        conversions with a touch) and `value` (credit in whole minor units, which sums exactly to the
        value of those), with ``"markov"`` also `removal_effect`; most credit first, equals by name.
        Rules that look at single journeys share the value of each; ``"markov"`` and ``"rate"`` share
        the whole value as the conversions. ``.attrs`` holds `model`, `conversions` and `value` (what was
        shared), `without_touch` and `value_without_touch` (conversions that no touch came before) and
        `left_out` (rows without customer, time or channel); with ``"markov"`` `conversion_probability`.

    Raises
    ------
    ParameterError
        If there is no such model or event, a number is out of its range, or channels are too many.
    TableError
        If a column is missing, or values are no whole numbers.

    References
    ----------
    E. Anderl et al. (2016), International Journal of Research in Marketing 33, 457-474. X. Shao and L. Li
    (2011), Data-driven multi-touch attribution models, KDD, 258-264. K. Zhao, S. H. Mahboobi and S. R.
    Bagheri (2018), Shapley value methods for attribution modeling in online advertising, arXiv:1804.05327.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": ["mail > web > shop", "mail", "web > shop"], "conversions": [1, 0, 0],
    ...     "lost": [0, 1, 1], "value": [1000, 0, 0]})
    >>> attribution(paths, "markov")[["channel", "share", "value"]].round(4).values.tolist()
    [['shop', 0.4, 400], ['web', 0.4, 400], ['mail', 0.2, 200]]
    """
    if model not in MODELS:
        raise ParameterError(f"There is no model {model!r} of attribution" + did_you_mean(str(model), MODELS))
    if not half_life > 0:
        raise ParameterError(f"half_life is a number of days above 0, not {half_life!r}.")
    if not (isinstance(order, int) and order >= 1):
        raise ParameterError(f"order is a whole number from 1, not {order!r}.")
    if coalition not in ("conversions", "rate"):
        raise ParameterError(f"coalition is 'conversions' or 'rate', not {coalition!r}.")
    if len(ends) != 2 or min(ends) < 0 or not 0 < sum(ends) <= 1:
        raise ParameterError(
            f"ends are the shares of the first and the last touch, such as (0.4, 0.4), not {ends}."
        )
    table, facts = journeys(log, conversions, touches, conversion, lookback)
    cells = collect(
        table.mutate(spot=_spot(table)).group_by("channel", "spot", "length").agg(
            touches=lambda t: t.count(),
            converted=lambda t: t["converted"].sum(),
            value=lambda t: t["value"].sum(),
        ),
        key=["channel", "spot", "length"],
    )  # fmt: skip
    channels = sorted(cells["channel"].unique())
    firsts = cells["spot"].isin(["first", "only"])
    total, money = (int(cells.loc[firsts, name].sum()) for name in ("converted", "value"))
    effects: dict[str, float] | None = None
    extra: dict[str, object] = {"model": model}
    if model == "markov":
        extra["conversion_probability"], effects = _removal(table, order)
        of_conversions = of_value = {name: _exact(effects[name]) for name in channels}
    elif model == "shapley" and coalition == "rate":
        of_conversions = of_value = _rate_shapley(table, channels)
    else:
        if model == "shapley":
            parts = _by_set(table)
        elif model == "time_decay":
            parts = _by_age(table, half_life)
        else:
            rule, spots = _rule(model, ends), zip(cells["spot"], cells["length"], strict=True)
            parts = cells.assign(weight=[rule(spot, int(length)) for spot, length in spots])
        of_conversions, of_value = (_summed(parts, name) for name in ("converted", "value"))
    shares = [of_conversions.get(name, Fraction(0)) for name in channels]
    whole = sum(shares)
    worth = _worth(money, [of_value.get(name, Fraction(0)) for name in channels])
    found = pd.DataFrame({
        "channel": pd.Series(channels, dtype="str"),
        "touches": cells.groupby("channel")["touches"].sum().reindex(channels).to_numpy(dtype="int64"),
        "share": [float(share / whole) if whole else np.nan for share in shares],
        "conversions": [float(total * share / whole) if whole else 0.0 for share in shares],
        "value": pd.Series(worth, dtype="int64"),
    })  # fmt: skip
    if effects is not None:
        found["removal_effect"] = [effects[name] for name in channels]
    found = found.sort_values(["share", "channel"], ascending=[False, True], ignore_index=True)
    found.attrs = extra | {
        "conversions": total,
        "value": money,
        "without_touch": facts["conversions"] - total,
        "value_without_touch": facts["value"] - money,
        "left_out": facts["left_out"],
    }
    return found


def _spot(table: ibis.Table) -> ibis.Column:
    """Where in its journey a touch stands, as far as the rules care."""
    import ibis

    return ibis.cases(
        (table["length"] == 1, "only"),
        (table["place"] == 1, "first"),
        (table["place"] == table["length"], "last"),
        else_="middle",
    )


def _rule(model: str, ends: tuple[float, float]) -> Callable[[str, int], Fraction]:
    """Share of a journey's credit that a touch gets by where it stands."""
    first, last = (Fraction(str(end)) for end in ends)

    def position(spot: str, length: int) -> Fraction:
        if spot == "only":
            return Fraction(1)
        if spot == "middle":
            return (1 - first - last) / (length - 2)
        own = first if spot == "first" else last
        return own / (first + last) if length == 2 else own

    rules: dict[str, Callable[[str, int], Fraction]] = {
        "first": lambda spot, _: Fraction(spot in ("first", "only")),
        "last": lambda spot, _: Fraction(spot in ("last", "only")),
        "linear": lambda _, length: Fraction(1, length),
        "position": position,
    }
    return rules[model]


def _summed(parts: pd.DataFrame, name: str) -> Shares:
    """Credit of each channel: the sum of `name` times `weight`."""
    credit: Shares = defaultdict(Fraction)
    for channel, number, weight in zip(parts["channel"], parts[name], parts["weight"], strict=True):
        credit[channel] += Fraction(int(number)) * weight
    return credit


def _by_set(table: ibis.Table) -> pd.DataFrame:
    """Conversions and value by channel and the number of channels in a journey."""
    once = table.group_by(*JOURNEY, "channel").agg(
        converted=table["converted"].max(), value=table["value"].max()
    )
    once = once.group_by(*JOURNEY).mutate(size=lambda t: t.count())
    parts = collect(
        once.group_by("channel", "size").agg(converted=once["converted"].sum(), value=once["value"].sum()),
        key=["channel", "size"],
    )
    return parts.assign(weight=[Fraction(1, int(size)) for size in parts["size"]])


def _by_age(table: ibis.Table, half_life: float) -> pd.DataFrame:
    """Conversions and value by channel, with weights that halve with age."""
    if "age" not in table.columns:
        raise ParameterError("The model time_decay needs the time of each touch; paths have none.")
    import ibis

    weight = ((ibis.literal(0.5) ** (table["age"] / (half_life * 86_400.0))) * _WEIGHT).round().cast("int64")
    weighed = table.mutate(weight=weight).group_by(*JOURNEY).mutate(every=lambda t: t["weight"].sum())
    credit = (weighed["weight"] / weighed["every"] * _CREDIT).round().cast("int64").cast("decimal(19, 0)")
    parts = collect(
        weighed.mutate(credit=credit).group_by("channel").agg(
            converted=lambda t: (t["converted"].cast("decimal(19, 0)") * t["credit"]).sum(),
            value=lambda t: (t["value"].cast("decimal(19, 0)") * t["credit"]).sum(),
        ),
        key="channel",
    )  # fmt: skip
    return parts.assign(weight=Fraction(1, _CREDIT))


def _removal(table: ibis.Table, order: int) -> tuple[float, dict[str, float]]:
    """Conversion probability and removal effects, from how often what follows what."""
    import ibis

    in_order = ibis.window(group_by=list(JOURNEY), order_by="place")
    before = {f"before{back}": table["channel"].lag(back).over(in_order) for back in range(order, 0, -1)}
    steps = table.mutate(**before, last=table["place"] == table["length"])
    keys = [*before, "channel", "last"]
    counted = collect(
        steps.group_by(*keys).agg(converted=steps["converted"].sum(), lost=steps["lost"].sum()), key=keys
    )
    starts, moves, good, bad = (defaultdict(int) for _ in range(4))
    for *history, channel, last, converted, lost in counted.itertuples(index=False):
        came_from = tuple(one for one in history if isinstance(one, str))
        state = (*came_from, channel)[-order:]
        if came_from:
            moves[came_from, state] += converted + lost
        else:
            starts[state] += converted + lost
        if last:
            good[state] += converted
            bad[state] += lost
    return removal_effects(
        starts,
        moves,
        good,
        bad,
        {state: state[-1] for state in {*good, *bad, *starts, *(s for move in moves for s in move)}},
    )


def _rate_shapley(table: ibis.Table, channels: list[str]) -> Shares:
    """Shapley's value of each channel, the worth of a set being the rate at which its journeys convert."""
    import ibis

    if len(channels) > MOST_CHANNELS:
        raise ParameterError(
            f"All sets of {len(channels)} channels are too many; {MOST_CHANNELS} are the most. Join some, or "
            "take coalition='conversions', which has no such limit."
        )
    if not channels:
        return {}
    bits = ibis.cases(*((table["channel"] == name, 1 << bit) for bit, name in enumerate(channels)), else_=0)
    once = table.mutate(bit=bits.cast("int64")).group_by(*JOURNEY, "bit").agg(
        converted=table["converted"].max(), lost=table["lost"].max()
    )  # fmt: skip
    sets = once.group_by(*JOURNEY).agg(
        mask=once["bit"].sum().cast("int64"), converted=once["converted"].max(), lost=once["lost"].max()
    )
    found = collect(
        sets.group_by("mask").agg(converted=sets["converted"].sum(), lost=sets["lost"].sum()), key="mask"
    )
    converted, all_of = np.zeros(1 << len(channels)), np.zeros(1 << len(channels))
    converted[found["mask"]] = found["converted"]
    all_of[found["mask"]] = found["converted"] + found["lost"]
    for counts in (converted, all_of):
        # Sums over all subsets, one channel after the other.
        for bit in range(len(channels)):
            sides = counts.reshape(-1, 2, 1 << bit)
            sides[:, 1] += sides[:, 0]
    worth = np.divide(converted, all_of, out=np.zeros_like(converted), where=all_of > 0)
    return {name: _exact(value) for name, value in zip(channels, shapley_values(worth), strict=True)}


def _exact(number: float) -> Fraction:
    """A figure without its last digits, which are rounding, so that what is equal stays equal."""
    return Fraction(0) if np.isnan(number) else Fraction(round(number * 10**12), 10**12)


def _worth(money: int, credit: list[Fraction]) -> list[int]:
    """Money shared out as the credits say, in whole minor units that sum to it."""
    return largest_remainder(credit) if sum(credit) == money else apportion(money, credit)
