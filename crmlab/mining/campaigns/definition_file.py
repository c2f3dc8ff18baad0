"""Definitions of campaigns as TOML files: read with a sentence for every mistake, and written."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from crmlab.calendars import as_day
from crmlab.errors import ParameterError, did_you_mean, one_line
from crmlab.letters import fold
from crmlab.mining.campaigns.completion_rule import CompletionRule, in_words
from crmlab.mining.campaigns.definition import Arm, Campaign, Exclusions, Indicator
from crmlab.tables import CHANNELS, TABLES

#: Entries of each part and what they hold; those with a ``!`` must be there.
_PARTS: Mapping[str, Mapping[str, str]] = {
    "campaign": {"campaign_id": "text!", "name": "text!", "goal": "text", "segment": "text!",
                 "currency": "text!", "decimals": "whole", "budget": "number", "started_at": "day!",
                 "ended_at": "day!", "seed": "whole"},
    "exclusions": {"at_most": "whole", "days": "whole", "conditions": "texts"},
    "control": {"name": "text", "share": "number!"},
    "arm": {"name": "text!", "channel": "channel!", "share": "number", "offer": "text",
            "cost_per_contact": "number"},
    "rule": {"after": "event!", "action": "channel!", "within": "span", "unless": "event", "arm": "text",
             "channel": "channel", "link": "text", "delay": "span", "cost_per_contact": "number"},
    "indicator": {"name": "text!", "event": "event", "measure": "text", "target": "number!",
                  "horizon": "whole!"},
}  # fmt: skip
#: Parts that there can be several of, in two pairs of brackets.
_MANY = ("arm", "rule", "indicator")
_KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "text": (str, "text in quotes"),
    "channel": (str, "a channel in quotes, such as \"email\""),
    "event": (str, "an event in quotes, such as \"clicked\""),
    "whole": (int, "a whole number"),
    "number": ((int, Decimal), "a number such as 0.5"),
    "texts": (list, "a list of texts, such as [\"open_tickets > 0\"]"),
    "day": ((str, datetime.date), "a day such as 2025-04-15 or \"1404/01/26\""),
    "span": ((str, int), "a length of time such as \"3 days\""),
}  # fmt: skip
_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_PERSIAN = {"هفته": "week", "روز": "day", "ساعت": "hour", "دقیقه": "minute", "ثانیه": "second"}


def definition_of(workspace: str | Path, campaign_id: str) -> Campaign | None:
    """The definition of a campaign among the files ``campaigns/*.toml`` of a workspace, or None.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    campaign_id
        As in the definition and in the campaign's events.

    Raises
    ------
    ParameterError
        If a file cannot be read and none of the others is the definition.
    """
    faults = []
    for path in sorted((Path(workspace) / "campaigns").glob("*.toml")):
        try:
            found = read_definition(path)
        except ParameterError as error:
            faults.append(error)
            continue
        if found.campaign_id == campaign_id:
            return found
    if faults:
        raise faults[0]
    return None


def read_definition(path: Path) -> Campaign:
    """The campaign that a file defines; see `Campaign.read`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ParameterError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except FileNotFoundError:
        there = [other.name for other in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        raise ParameterError(f"There is no file {path}{did_you_mean(path.name, there)}") from None
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"{path} is not valid TOML: {one_line(str(error))}.") from None
    try:
        return _campaign(content)
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from None


def _campaign(content: dict[str, Any]) -> Campaign:
    for part in content:
        if part not in _PARTS:
            raise ParameterError(f"there is no part [{part}] of a campaign{did_you_mean(part, _PARTS)}")
    for part in ("campaign", "control"):
        if part not in content:
            raise ParameterError(f"the part [{part}] is missing.")
    head, control = _entries(content, "campaign"), _entries(content, "control")
    currency = head["currency"]
    decimals = head.pop("decimals", None)
    if decimals is None:
        decimals = decimals_of(currency)
    elif not 0 <= decimals <= 6:
        raise ParameterError(f"[campaign]: decimals is a number from 0 to 6, not {decimals}.")

    def money(entries: dict[str, Any], where: str, name: str) -> dict[str, Any]:
        return (
            entries | {name: minor(entries[name], decimals, currency, f"{where}: {name}")}
            if name in entries
            else entries
        )

    head = money(head, "[campaign]", "budget")
    arms = [money(arm, f"[[arm]] {arm['name']!r}", "cost_per_contact") for arm in _entries_of(content, "arm")]
    rules = [money(rule, "[[rule]]", "cost_per_contact") for rule in _entries_of(content, "rule")]
    indicators = [
        money(entries, f"[[indicator]] {entries['name']!r}", "target") if entries.get("measure") else entries
        for entries in _entries_of(content, "indicator")
    ]
    share = float(control["share"])
    exclusions = _entries(content, "exclusions")
    return Campaign(
        **{"goal": "", **head},
        decimals=decimals,
        arms=tuple(Arm(**arm) for arm in _with_shares(arms, share)),
        control=control.get("name", "control"),
        control_share=share,
        exclusions=Exclusions(**exclusions | {"conditions": tuple(exclusions.get("conditions", ()))}),
        rules=tuple(CompletionRule(**rule) for rule in rules),
        indicators=tuple(
            Indicator(
                **entries
                | {"target": float(entries["target"]) if entries.get("event") else entries["target"]}
            )
            for entries in indicators
        ),
    )


def _with_shares(arms: list[dict[str, Any]], control_share: float) -> list[dict[str, Any]]:
    """Arms whose share is not told have equal parts of what the others leave."""
    silent = [arm for arm in arms if "share" not in arm]
    told = sum((Decimal(str(arm["share"])) for arm in arms if "share" in arm), Decimal(str(control_share)))
    if silent and told >= 1:
        raise ParameterError(
            f"[[arm]] {silent[0]['name']!r}: other shares add up to {float(told):g}, which leaves it none."
        )
    rest = float((1 - told) / len(silent)) if silent else 0.0
    return [arm | {"share": float(arm.get("share", rest))} for arm in arms]


def _entries(content: dict[str, Any], part: str) -> dict[str, Any]:
    entries = content.get(part, {})
    if not isinstance(entries, dict):
        raise ParameterError(f"{part} is a part that begins with [{part}], in one pair of brackets.")
    return _checked(entries, part, f"[{part}]")


def _entries_of(content: dict[str, Any], part: str) -> list[dict[str, Any]]:
    several = content.get(part, [])
    if not isinstance(several, list) or not all(isinstance(entries, dict) for entries in several):
        raise ParameterError(f"each {part} begins with [[{part}]], in two pairs of brackets.")
    return [
        _checked(entries, part, f"[[{part}]] {_called(entries, place)}")
        for place, entries in enumerate(several, 1)
    ]


def _called(entries: dict[str, Any], place: int) -> str:
    """By which a reader finds one of several parts: its name, or its place from the top."""
    name = entries.get("name")
    return repr(name) if isinstance(name, str) and name else f"number {place}"


def _checked(entries: dict[str, Any], part: str, where: str) -> dict[str, Any]:
    known, found = _PARTS[part], {}
    for name, value in entries.items():
        if name not in known:
            raise ParameterError(f"{where} has no entry {name!r}{did_you_mean(name, known)}")
        kind = known[name].rstrip("!")
        types, wanted = _KINDS[kind]
        fits = isinstance(value, types) and not isinstance(value, bool)
        if kind == "number" and isinstance(value, Decimal):
            fits = value.is_finite()
        if kind == "texts":
            fits = fits and all(isinstance(item, str) for item in value)
        if not fits:
            raise ParameterError(f"{where}: {name} is to be {wanted}.")
        found[name] = _READ.get(kind, lambda value, where: value)(value, f"{where}: {name}")
    for name, kind in known.items():
        if kind.endswith("!") and name not in entries:
            raise ParameterError(f"{where} needs the entry {name}: {_KINDS[kind.rstrip('!')][1]}.")
    return found


def _day(value: str | datetime.date, where: str) -> datetime.date:
    return as_day(fold(value) if isinstance(value, str) else value, where)


def span(value: str | int, where: str = "A length of time") -> datetime.timedelta:
    """A length of time, in English or Persian; a number without a unit is one of days.

    Raises
    ------
    ParameterError
        If it cannot be understood.

    Examples
    --------
    >>> span("36 hours"), span("۳ روز"), span(2)
    (datetime.timedelta(days=1, seconds=43200), datetime.timedelta(days=3), datetime.timedelta(days=2))
    """
    text = fold(str(value)).casefold()
    read = re.fullmatch(r"(\d{1,9}) *([^\W\d]*)", text)
    unit = read and (_PERSIAN.get(read[2]) or read[2].removesuffix("s") or "day")
    if not read or unit not in _SECONDS:
        units = ", ".join(f"{name}s" for name in _SECONDS)
        raise ParameterError(f'{where} is a whole number of {units}, such as "3 days", not {value!r}.')
    return datetime.timedelta(seconds=int(read[1]) * _SECONDS[unit])


def _spelled(names: Mapping[Any, tuple[str, ...]]) -> Callable[[str, str], str]:
    """Takes other spellings of a name, such as "call" or "تلفن", to the name; other words stay."""
    known = {
        fold(str(word)).casefold(): str(name) for name, words in names.items() for word in (*words, name)
    }
    return lambda value, where: known.get(fold(value).casefold(), value)


_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "day": _day, "span": span, "channel": _spelled(CHANNELS),
    "event": _spelled(TABLES["campaign_events"]["event"].allowed or {}),
}  # fmt: skip


def decimals_of(currency: str) -> int:
    """Digits after the decimal mark of a currency.

    Raises
    ------
    ParameterError
        If there is no such currency.

    Examples
    --------
    >>> decimals_of("EUR"), decimals_of("JPY")
    (2, 0)
    """
    from babel.numbers import get_currency_precision, list_currencies

    if currency == "IRT":  # toman: no ISO code, but what prices are told in
        return 0
    if currency not in list_currencies():
        raise ParameterError(
            f"[campaign]: currency is the code of a currency, such as EUR, USD, IRR or IRT, not {currency!r}."
        )
    return get_currency_precision(currency)


def minor(amount: int | Decimal, decimals: int, currency: str, where: str) -> int:
    """An amount in whole units of a currency as one of minor units.

    >>> minor(Decimal("0.05"), 2, "EUR", "cost")
    5
    """
    found = Decimal(amount) * 10**decimals
    if found != found.to_integral_value():
        raise ParameterError(
            f"{where} is {amount}, but {currency} is reckoned with {decimals} digits after the decimal mark; "
            "round it, or set decimals in [campaign]."
        )
    if abs(found) >= 2**63:
        raise ParameterError(f"{where} is {amount}, which is too large.")
    return int(found)


def written(campaign: Campaign) -> str:
    """The definition as a TOML file; see `Campaign.to_toml`."""

    def major(amount: float) -> Decimal:
        return Decimal(amount).scaleb(-campaign.decimals)

    c, e = campaign, campaign.exclusions
    head = {"campaign_id": c.campaign_id, "name": c.name, "goal": c.goal, "segment": c.segment,
            "currency": c.currency, "decimals": c.decimals,
            "budget": None if c.budget is None else major(c.budget),
            "started_at": c.started_at, "ended_at": c.ended_at, "seed": c.seed}  # fmt: skip
    parts = [
        ("[campaign]", head),
        ("[exclusions]", {"at_most": e.at_most, "days": e.days, "conditions": list(e.conditions)}),
        ("[control]", {"name": c.control, "share": c.control_share}),
    ]
    for arm in c.arms:
        entries = vars(arm) | {"cost_per_contact": major(arm.cost_per_contact)}
        parts.append(("[[arm]]", entries))
    for rule in c.rules:
        spans = {name: in_words(length) if length else None for name, length in
                 (("within", rule.within), ("delay", rule.delay))}  # fmt: skip
        parts.append(("[[rule]]", vars(rule) | spans | {"cost_per_contact": major(rule.cost_per_contact)}))
    for indicator in c.indicators:
        target = major(indicator.target) if indicator.measure else indicator.target
        parts.append(("[[indicator]]", vars(indicator) | {"target": target}))
    return "\n".join(_part(heading, entries) for heading, entries in parts)


def _part(heading: str, entries: Mapping[str, Any]) -> str:
    lines = [f"{name} = {_value(value)}" for name, value in entries.items() if value not in (None, "", [])]
    return "\n".join([heading, *lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, str):
        # The one sign that JSON leaves as it is and TOML does not allow.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
