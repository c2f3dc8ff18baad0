"""What a running campaign says, as HTML: sentences, warnings, numbers, the funnel and its figure."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from crmlab.figures import DARK, GREY, LIGHT, to_png
from crmlab.figures.canvas import canvas, directed
from crmlab.locale import Language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmlab.mining.campaigns.monitor import Snapshot

#: Below this, customers did not come into the arms as planned: looked at often, so it is strict.
RATIO_LEVEL = 0.01
#: What may be wrong with events, and how it is said; see `Snapshot`.
WRONG = {
    "set_aside": "{n:,} {n:record|records} could not be read and {n:was|were} set aside.",
    "early": "{n:,} {n:event lies|events lie} before the assignment of {n:its customer|their customers} and "
    "{n:does|do} not count.",
    "future": "{n:,} {n:event is|events are} stamped later than now and {n:is|are} set aside until then: "
    "check the clocks.",
    "unassigned": "{n:,} {n:customer has|customers have} events but no arm; they count once the assignment "
    "arrives.",
    "two_arms": "{n:,} {n:customer was|customers were} assigned to two arms; the first one counts.",
    "other_arm": "{n:,} {n:event names|events name} another arm than the customer's; that of the assignment "
    "counts.",
    "no_time": "{n:,} {n:event has|events have} no time; {n:it counts|they count} in the funnel, but not in "
    "figures by time.",
    "elsewhere": "{n:,} {n:event belongs|events belong} to other campaigns.",
    "duplicates": "{n:,} {n:event|events} arrived again and {n:was|were} counted once.",
}
#: What is said of arms and of the way in which customers came into them.
SAID = {
    "leads": "{arm} leads by {difference} points ({low} to {high}, valid however often you look).",
    "trails": "{arm} trails by {difference} points ({low} to {high}, valid however often you look).",
    "between": "{arm}: too early to tell (between {low} and {high} points so far).",
    "early": "{arm}: too early to tell.",
    "more": "{arm} brings {difference} more revenue per customer ({low} to {high}).",
    "less": "{arm} brings {difference} less revenue per customer ({low} to {high}).",
    "ratio": "More customers in arm {arm} than planned ({now} instead of {planned}): "
    "check the assignment ({p}).",
    "contacted": "{n:,} {n:customer|customers} of the control group {n:was|were} contacted.",
    "unknown": "{n:,} {n:event names|events name} the arm {arm}, which the campaign has not; "
    "{n:it does|they do} not count.",
}
HEADLINE = ("Customers", "Responses", "Revenue", "Cost", "Events")
HEADS = ("Arm", "Customers", "Responses", "Rate", "Revenue", "Revenue per customer", "Contacts", "Cost")
#: What is only said, not warned of.
_QUIET = ("duplicates", "elsewhere", "no_time")
_COLOURS = (DARK, LIGHT, GREY)


class MonitorView(NamedTuple):
    """Shows what a running campaign says in a language; money has `decimals` and is in `currency`."""

    tongue: Language
    currency: str
    decimals: int
    control: str

    # Sentences

    def verdicts(self, found: Snapshot) -> list[str]:
        """What can be said of each arm, in words."""
        said = []
        money = {row["arm"]: row for row in found.revenue.to_dict("records")}
        for row in found.responses.to_dict("records"):
            points = {name: self._points(row[name]) for name in ("difference", "low", "high")}
            arm = _name(row["arm"])
            if row["verdict"] == "ahead":
                said.append(self.tongue(SAID["leads"], arm=arm, **points))
            elif row["verdict"] == "behind":
                ends = {"difference": self._points(-row["difference"]), "low": self._points(-row["high"]),
                        "high": self._points(-row["low"])}  # fmt: skip
                said.append(self.tongue(SAID["trails"], arm=arm, **ends))
            elif abs(row["low"]) < 1:
                said.append(self.tongue(SAID["between"], arm=arm, **points))
            else:
                said.append(self.tongue(SAID["early"], arm=arm))
            value = money[row["arm"]]
            if value["verdict"] == "ahead":
                ends = {name: self.money(value[name]) for name in ("difference", "low", "high")}
                said.append(self.tongue(SAID["more"], arm=arm, **ends))
            elif value["verdict"] == "behind":
                ends = {"difference": self.money(-value["difference"]), "low": self.money(-value["high"]),
                        "high": self.money(-value["low"])}  # fmt: skip
                said.append(self.tongue(SAID["less"], arm=arm, **ends))
        return said

    def warnings(self, found: Snapshot, waiting: Iterable[str] = ()) -> tuple[list[str], list[str]]:
        """What is to be looked into, and what is good to know."""
        tongue, wrong, known = self.tongue, [], []
        ratio = found.sample_ratio
        if ratio.anytime_p_value < RATIO_LEVEL:
            share = found.arms["customers"] / found.arms["customers"].sum()
            first = found.arms.assign(now=share, more=share - found.arms["share"]).nlargest(1, "more").iloc[0]
            p = ratio.anytime_p_value
            values = {"now": tongue.percent(first["now"]), "planned": tongue.percent(first["share"]),
                      "p": tongue.digits(f"p = {p:.3f}" if p >= 0.001 else "p < 0.001")}  # fmt: skip
            wrong.append(tongue(SAID["ratio"], arm=_name(first["arm"]), **values))
        contacted = found.funnel.query("arm == @self.control and event == 'sent' and channel == ''")
        if len(contacted):
            wrong.append(tongue(SAID["contacted"], n=int(contacted["customers"].iloc[0])))
        for arm, count in found.unknown_arms.items():
            wrong.append(tongue(SAID["unknown"], n=count, arm=_name(arm)))
        for name, text in WRONG.items():
            if count := found.counts[name]:
                (known if name in _QUIET else wrong).append(tongue(text, n=count))
        for row in found.sources[found.sources["reason"] != ""].to_dict("records"):
            # What a reader of files says begins with the file's name.
            told = row["reason"] if row["source"] in row["reason"] else f"{row['source']}: {row['reason']}"
            wrong.append(_name(told))
        for name in waiting:
            known.append(tongue("{source} is still being written; it is waited for.", source=_name(name)))
        return wrong, known

    # HTML

    def status(self, found: Snapshot) -> str:
        """When it was looked, and when the last event happened."""
        said = self.tongue("Refreshed {at}", at=self._moment(found.at))
        if found.last_event is not None:
            said += " · " + self.tongue("last event {at}", at=self._moment(found.last_event))
        return f'<p class="crm-status" role="status">{escape(said)}</p>'

    def wrong(self, said: str) -> str:
        """What went wrong."""
        return f'<p class="crm-wrong" role="alert">{escape(said)}</p>'

    def said(self, found: Snapshot, waiting: Iterable[str] = ()) -> str:
        """Sentences and warnings."""
        wrong, known = self.warnings(found, waiting)
        parts = [f"<p>{escape(text)}</p>" for text in self.verdicts(found)]
        parts = [f'<div class="crm-verdicts" aria-live="polite">{"".join(parts)}</div>']
        for kind, texts in (("crm-warnings", wrong), ("crm-notes", known)):
            if texts:
                parts.append(
                    f'<ul class="{kind}">{"".join(f"<li>{escape(text)}</li>" for text in texts)}</ul>'
                )
        return "".join(parts)

    def headline(self, found: Snapshot) -> str:
        """The numbers of the campaign in all."""
        arms, tongue = found.arms, self.tongue
        figures = [
            tongue.number(int(arms["customers"].sum())),
            tongue.number(int(arms["responses"].sum())),
            self.money(int(arms["revenue"].sum())),
            self.money(int(arms["cost"].sum())),
            tongue.number(found.counts["events"]),
        ]
        cells = "".join(f"<div><dt>{escape(tongue(name))}</dt><dd><bdi>{escape(text)}</bdi></dd></div>"
                        for name, text in zip(HEADLINE, figures, strict=True))  # fmt: skip
        return f'<dl class="crm-headline">{cells}</dl>'

    def arms(self, found: Snapshot) -> str:
        """A table with a row per arm."""
        tongue = self.tongue
        largest = float(found.arms[["revenue", "cost"]].to_numpy(float).max(initial=0))
        rows = [
            [row["arm"], tongue.number(row["customers"]), tongue.number(row["responses"]),
             tongue.percent(row["rate"]), self.money(row["revenue"], largest),
             self.money(row["per_customer"]), tongue.number(row["contacts"]),
             self.money(row["cost"], largest)]
            for row in found.arms.to_dict("records")
        ]  # fmt: skip
        return _table(tongue("Arms"), [tongue(head) for head in HEADS], rows)

    def funnel(self, found: Snapshot, channel: str) -> str:
        """How many customers of each arm reached each step, through one channel or all of them."""
        tongue = self.tongue
        shown = found.funnel[found.funnel["channel"] == channel]
        arms = [arm for arm in found.arms["arm"] if arm in set(shown["arm"])]
        cells = {(row["event"], row["arm"]): row for row in shown.to_dict("records")}
        rows = []
        for step in dict.fromkeys(found.funnel["event"]):
            if any((step, arm) in cells for arm in arms):
                there = [cells.get((step, arm)) for arm in arms]
                rows.append([tongue(step)[0].upper() + tongue(step)[1:], *(
                    f"{tongue.number(cell['customers'])} ({tongue.percent(cell['share'])})" if cell else "–"
                    for cell in there)])  # fmt: skip
        name = tongue(channel) if channel else tongue("all channels")
        return _table(tongue("Funnel, {channel}", channel=name), [tongue("Step"), *arms], rows)

    def channels(self, found: Snapshot) -> list[tuple[str, str]]:
        """Names and values of the channels there are."""
        there = [channel for channel in dict.fromkeys(found.funnel["channel"]) if channel]
        return [(self.tongue("all channels"), ""), *((self.tongue(name), name) for name in there)]

    def figure(self, found: Snapshot) -> str:
        """The confidence sequences of the response, as they were at each look that was kept."""
        history = found.history[found.history["outcome"] == "responses"]
        now = found.responses.assign(at=found.at)
        now = now[now["low"].abs() < 1]
        if now.empty:
            return ""
        every = pd.concat([history[["arm", "at", "difference", "low", "high"]],
                           now[["arm", "at", "difference", "low", "high"]]])  # fmt: skip
        title = self.tongue("Difference to the control group, in points of the response rate")
        unit = self.tongue("bands hold however often one looks; zero is no difference")
        if self.tongue.right_to_left:
            unit = "، ".join([unit, self.tongue("time runs from left to right")])
        with canvas(3.6, title, unit, "", None, self.tongue) as (figure, axes):
            for place, (arm, looks) in enumerate(every.groupby("arm", sort=True)):
                colour, looks = _COLOURS[place % len(_COLOURS)], looks.sort_values("at")
                if len(looks) == 1 or looks["at"].nunique() == 1:
                    last = looks.iloc[-1]
                    axes.errorbar([last["at"]], [100 * last["difference"]], color=colour, fmt="o", capsize=6,
                                  yerr=[[100 * (last["difference"] - last["low"])],
                                        [100 * (last["high"] - last["difference"])]])  # fmt: skip
                else:
                    axes.fill_between(looks["at"], 100 * looks["low"], 100 * looks["high"], color=colour,
                                      alpha=0.16, linewidth=0)  # fmt: skip
                    axes.plot(looks["at"], 100 * looks["difference"], color=colour, linewidth=2)
                last = looks.iloc[-1]
                axes.annotate(
                    directed(arm, self.tongue), (last["at"], 100 * last["difference"]), (8, 4),
                    textcoords="offset points", color=colour, fontsize=10, fontweight="bold",
                )  # fmt: skip
            axes.axhline(0, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
            bottom, top = 100 * min(now["low"].min(), 0), 100 * max(now["high"].max(), 0)
            # What lies further out, in the first hours, is cut off.
            axes.set_ylim(bottom - (top - bottom) / 3, top + (top - bottom) / 3)
            axes.margins(x=0.12)
            self._time_axis(axes, every["at"])
            axes.yaxis.set_major_formatter(
                lambda value, _: directed(self.tongue.number(value, 1), self.tongue)
            )
            axes.grid(axis="y")
        said = " ".join(self.verdicts(found))
        image = b64encode(to_png(figure)).decode()
        return f'<img alt="{escape(f"{title}. {said}")}" src="data:image/png;base64,{image}">'

    def _time_axis(self, axes: object, at: pd.Series) -> None:
        """First and last look, and what lies between if there is room."""
        first, last = at.min(), at.max()
        if first == last:
            axes.set_xlim(first - pd.Timedelta("1h"), first + pd.Timedelta("1h"))
            ticks = [first]
        else:
            ticks = [first + (last - first) * share / 4 for share in range(5)]
        long = last - first > pd.Timedelta("3D")
        axes.set_xticks(ticks, [self.tongue.day(tick) if long else self._moment(tick) for tick in ticks])

    # Numbers

    def money(self, minor_units: float, largest: float | None = None) -> str:
        """An amount, or a dash."""
        if minor_units != minor_units:
            return "–"
        return self.tongue.money(minor_units, self.decimals, self.currency, largest).strip()

    def _points(self, share: float) -> str:
        return self.tongue.number(100 * share, 1)

    def _moment(self, at: pd.Timestamp) -> str:
        return f"{self.tongue.day(at)} {self.tongue.digits(f'{at:%H}')}:{self.tongue.digits(f'{at:%M}')}"


def _name(text: object) -> str:
    """A name in a sentence that may run in the other direction."""
    return f"\u2068{text}\u2069"


def _table(title: str, heads: list[str], rows: list[list[str]]) -> str:
    top = "".join(
        f'<th scope="col"{" class=n" if place else ""}><bdi>{escape(head)}</bdi></th>'
        for place, head in enumerate(heads)
    )
    body = "".join(
        f'<tr><th scope="row"><bdi>{escape(first)}</bdi></th>'
        + "".join(f'<td class="n"><bdi>{escape(cell)}</bdi></td>' for cell in rest) + "</tr>"
        for first, *rest in rows
    )  # fmt: skip
    return (
        f'<div tabindex="0" role="region" aria-label="{escape(title)}"><table>'
        f"<caption>{escape(title)}</caption>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )
