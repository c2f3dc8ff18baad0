"""Completion rules done row by row in plain Python: the oracle for those done in the engine."""

from collections import defaultdict


def plain_actions(rows, rules, as_of, control=None, channels=None):
    """The next action of each customer, a list of dicts; rows are dicts of one campaign's events."""
    people = defaultdict(list)
    for row in rows:
        people[row["customer_id"]].append(row)
    found = [next_of(events, rules, as_of, control, channels or {}) for _, events in sorted(people.items())]
    return [action for action in found if action]


def known(value):
    """Whether a cell holds something: neither None nor NaN nor NaT."""
    return value is not None and value == value


def next_of(events, rules, as_of, control, channels):
    """What is to be done next with one customer."""
    assigned = [e for e in events if e["event"] == "assigned" and known(e["time"]) and e["time"] <= as_of]
    arms = {e["arm"] for e in assigned}
    begun = min((e["time"] for e in assigned), default=None)
    proper = [
        e for e in events
        if len(arms) == 1 and e["arm"] in arms and known(e["time"]) and begun <= e["time"] <= as_of
    ]  # fmt: skip
    since = min((e["time"] for e in proper if e["event"] == "sent"), default=begun)
    candidates, stops = [], []
    for number, rule in enumerate(rules, 1):
        at_once = rule.action == "stop" and rule.within is None
        times = []
        for e in events if at_once else proper:
            if fits(rule, e, channels):
                times.append(min(e["time"], as_of) if known(e["time"]) else as_of)
        if not times:
            continue
        decided = first = min(times)
        if rule.unless:
            decided = first + rule.within
            others = [e["time"] for e in proper if e["event"] == rule.unless]
            if decided > as_of or any(time <= decided for time in others):
                continue
        elif rule.within is not None and first > since + rule.within:
            continue
        due = decided + rule.delay
        entry = {
            "customer_id": events[0]["customer_id"], "arm": min(arms, default=None), "action": rule.action,
            "due": due, "rule": number, "why": rule.title, "event": rule.after, "event_time": first,
        }  # fmt: skip
        if rule.action == "stop":
            stops.append(entry)
            continue
        follows = rule.after == "sent" and not rule.unless
        sendings = [e["time"] for e in proper if e["event"] == "sent" and e["channel"] == rule.action]
        if any(time > decided or (time == decided and not follows) for time in sendings):
            continue
        if control is None or min(arms) != control:
            candidates.append(entry)
    if stops:
        end = min(stop["due"] for stop in stops)
        candidates = [c for c in candidates if c["due"] < end and end > as_of]
    return min(candidates + stops, key=lambda entry: (entry["due"], entry["rule"]), default=None)


def fits(rule, event, channels):
    """Whether an event is one that a rule begins with."""
    if event["event"] != rule.after:
        return False
    if rule.arm and event["arm"] != rule.arm:
        return False
    if rule.link and event["link"] != rule.link:
        return False
    if rule.channel:
        return event["channel"] == rule.channel
    if rule.after in ("sent", "delivered", "bounced") and channels:
        return not known(event["channel"]) or event["channel"] == channels.get(event["arm"])
    return True
