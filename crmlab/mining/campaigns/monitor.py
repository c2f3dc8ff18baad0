"""A campaign while it runs: events as they arrive, each counted once, and what they say so far."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.campaigns.event_store import EventStore, Piece
from crmlab.mining.campaigns.funnel import STEPS
from crmlab.mining.campaigns.sequential import against_control
from crmlab.mining.campaigns.tally import ANY, Rules, Totals, counted, tally, to_events, to_rows
from crmlab.mining.methods.monitors import SampleRatio, sample_ratio

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log
    from crmlab.mining.campaigns.definition import Campaign

#: The file in a monitor's folder.
FILE = "monitor.sqlite"
#: What may be wrong with events; the numbers of `Snapshot.counts`.
COUNTS = ("events", "duplicates", "set_aside", "early", "future", "unassigned", "two_arms", "other_arm",
          "no_time", "elsewhere")  # fmt: skip

#: Of what is kept in the file: if it is another one than before, all is counted anew.
_VERSION = 2
_LOOK = ("difference", "low", "high", "p_value")


@dataclass(frozen=True)
class Snapshot:
    """What the events say at one moment.

    Attributes
    ----------
    at, last_event
        When it was taken, and the time of the last event (None if none has one).
    arms : DataFrame
        One row per arm, the control group last: `arm`, `share` as planned, `customers` assigned,
        `responses`, `rate`, `revenue`, `per_customer` (revenue), `contacts` and `cost`. Money is in minor
        units.
    funnel : DataFrame
        `arm`, `channel` (``""`` for all together), `event`, `customers`, `assigned`, `share` of these,
        in the order of arms and steps.
    responses, revenue : DataFrame
        Each arm against the control group, as `confidence_sequence` returns it.
    sample_ratio
        Whether customers came into the arms in the planned shares.
    counts
        Numbers by `COUNTS`: different `events`; `duplicates`, that came again; records `set_aside`
        as unreadable; events that are `early`, before their customer's assignment, which count for
        nothing; events from the `future`, with a later time than it is, which are set aside until it comes;
        customers that are `unassigned`, whose events wait for their assignment; customers in
        `two_arms`, of which the first counts; events that name an `other_arm` than their customer's, which
        count for that of the assignment; events with `no_time`, which count, whatever the horizon; events
        `elsewhere`, of other campaigns.
    unknown_arms
        Number of events of each arm that the campaign has not; they count for nothing.
    sources, history : DataFrame
        What was read, one row per source; and the confidence sequences as they were at the last look
        of each hour.
    """

    at: pd.Timestamp
    last_event: pd.Timestamp | None
    arms: pd.DataFrame
    funnel: pd.DataFrame
    responses: pd.DataFrame
    revenue: pd.DataFrame
    sample_ratio: SampleRatio
    counts: Mapping[str, int]
    unknown_arms: Mapping[str, int]
    sources: pd.DataFrame
    history: pd.DataFrame


class Monitor:
    """Counts the events of a running campaign as they arrive, each once, and keeps the counts in a folder.

    Whoever is stopped and started again goes on where it was; an event that arrives again, in the same
    file or another one, counts once. An event is known by its `event_id`, if there is such a column, else
    by all that it says. What comes in which order makes no difference.

    Parameters
    ----------
    folder
        Where the counts are kept, in a file of this campaign alone; made if need be.
    campaign_id
        The campaign. Events of other campaigns are passed over.
    arms
        Share of each arm as planned, the control group included.
    control
        Name of the arm that is not contacted.
    response
        Event that counts as a response.
    costs
        Cost of one contact (an event "sent") of each arm, in minor units; none if left out. Under a pair of
        an arm and a channel, that of the arm's contacts through this channel, as
        `Campaign.contact_costs` says it.
    planned
        Responses expected in an arm and the control group together, for which confidence sequences are
        tuned; to be chosen beforehand. A number that is missed makes intervals wider, not wrong.
    horizon
        Days after assignment within which responses and revenue count; all if not given.
    skew
        How far clocks of different systems may be apart.
    time_zone
        Zone in which events are stamped, such as ``"Asia/Tehran"``; that of the machine if not given.
    level
        Probability with which the confidence sequences of all arms hold together.

    Raises
    ------
    ParameterError
        If the parameters make no sense, or the folder belongs to another campaign.
    WorkspaceError, SourceError
        If the folder cannot be written, or what is in it is damaged.

    Notes
    -----
    Sequences need to know how much information has been gathered. Here some customers may still respond,
    and all may have been assigned on the first day, so it is not their number. With `c` of `n` customers
    having responded it is ``c * n / (n - c)``, the odds of a response times customers: the standardised
    difference of shares is a Brownian motion on this clock if nobody is added and answers come in, and
    also if customers are added and each has answered (``benchmarks/peeking.py`` counts false alarms of
    both). What an arm leads by is the difference so far.

    Examples
    --------
    >>> import tempfile
    >>> monitor = Monitor(tempfile.mkdtemp(), "M1", {"mail": 0.5, "none": 0.5}, control="none")
    >>> events = pd.DataFrame({"campaign_id": "M1", "customer_id": ["1", "2", "1"],
    ...     "event": ["assigned", "assigned", "converted"], "arm": ["mail", "none", "mail"]})
    >>> monitor.refresh([events]).counts["events"], monitor.refresh([events]).counts["duplicates"]
    (3, 3)
    """

    def __init__(
        self,
        folder: str | Path,
        campaign_id: str,
        arms: Mapping[str, float],
        control: str,
        response: str = "converted",
        costs: Mapping[str | tuple[str, str], int] | None = None,
        planned: int = 400,
        horizon: int | None = None,
        skew: str = "5min",
        time_zone: str | None = None,
        level: float = 0.95,
    ) -> None:
        if control not in arms:
            raise ParameterError(f"There is no arm {control!r}" + did_you_mean(control, arms))
        if len(arms) < 2 or not all(share > 0 for share in arms.values()):
            raise ParameterError("arms takes two arms or more, each with a share above 0.")
        if response not in STEPS:
            raise ParameterError(f"There is no event {response!r}" + did_you_mean(response, STEPS))
        if not planned >= 1:
            raise ParameterError(f"planned is a number of responses from 1, not {planned!r}.")
        self.campaign_id, self.control, self.response = campaign_id, control, response
        self.arms = {**{name: share for name, share in arms.items() if name != control},
                     control: arms[control]}  # fmt: skip
        self.costs, self.planned, self.level = dict(costs or {}), planned, level
        #: What the class was called with, for a page of its own.
        self.parameters = {
            "folder": str(Path(folder).resolve()), "campaign_id": campaign_id, "arms": dict(arms),
            "control": control, "response": response, "costs": self.costs, "planned": planned,
            "horizon": horizon, "skew": skew, "time_zone": time_zone, "level": level,
        }  # fmt: skip
        try:
            self._zone = None
            if time_zone:
                from zoneinfo import ZoneInfo

                self._zone = ZoneInfo(time_zone)
            self._skew = int(pd.Timedelta(skew).value // 1000)
        except (ValueError, OSError, KeyError):
            raise ParameterError(
                f"skew is a length such as '5min' and time_zone a name such as 'Asia/Tehran', not {skew!r} "
                f"and {time_zone!r}."
            ) from None
        within = None if horizon is None else horizon * 86_400_000_000
        self._rules = Rules(tuple(sorted(self.arms)), response, self._skew, within)
        plan = {"version": _VERSION, **asdict(self._rules)}
        self.store = EventStore(Path(folder) / FILE, partial(tally, rules=self._rules), campaign_id, plan)

    @classmethod
    def of(cls, campaign: Campaign, folder: str | Path, **options: Any) -> Monitor:
        """The monitor of a defined campaign; its first indicator of an event says what a response is.

        Parameters
        ----------
        **options
            As the class takes them, such as `planned` and `time_zone`.
        """
        shares = {arm.name: arm.share for arm in campaign.arms} | {campaign.control: campaign.control_share}
        aims = [one for one in campaign.indicators if one.event]
        chosen = {"response": aims[0].event, "horizon": aims[0].horizon} if aims else {}
        chosen["costs"] = campaign.contact_costs
        return cls(folder, campaign.campaign_id, shares, campaign.control, **{**chosen, **options})

    def now(self) -> pd.Timestamp:
        """The time that the clock of the events shows."""
        return pd.Timestamp(datetime.datetime.now(self._zone).replace(tzinfo=None))

    # Taking in

    def refresh(
        self,
        arrivals: Callable[[dict[str, str]], Iterable[Piece]] | Iterable[Log] | Log | None = None,
        now: pd.Timestamp | None = None,
    ) -> Snapshot:
        """Take in what has arrived, and say what the events say now.

        Parameters
        ----------
        arrivals
            What reads a folder, `crmlab.arrivals.Arrivals`; a table that grows, as a frame or an ibis
            table, of which only days with another number of rows than before are fetched; frames; or
            None, if nothing is to be taken in. Columns are those of the contract's `campaign_events`;
            only `customer_id` and `event` are required, and an `event_id` may be added.
        now
            What the clock of the events shows; `Monitor.now` if not given.

        Raises
        ------
        TableError
            If a frame lacks a column.
        """
        now = self.now() if now is None else pd.Timestamp(now)
        fresh = self.store.advance(self._latest(now))
        fresh += sum(self._take(piece, now) for piece in self._pieces(arrivals))
        found = self.snapshot(now)
        if fresh or found.history.empty:
            looks = [
                (outcome, row["arm"], {name: float(row[name]) for name in _LOOK})
                for outcome, frame in (("responses", found.responses), ("revenue", found.revenue))
                for row in frame.to_dict("records")
                if row["low"] > -float("inf")
            ]
            self.store.keep_look(f"{now.floor('h')}", looks)
            found = replace(found, history=self.store.looks)
        return found

    def _pieces(self, arrivals: Any) -> Iterable[Piece]:
        import ibis

        if arrivals is None:
            return []
        if isinstance(arrivals, pd.DataFrame | ibis.Table):
            return self._days(as_table(arrivals))
        if callable(arrivals):
            return arrivals(self.store.marks)
        frames = (collect(as_table(frame)) for frame in arrivals)
        return (Piece("frames", uuid.uuid4().hex, frame, whole=False) for frame in frames)

    def _days(self, table: ibis.Table) -> Iterable[Piece]:
        """The days of a table whose number of rows is another one than it was."""
        need_columns(table, ("customer_id", "event"), "Campaign events", "campaign_events")
        day = table["time"].cast("timestamp").date() if "time" in table.columns else None
        if day is None:
            yield Piece("rows", str(table.count().to_pyarrow().as_py()), collect(table))
            return
        marks = self.store.marks
        sizes = table.group_by(day=day).agg(rows=table.count()).to_pyarrow().to_pylist()
        for size in sorted(sizes, key=lambda row: (row["day"] is None, row["day"])):
            name = f"rows of {size['day'] or 'no day'}"
            if marks.get(name) != str(size["rows"]):
                rows = table.filter(day.isnull() if size["day"] is None else day == size["day"])
                yield Piece(name, str(size["rows"]), collect(rows))

    def _take(self, piece: Piece, now: pd.Timestamp) -> int:
        frame, aside, reason = piece.frame, piece.set_aside, piece.reason
        if len(frame):
            need_columns(frame, ("customer_id", "event"), "Campaign events", "campaign_events")
        elsewhere = pd.Series(False, index=frame.index)
        if "campaign_id" in frame:
            elsewhere = frame["campaign_id"].notna() & (
                frame["campaign_id"].astype("str") != self.campaign_id
            )
        bad = pd.Series(False, index=frame.index)
        if len(frame):
            bad = ~elsewhere & (frame["customer_id"].isna() | ~frame["event"].isin(STEPS))
        if bad.any():
            aside += int(bad.sum())
            first = frame.loc[bad].iloc[0]
            said = (
                "no customer_id" if pd.isna(first["customer_id"]) else f"no known event: {first['event']!r}"
            )
            reason = reason or said
        rows = to_rows(frame[~elsewhere & ~bad])
        piece = piece._replace(set_aside=aside, reason=reason)
        at = f"{now:%Y-%m-%d %H:%M:%S}"
        return self.store.add(piece, rows, int(elsewhere.sum()), self._latest(now), at)

    def _latest(self, now: pd.Timestamp) -> int:
        """The time up to which events can have happened, in microseconds."""
        return int(now.as_unit("us").asm8.astype("int64")) + self._skew

    # Saying

    def events(self) -> pd.DataFrame:
        """The events that count, as the contract's `campaign_events` has them.

        Of each customer's assignments it is the first, and all else is under its arm; see `Snapshot.counts`
        for what does not count.
        """
        return to_events(counted(self.store.rows(), self._rules))

    def snapshot(self, now: pd.Timestamp | None = None) -> Snapshot:
        """What the events taken in so far say."""
        totals, sources, store = self.store.totals, self.store.sources, self.store
        names = list(self.arms)
        arms = pd.DataFrame({"arm": names, "share": list(self.arms.values())})
        arms["share"] /= arms["share"].sum()

        def of(what: str, event: str = "") -> list[int]:
            return [totals[what, arm, event, ANY] for arm in self.arms]

        arms["customers"] = of("customers")
        arms["responses"] = of("responded", self.response)
        arms["rate"] = arms["responses"] / arms["customers"].where(arms["customers"] > 0)
        arms["revenue"] = of("revenue")
        arms["per_customer"] = arms["revenue"] / arms["customers"].where(arms["customers"] > 0)
        arms["contacts"] = of("contacts", "sent")
        arms["cost"] = [self._cost(totals, arm) for arm in self.arms]
        n, c = (arms.set_index("arm")[name].astype(float) for name in ("customers", "responses"))
        n, c = n + n[self.control], c + c[self.control]
        progress = c * n / (n - c).clip(lower=0.5) / self.planned
        sums = {
            "responses": (of("responded", self.response), of("responded", self.response)),
            "revenue": (of("revenue"), of("squares")),
        }
        compared = {
            outcome: against_control(
                pd.DataFrame({"n": of("customers"), "total": total, "squares": squares}, names, dtype=object),
                self.control, progress, self.level,
            )
            for outcome, (total, squares) in sums.items()
        }  # fmt: skip
        counts = {name: totals[name, "", "", ""] for name in COUNTS}
        counts["events"] = int(sources["fresh"].sum())
        counts["duplicates"] = int(sources["events"].sum()) - counts["events"]
        counts["set_aside"] = int(sources["set_aside"].sum())
        counts["future"] = len(store.later())
        counts["elsewhere"] = int(sources["elsewhere"].sum())
        return Snapshot(
            at=self.now() if now is None else pd.Timestamp(now),
            last_event=store.last_event,
            arms=arms,
            funnel=self._funnel(totals),
            responses=compared["responses"],
            revenue=compared["revenue"],
            sample_ratio=sample_ratio(of("customers"), list(self.arms.values())),
            counts=counts,
            unknown_arms={arm: count for (what, arm, *_), count in sorted(totals.items())
                          if what == "unknown arm" and count},
            sources=sources,
            history=store.looks,
        )  # fmt: skip

    def _cost(self, totals: Totals, name: str) -> int:
        """What the contacts of an arm cost, each through its channel."""
        own = int(self.costs.get(name, 0))
        return sum(
            count * int(self.costs.get((name, channel), own))
            for (what, arm, _, channel), count in totals.items()
            if (what, arm) == ("contacts through", name)
        )

    def _funnel(self, totals: Totals) -> pd.DataFrame:
        channels = sorted({key[3] for key, count in totals.items() if key[0] == "reached" and count})
        rows = []
        for arm in self.arms:
            everyone = totals["customers", arm, "", ""]
            for channel in channels or [ANY]:
                reached = {step: totals["reached", arm, step, channel] for step in STEPS}
                reached["assigned"] = everyone if channel == ANY else 0
                rows += [(arm, channel, step, count, everyone) for step, count in reached.items() if count]
        frame = pd.DataFrame(rows, columns=["arm", "channel", "event", "customers", "assigned"])
        return frame.assign(share=frame["customers"] / frame["assigned"])
