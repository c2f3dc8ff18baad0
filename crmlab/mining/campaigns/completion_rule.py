"""Completion rules: what is done after an event, or after an event that others do not follow."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crmlab.errors import ParameterError, did_you_mean
from crmlab.tables import CHANNELS, TABLES

#: What can happen to a customer in a campaign, in the order in which it does.
EVENTS: tuple[str, ...] = tuple(TABLES["campaign_events"]["event"].allowed or ())
#: The action that ends all contact with a customer.
STOP = "stop"
#: What the sending of something leads to without the customer doing anything.
_BY_ITSELF = ("sent", "delivered", "bounced")


@dataclass(frozen=True)
class CompletionRule:
    """What is done after an event, or after an event that others do not follow.

    Attributes
    ----------
    after
        The event that it begins with, one of `EVENTS`.
    action
        Channel of the next contact, or ``"stop"``: no contact any more.
    within
        Without `unless`: the event counts only so long after the first sending (the assignment if
        nothing was sent). With it: how long `unless` is waited for.
    unless
        The action is taken if this event has not happened by the end of `within` after the first
        `after`; "" for none.
    arm, channel, link
        The event counts only in this arm, through this channel, on this link; "" for any. Without a
        channel, what was sent, delivered or bounced counts only through the channel of the arm: a rule
        for e-mails that bounce is none for the letters that follow.
    delay
        From the moment that decides until the action is due.
    cost_per_contact
        Of the action, in minor units of the campaign's currency.
    """

    after: str
    action: str
    within: datetime.timedelta | None = None
    unless: str = ""
    arm: str = ""
    channel: str = ""
    link: str = ""
    delay: datetime.timedelta = datetime.timedelta(0)
    cost_per_contact: int = 0

    def __post_init__(self) -> None:
        where = f"[[rule]] {self.title!r}"
        one_of(self.after, EVENTS, where, "after")
        one_of(self.action, (*CHANNELS, STOP), where, "action")
        if self.channel:
            one_of(self.channel, CHANNELS, where, "channel")
        if self.unless:
            one_of(self.unless, EVENTS, where, "unless")
            if self.within is None:
                raise ParameterError(
                    f'{where}: unless needs within, such as within = "3 days": how long to wait.'
                )
            if self.unless == self.after:
                raise ParameterError(f"{where}: unless is to be another event than after.")
        if self.within is not None and self.within <= datetime.timedelta(0):
            raise ParameterError(f"{where}: within is to be longer than nothing.")
        if self.delay < datetime.timedelta(0):
            raise ParameterError(f"{where}: delay cannot be before the event.")
        if self.cost_per_contact < 0:
            raise ParameterError(f"{where}: cost_per_contact cannot be below 0.")

    @property
    def title(self) -> str:
        """The rule in words.

        >>> CompletionRule("clicked", "phone", datetime.timedelta(days=3), link="B").title
        'clicked link B within 3 days -> phone'
        """
        said = [self.after, *(f"{name} {part}" for name, part in self.which.items())]
        if self.unless:
            said.append(f"but not {self.unless}")
        if self.within is not None:
            said.append(f"within {in_words(self.within)}")
        said.append(f"-> {self.action}")
        if self.delay:
            said.append(f"after {in_words(self.delay)}")
        return " ".join(said)

    @property
    def of_sending(self) -> bool:
        """Whether it begins with what a sending leads to without the customer doing anything."""
        return self.after in _BY_ITSELF

    @property
    def which(self) -> dict[str, str]:
        """What narrows the event down: link, channel and arm, as far as they are named."""
        return {name: getattr(self, name) for name in ("link", "channel", "arm") if getattr(self, name)}


def find_loop(rules: Iterable[CompletionRule], channels: Mapping[str, str]) -> str:
    """A sentence about rules that call each other without end; "" if there are none.

    What is sent is sent, delivered or bounced without the customer doing anything, so a rule that
    begins with one of these can follow on the action of another. A chain of such rules that comes
    back to where it began would go on for ever. Opening, clicking, visiting and buying take a
    customer who does something each time, so they end a chain.

    Parameters
    ----------
    channels
        Channel of each arm.

    Examples
    --------
    >>> find_loop([CompletionRule("bounced", "email")], {"offer": "email"})[:68]
    "rules loop without end in the arm 'offer': 'bounced -> email' leads "
    >>> find_loop([CompletionRule("bounced", "post")], {"offer": "email"})
    ''
    """
    automatic = [rule for rule in rules if rule.of_sending and rule.action != STOP and not rule.link]
    for arm, channel in channels.items():
        ours = [rule for rule in automatic if rule.arm in ("", arm)]
        follow = {
            place: [n for n, other in enumerate(ours) if (other.channel or channel) == rule.action]
            for place, rule in enumerate(ours)
        }
        for start in follow:
            if way := _way_back(start, follow):
                chain = [repr(ours[place].title) for place in (*way, start)]
                said = " leads to ".join(chain if len(way) > 1 else [chain[0], "itself"])
                return (
                    f"rules loop without end in the arm {arm!r}: {said}; take another action for one of "
                    'them, or begin with "assigned", which happens once.'
                )
    return ""


def _way_back(start: int, follow: dict[int, list[int]]) -> list[int]:
    """The shortest way from a rule back to itself; empty if there is none."""
    ways, seen = [[start]], set()
    for way in ways:
        for place in follow[way[-1]]:
            if place == start:
                return way
            if place not in seen:
                seen.add(place)
                ways.append([*way, place])
    return []


#: Units of time in which a length is told; weeks are told in days, as a campaign counts.
_UNITS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


def counted(length: datetime.timedelta) -> tuple[int, str]:
    """A length of time as a whole number of the longest unit that it is one of.

    >>> counted(datetime.timedelta(hours=36))
    (36, 'hour')
    """
    seconds = round(length.total_seconds())
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return seconds // _UNITS[unit], unit


def in_words(length: datetime.timedelta) -> str:
    """A length of time as it is written in a definition.

    >>> in_words(datetime.timedelta(days=3)), in_words(datetime.timedelta(hours=1))
    ('3 days', '1 hour')
    """
    number, unit = counted(length)
    return f"{number} {unit}{'s' * (number != 1)}"


def need(value: str, where: str, name: str) -> None:
    """Refuse a text that says nothing."""
    if not value.strip():
        raise ParameterError(f"{where} needs a {name}.")


def one_of(value: str, allowed: Iterable[str], where: str, name: str) -> None:
    """Refuse a value that is not among those allowed."""
    if value not in allowed:
        raise ParameterError(f"{where}: {name} cannot be {value!r}{did_you_mean(value, allowed)}")
