"""A campaign's definition for readers: as a card, and its completion rules as ways to be drawn."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from crmlab.mining.campaigns.completion_rule import STOP, CompletionRule, counted
from crmlab.mining.campaigns.definition import ALL

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.mining.campaigns.definition import Arm, Campaign, Indicator


def card(campaign: Campaign, tongue: Any) -> pd.DataFrame:
    """All that a definition says, a row for each thing.

    Parameters
    ----------
    tongue
        The language, as `crmlab.locale.language` gives it.

    Returns
    -------
    DataFrame
        `what` and `said`, in the order of a definition. Names, offers and conditions stay as they are.

    Examples
    --------
    >>> from crmlab.locale import language
    >>> from crmlab.mining.campaigns import Arm, Campaign
    >>> spring = Campaign("M1", "Spring", "more purchases", "recency > 60", datetime.date(2025, 4, 15),
    ...     datetime.date(2025, 5, 12), "EUR", 2, (Arm("offer", "email", 0.8),), "control", 0.2)
    >>> card(spring, language("en")).set_index("what")["said"]["Control group"]
    'control: 20% of the customers, not contacted'
    """
    import pandas as pd

    same = campaign.name == campaign.campaign_id
    rows = [("Campaign", campaign.name if same else f"{campaign.name} ({campaign.campaign_id})")]
    rows += [("Goal", campaign.goal)] if campaign.goal else []
    rows += [
        ("Segment", tongue("all customers") if campaign.segment == ALL else campaign.segment),
        ("Time", tongue("{first} to {last}", first=campaign.started_at, last=campaign.ended_at)),
        (
            "Budget",
            tongue("no limit") if campaign.budget is None else _money(campaign, campaign.budget, tongue),
        ),
    ]
    rows += [("Not contacted", said) for said in _exclusions(campaign, tongue)]
    rows += [("Arm", _arm(campaign, arm, tongue)) for arm in campaign.arms]
    left = tongue("{name}: {share} of the customers, not contacted", name=campaign.control,
                  share=tongue.percent(campaign.control_share, 0))  # fmt: skip
    rows.append(("Control group", left))
    rows += [("Rule", _rule(campaign, rule, tongue)) for rule in campaign.rules]
    rows += [("Success", _indicator(campaign, indicator, tongue)) for indicator in campaign.indicators]
    rows.append(("Seed", tongue.digits(str(campaign.seed))))
    return pd.DataFrame([(tongue(what), said) for what, said in rows], columns=["what", "said"], dtype="str")


def rule_steps(campaign: Campaign, tongue: Any) -> pd.DataFrame:
    """The completion rules as ways: who, what happens, how long it takes, what is done.

    Returns
    -------
    DataFrame
        A row per rule, in their order: `arm`, `event`, `wait` and `action`, in words of the language;
        what is said of time stands on a line each. `crmlab.figures.ways` draws them.

    Examples
    --------
    >>> from crmlab.locale import language
    >>> from crmlab.mining.campaigns import Arm, Campaign
    >>> call = CompletionRule("clicked", "phone", link="B", delay=datetime.timedelta(hours=4))
    >>> spring = Campaign("M1", "Spring", "more purchases", "recency > 60", datetime.date(2025, 4, 15),
    ...     datetime.date(2025, 5, 12), "EUR", 2, (Arm("offer", "email", 0.8),), "control", 0.2,
    ...     rules=(call,))
    >>> rule_steps(spring, language("en")).values.tolist()
    [['all arms', 'clicked, link B', 'due 4 hours later', 'phone']]
    """
    import pandas as pd

    rows = [
        (
            rule.arm or tongue("all arms"),
            _event(rule, tongue),
            "\n".join(_waits(rule, tongue)),
            _action(rule, tongue),
        )
        for rule in campaign.rules
    ]
    return pd.DataFrame(rows, columns=["arm", "event", "wait", "action"], dtype="str")


def _money(campaign: Campaign, amount: float, tongue: Any) -> str:
    return tongue.money(amount, campaign.decimals, campaign.currency)


def _exclusions(campaign: Campaign, tongue: Any) -> list[str]:
    said = [tongue("who refused contact through the channel")]
    exclusions = campaign.exclusions
    if exclusions.at_most is not None:
        days = _span(datetime.timedelta(days=exclusions.days), tongue)
        said.append(
            tongue("who had {n} {n:contact|contacts} by campaigns within the last {days}",
                   n=exclusions.at_most, days=days)
        )  # fmt: skip
    return said + [
        tongue("who meets: {condition}", condition=condition) for condition in exclusions.conditions
    ]


def _arm(campaign: Campaign, arm: Arm, tongue: Any) -> str:
    said = tongue(
        "{name}: {share} of the customers, by {channel}, {cost} per contact", name=arm.name,
        share=tongue.percent(arm.share, 0), channel=tongue(arm.channel),
        cost=_money(campaign, arm.cost_per_contact, tongue),
    )  # fmt: skip
    return tongue("{said}; offer: {offer}", said=said, offer=arm.offer) if arm.offer else said


def _rule(campaign: Campaign, rule: CompletionRule, tongue: Any) -> str:
    conditions = [_event(rule, tongue), *([rule.arm] if rule.arm else []), *_waits(rule, tongue)]
    said = tongue("{event} → {action}", event=tongue("; ").join(conditions), action=_action(rule, tongue))
    if not rule.cost_per_contact:
        return said
    cost = _money(campaign, rule.cost_per_contact, tongue)
    return tongue("{said}, {cost} per contact", said=said, cost=cost)


def _event(rule: CompletionRule, tongue: Any) -> str:
    parts = [tongue(rule.after)]
    if rule.channel:
        parts.append(tongue(rule.channel))
    if rule.link:
        parts.append(tongue("link {link}", link=rule.link))
    if rule.unless:
        parts.append(tongue("not {event}", event=tongue(rule.unless)))
    return tongue(", ").join(parts)


def _waits(rule: CompletionRule, tongue: Any) -> list[str]:
    """What a rule says of time."""
    said = []
    if rule.within is not None:
        span = _span(rule.within, tongue)
        said.append(
            tongue("for {span}", span=span) if rule.unless
            else tongue("within {span} of the first sending", span=span)
        )  # fmt: skip
    if rule.delay:
        said.append(tongue("due {span} later", span=_span(rule.delay, tongue)))
    return said


def _action(rule: CompletionRule, tongue: Any) -> str:
    return tongue("no more contact") if rule.action == STOP else tongue(rule.action)


def _indicator(campaign: Campaign, indicator: Indicator, tongue: Any) -> str:
    days = _span(datetime.timedelta(days=indicator.horizon), tongue)
    if indicator.event:
        return tongue(
            "{name}: {event}, {share} of the customers or more within {days}", name=indicator.name,
            event=tongue(indicator.event), share=tongue.percent(indicator.target, 1), days=days,
        )  # fmt: skip
    return tongue(
        "{name}: {measure} per customer, {amount} or more within {days}", name=indicator.name,
        measure=tongue(indicator.measure), amount=_money(campaign, indicator.target, tongue), days=days,
    )  # fmt: skip


#: A number of each unit of time, by its name.
_SPANS = {
    "day": "{n:,} {n:day|days}", "hour": "{n:,} {n:hour|hours}", "minute": "{n:,} {n:minute|minutes}",
    "second": "{n:,} {n:second|seconds}",
}  # fmt: skip


def _span(length: datetime.timedelta, tongue: Any) -> str:
    number, unit = counted(length)
    return tongue(_SPANS[unit], n=number)
