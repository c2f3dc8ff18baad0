"""What a campaign is: whom it addresses, with which offers, and what is done about their reactions.

A campaign is written down in a file that a marketer can read, see `Campaign.read`; what is said in it
is settled here, so that a `Campaign` that exists can be carried out.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from crmlab.conditions import columns_of, parse
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.campaigns.completion_rule import EVENTS, STOP, CompletionRule, find_loop, need, one_of
from crmlab.tables import CHANNELS

#: The segment that is everyone.
ALL = "all"
#: What an indicator can measure besides the share of customers with an event: amounts per customer.
MEASURES = ("revenue", "cost", "profit")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Arm:
    """One way in which customers are addressed.

    Attributes
    ----------
    name
        What the arm is called in the events.
    channel
        Through which customers are contacted, one of `crmlab.tables.CHANNELS`.
    share
        Of the customers addressed, from 0 to 1.
    offer
        What is offered.
    cost_per_contact
        In minor units of the campaign's currency.
    """

    name: str
    channel: str
    share: float
    offer: str = ""
    cost_per_contact: int = 0

    def __post_init__(self) -> None:
        where = f"[[arm]] {self.name!r}"
        need(self.name, "[[arm]]", "name")
        one_of(self.channel, CHANNELS, where, "channel")
        if not 0 < self.share < 1:
            raise ParameterError(f"{where}: share is a number between 0 and 1, not {self.share!r}.")
        if self.cost_per_contact < 0:
            raise ParameterError(f"{where}: cost_per_contact cannot be below 0.")


@dataclass(frozen=True)
class Exclusions:
    """Who is not contacted besides those who refuse contact, who never are.

    Attributes
    ----------
    at_most, days
        Contact pressure: nobody who had `at_most` contacts by campaigns within the last `days` days
        gets another one; no limit if `at_most` is None.
    conditions
        Conditions over the profile; who meets any of them is left out.
    """

    at_most: int | None = None
    days: int = 30
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.at_most is not None and self.at_most < 1:
            raise ParameterError(
                f"[exclusions]: at_most is a whole number from 1, not {self.at_most}: "
                "else nobody could be contacted."
            )
        if self.days < 1:
            raise ParameterError(f"[exclusions]: days is a whole number from 1, not {self.days}.")
        for condition in self.conditions:
            _check_condition(condition, "[exclusions]", "conditions")


@dataclass(frozen=True)
class Indicator:
    """By what it is told whether the campaign succeeded.

    Attributes
    ----------
    name
        What it is called.
    event, measure
        One of both: the share of customers with this event, or an amount per customer, one of
        `MEASURES`.
    target
        To be reached: a share from 0 to 1, or an amount in minor units.
    horizon
        Days after the assignment that count.
    """

    name: str
    target: float
    horizon: int
    event: str = ""
    measure: str = ""

    def __post_init__(self) -> None:
        where = f"[[indicator]] {self.name!r}"
        need(self.name, "[[indicator]]", "name")
        if bool(self.event) == bool(self.measure):
            raise ParameterError(f"{where}: it needs one of event and measure.")
        if self.event:
            one_of(self.event, EVENTS, where, "event")
            if not 0 <= self.target <= 1:
                raise ParameterError(
                    f"{where}: target is a share of customers, from 0 to 1, not {self.target!r}."
                )
        else:
            one_of(self.measure, MEASURES, where, "measure")
        if self.horizon < 1:
            raise ParameterError(f"{where}: horizon is a whole number of days from 1, not {self.horizon}.")


@dataclass(frozen=True)
class Campaign:
    """A campaign as it is defined.

    Attributes
    ----------
    campaign_id, name, goal
        Its id in the events, its name, and what it is for.
    segment
        Whom it addresses: a condition over the profile (see `crmlab.conditions`), or ``"all"``.
    started_at, ended_at
        First and last day.
    currency, decimals
        ISO code, and digits after its decimal mark: amounts here are whole minor units.
    arms
        At least one. With the control group their shares add up to 1.
    control, control_share
        Name and share of the group that is not contacted.
    budget
        Money set aside, in minor units; None if there is no limit.
    exclusions, rules, indicators
        See `Exclusions`, `CompletionRule` and `Indicator`. Where several rules call for an action at the
        same time, the first of them counts.
    seed
        Begins every random choice, so that it can be repeated.

    Examples
    --------
    >>> spring = Campaign("M1", "Spring", "more purchases", "recency > 60", datetime.date(2025, 4, 15),
    ...     datetime.date(2025, 5, 12), "EUR", 2, (Arm("offer", "email", 0.8),), "control", 0.2)
    >>> spring.arm("offer").channel
    'email'
    """

    campaign_id: str
    name: str
    goal: str
    segment: str
    started_at: datetime.date
    ended_at: datetime.date
    currency: str
    decimals: int
    arms: tuple[Arm, ...]
    control: str
    control_share: float
    budget: int | None = None
    exclusions: Exclusions = field(default_factory=Exclusions)
    rules: tuple[CompletionRule, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("campaign_id", "name", "segment"):
            need(getattr(self, name), "[campaign]", name)
        if self.segment != ALL:
            _check_condition(self.segment, "[campaign]", "segment")
        if self.ended_at < self.started_at:
            raise ParameterError(
                f"[campaign]: ended_at ({self.ended_at}) lies before started_at ({self.started_at})."
            )
        if self.budget is not None and self.budget < 0:
            raise ParameterError("[campaign]: budget cannot be below 0.")
        self._check_arms()
        self._check_rules()
        _no_twins([indicator.name for indicator in self.indicators], "[[indicator]]", "indicators")

    def _check_arms(self) -> None:
        need(self.control, "[control]", "name")
        if not 0 < self.control_share < 1:
            raise ParameterError(
                f"[control]: share is a number between 0 and 1, not {self.control_share!r}; without a group "
                "that is not contacted nobody can tell what the campaign changed."
            )
        if not self.arms:
            raise ParameterError("A campaign needs an [[arm]]: a name, a channel and a share.")
        _no_twins([self.control, *(arm.name for arm in self.arms)], "[[arm]]", "arms")
        total = self.control_share + sum(arm.share for arm in self.arms)
        if abs(total - 1) > _ROUNDING * 10:
            said = ", ".join(f"{arm.name} {arm.share:g}" for arm in self.arms)
            wrong = "so that arms overlap" if total > 1 else "so that some customers are in no arm"
            raise ParameterError(
                f"[[arm]]: the shares are to add up to 1, not to {total:g}, {wrong}: "
                f"{self.control} {self.control_share:g}, {said}."
            )

    def _check_rules(self) -> None:
        names = [self.control, *(arm.name for arm in self.arms)]
        for rule in self.rules:
            if rule.arm and rule.arm not in names:
                raise ParameterError(
                    f"[[rule]] {rule.title!r}: there is no arm {rule.arm!r}{did_you_mean(rule.arm, names)}"
                )
            if rule.arm == self.control and rule.action != STOP:
                raise ParameterError(
                    f"[[rule]] {rule.title!r}: the control group {rule.arm!r} is not contacted."
                )
        titles = [rule.title for rule in self.rules]
        for title in titles:
            if titles.count(title) > 1:
                raise ParameterError(f"[[rule]] {title!r} is there twice.")
        if loop := find_loop(self.rules, {arm.name: arm.channel for arm in self.arms}):
            raise ParameterError(f"[[rule]]: {loop}")

    @classmethod
    def read(cls, path: str | Path) -> Campaign:
        """The campaign that a file defines.

        Parameters
        ----------
        path
            A TOML file, see `starter` for one with every entry explained. Amounts stand in it in whole
            units of the currency; days in either calendar.

        Raises
        ------
        ParameterError
            In one sentence that names the file, the part and the entry, and what is allowed.
        """
        from crmlab.mining.campaigns.definition_file import read_definition

        return read_definition(Path(path))

    def to_toml(self) -> str:
        """The definition as text, from which `read` makes an equal campaign."""
        from crmlab.mining.campaigns.definition_file import written

        return written(self)

    def write(self, path: str | Path) -> None:
        """Write the definition to a file, which `read` reads."""
        try:
            Path(path).write_text(self.to_toml(), encoding="utf-8", newline="\n")
        except OSError as error:
            raise ParameterError(f"{path} cannot be written: {error.strerror or error}.") from None

    def check(self, columns: Iterable[str]) -> None:
        """Make sure that the segment and the exclusions ask for columns that there are.

        Parameters
        ----------
        columns
            Names of the columns of the profile; a profile will do.

        Raises
        ------
        ParameterError
            Naming the first column that is not there, and the nearest name.
        """
        known = [str(column) for column in columns]
        asked = [("segment in [campaign]", self.segment)] if self.segment != ALL else []
        asked += [("conditions in [exclusions]", condition) for condition in self.exclusions.conditions]
        for where, condition in asked:
            for table, name in columns_of(parse(condition)):
                if table or name not in known:
                    name = f"{table}.{name}" if table else name
                    raise ParameterError(
                        f"{where}, {condition!r}: the profile has no column {name!r}"
                        + did_you_mean(name, known)
                    )

    @property
    def contact_costs(self) -> dict[str | tuple[str, str], int]:
        """Cost of one contact in minor units: of each arm, and of its rules' contacts through other channels.

        Of several rules for one channel the first counts.

        >>> call = CompletionRule("clicked", "phone", cost_per_contact=300)
        >>> arms = (Arm("offer", "email", 0.8, cost_per_contact=1),)
        >>> spring = Campaign("M1", "Spring", "", "all", datetime.date(2025, 4, 15),
        ...     datetime.date(2025, 5, 12), "EUR", 2, arms, "control", 0.2, rules=(call,))
        >>> spring.contact_costs
        {'offer': 1, ('offer', 'phone'): 300}
        """
        found: dict[str | tuple[str, str], int] = {}
        for arm in self.arms:
            found[arm.name] = arm.cost_per_contact
            for rule in self.rules:
                if rule.action not in (STOP, arm.channel) and rule.arm in ("", arm.name):
                    found.setdefault((arm.name, rule.action), rule.cost_per_contact)
        return found

    def arm(self, name: str) -> Arm:
        """The arm called `name`; the control group is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise ParameterError(f"There is no arm {name!r}{did_you_mean(name, [arm.name for arm in self.arms])}")


def _check_condition(condition: str, where: str, name: str) -> None:
    try:
        parse(condition)
    except ParameterError as error:
        raise ParameterError(f"{where}: {name} {condition!r}: {error}") from None


def _no_twins(names: list[str], where: str, said: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(f"{where}: two {said} are called {name!r}; give each its own name.")
