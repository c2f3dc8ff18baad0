"""A campaign while it runs, at the command: one look at its events, the page, and the way into the tables."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmlab.cli.campaign_desk import EVENT_COLUMNS, Defined, all_events, has_events, register_of, write_text
from crmlab.cli.show import FINDING, print_table, working
from crmlab.errors import WorkspaceError

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.mining.campaigns import Campaign, Monitor, Snapshot
    from crmlab.widgets.monitor_view import MonitorView
    from crmlab.workspace import Workspace

#: Marks around names in sentences that may run the other way; a terminal shows them as boxes.
_ISOLATES = dict.fromkeys((0x2068, 0x2069))


def look(
    workspace: Workspace, one: Defined, folder: Path, actions: Path | None, record: bool,
    now: pd.Timestamp | None,
) -> int:  # fmt: skip
    """Count what has arrived and print it; the exit status."""
    from crmlab.arrivals import Arrivals
    from crmlab.locale import language
    from crmlab.widgets.monitor_view import MonitorView

    arrivals = Arrivals(folder, conventions=workspace.conventions)
    monitor = _monitor_of(workspace, one)
    with working("counting") as say:
        say(f"the events in {folder}")
        found = monitor.refresh(arrivals, now)
    mine = one.campaign
    view = MonitorView(language("en"), mine.currency, mine.decimals, mine.control)
    last = "" if found.last_event is None else f", last event {found.last_event:%Y-%m-%d %H:%M}"
    _print_counts(mine, found, view, f"{mine.name} on {found.at:%Y-%m-%d %H:%M}{last}")
    for sentence in view.verdicts(found):
        click.echo(sentence.translate(_ISOLATES))
    cost = int(found.arms["cost"].sum())
    if mine.budget is not None:
        click.echo(f"Contacts cost {view.money(cost)} so far, of a budget of {view.money(mine.budget)}.")
    wrong, known = view.warnings(found, arrivals.waiting)
    if mine.rules or actions:
        known += _say_actions(workspace, mine, folder, found.at, actions)
    for sentence in known:
        click.echo(sentence.translate(_ISOLATES))
    for sentence in wrong:
        click.echo(f"Look into it: {sentence.translate(_ISOLATES)}", err=True)
    if record:
        added, left_out = _record(workspace, one, monitor)
        for path in added:
            click.echo(f"Added to the sources in crmlab.toml: {path}")
        if left_out:
            said = "event that does" if left_out == 1 else "events that do"
            click.echo(f"Left out of the tables: {left_out:,} {said} not count.")
        click.echo(f'Next: crmlab campaign report "{one.name}" -w {workspace.path}')
    return FINDING if wrong else 0


def serve(
    workspace: Workspace, one: Defined, folder: Path, every: int, port: int | None, browser: bool,
    lang: str | None,
) -> int:  # fmt: skip
    """Serve the page of a running campaign until interrupted; the exit status."""
    import tempfile
    from dataclasses import asdict

    from crmlab.arrivals import Arrivals
    from crmlab.reporting import live
    from crmlab.reporting.watch import watch_notebook

    Arrivals(folder)  # says that there is no such folder before a page has to
    monitor, mine, port = _monitor_of(workspace, one), one.campaign, live.free_port(port)
    with tempfile.TemporaryDirectory(prefix="crmlab-watch-") as temporary:
        notebook = watch_notebook(
            monitor.parameters, folder, Path(temporary), name=mine.name, every=every,
            language=lang or workspace.settings.language, currency=mine.currency, decimals=mine.decimals,
            conventions=asdict(workspace.conventions),
        )  # fmt: skip
        return live.serve(notebook, port, browser, lambda address: click.echo(f"{address} until Ctrl-C"))


def _print_counts(mine: Campaign, found: Snapshot, view: MonitorView, title: str) -> None:
    lines = [
        [row.arm, f"{row.customers:,}", f"{row.responses:,}", view.tongue.percent(row.rate),
         view.money(row.revenue), view.money(row.per_customer), f"{row.contacts:,}", view.money(row.cost)]
        for row in found.arms.itertuples()
    ]  # fmt: skip
    heads = ["Arm", "Customers", "Responses", "Rate", "Revenue", "Per customer", "Contacts", "Cost"]
    print_table(title, lines, heads, right=tuple(range(1, 8)))
    reached = found.funnel[found.funnel["channel"] == ""]
    arms = [arm for arm in found.arms["arm"] if arm in set(reached["arm"])]
    cells = {(row.event, row.arm): f"{row.customers:,} ({row.share:.1%})" for row in reached.itertuples()}
    steps = [
        [step, *(cells.get((step, arm), "") for arm in arms)] for step in dict.fromkeys(reached["event"])
    ]
    if steps:
        print_table("Funnel", steps, ["Step", *arms], right=tuple(range(1, len(arms) + 1)))


def _say_actions(
    workspace: Workspace, mine: Campaign, folder: Path, now: pd.Timestamp, target: Path | None
) -> list[str]:
    """Print what is to be done next, by rule, and write what is due; what is good to know of it."""
    found, notes = _next_steps(workspace, mine, folder, now)
    lines = []
    for number, rule in enumerate(mine.rules, 1):
        ours = found[found["rule"] == number]
        due = int((ours["due"] <= now).sum())
        lines.append([rule.title, rule.action, f"{due:,}", f"{len(ours) - due:,}"])
    print_table("To be done next", lines, ["Rule", "Action", "Due", "Later"], right=(2, 3))
    if target is not None:
        from crmlab.export import write_back

        due, left = _due_actions(workspace, found, now)
        write_back(due, target, identifiers=["contact"], bom=True)
        out = "".join(f", {count:,} left out: {reason}" for reason, count in left.items())
        click.echo(f"Written: {target} ({len(due):,} {'contact' if len(due) == 1 else 'contacts'}{out})")
    return notes


def _monitor_of(workspace: Workspace, one: Defined) -> Monitor:
    """What counts the events of a campaign."""
    from crmlab.mining.campaigns import Monitor

    return Monitor.of(one.campaign, one.state, time_zone=workspace.settings.time_zone or None)


def _next_steps(
    workspace: Workspace, campaign: Campaign, folder: Path, now: pd.Timestamp
) -> tuple[pd.DataFrame, list[str]]:
    """The next action of each customer by the rules of a campaign, and rules that no event can meet.

    The folder's files are read whole: links, which rules may ask for, are in no monitor's totals.
    """
    import pandas as pd

    from crmlab.arrivals import Arrivals
    from crmlab.mining.campaigns import next_actions

    frames = [piece.frame for piece in Arrivals(folder, conventions=workspace.conventions)({})]
    events = pd.concat([pd.DataFrame({name: pd.Series(dtype="str") for name in EVENT_COLUMNS}), *frames])
    without = [f"{rule.title!r} waits for a link, but no event has one in a column link."
               for rule in campaign.rules if rule.link and events["link"].isna().all()]  # fmt: skip
    events = events.astype({"time": "datetime64[us]"}).reset_index(drop=True)
    events["campaign_id"] = events["campaign_id"].fillna(campaign.campaign_id)
    # A click or a purchase often names no arm: it is the customer's.
    events["arm"] = events["arm"].fillna(events["customer_id"].map(_arms(events)))
    return next_actions(events, campaign, now.to_pydatetime()), without


def _arms(events: pd.DataFrame) -> pd.Series:
    """The arm to which each customer was assigned first."""
    made = events[(events["event"] == "assigned") & events["arm"].notna()]
    return made.sort_values(["time", "arm"]).groupby("customer_id")["arm"].first()


def _due_actions(
    workspace: Workspace, actions: pd.DataFrame, now: pd.Timestamp
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The contacts due by now of those who may be contacted, and how many may not or cannot be."""
    import pandas as pd

    from crmlab.cleansing.consent import CONTACT_OF, check_consent

    due = actions[(actions["action"] != "stop") & (actions["due"] <= now)]
    register, left = register_of(workspace, all_events(workspace)), {"opted out": 0, "no contact known": 0}
    people, found = workspace.customers.set_index("customer_id"), [due.iloc[:0].assign(contact="")]
    for channel, rows in due.groupby("action"):
        column = CONTACT_OF.get(channel)
        names = [name for name in ("email", "phone", "address") if name in people]
        known = people.reindex(rows["customer_id"])[names].reset_index()
        consent = check_consent(known, register, channel, workspace.settings.phone_region)
        contact = known[column] if column in known else pd.Series("", known.index)
        empty = contact.isna() & consent["allowed"]
        left["opted out"] += int((~consent["allowed"]).sum())
        left["no contact known"] += int(empty.sum())
        kept = (consent["allowed"] & ~empty).to_numpy()
        found.append(rows.assign(contact=contact.to_numpy())[kept])
    columns = ["customer_id", "action", "contact", "due", "why", "arm", "event", "event_time"]
    listed = pd.concat(found).sort_values(["due", "action", "customer_id"])
    return listed[columns], {reason: count for reason, count in left.items() if count}


def _record(workspace: Workspace, one: Defined, monitor: Monitor) -> tuple[list[str], int]:
    """Write what counts as the tables have it, and name the files in ``crmlab.toml``.

    Returns
    -------
    list of str, int
        The files that it did not name, and the number of events that do not count.

    Raises
    ------
    WorkspaceError
        If the tables have the campaign's events from elsewhere, or nothing can be written.
    """
    from crmlab.settings import FILE

    campaign, settings = one.campaign, workspace.path / FILE
    files = {"campaigns": "campaign.csv", "campaign_events": "campaign_events.csv"}
    named = {source.file for source in workspace.settings.sources}
    paths = {table: f"campaigns/{one.name}/{file}" for table, file in files.items()}
    new = {table: path for table, path in paths.items() if path not in named}
    if "campaign_events" in new and has_events(workspace, campaign.campaign_id):
        raise WorkspaceError(
            f"The tables have events of {campaign.campaign_id!r} from another source, so that they would "
            "count twice; take that source out first, or leave it at that."
        )
    events = monitor.events()
    left_out = len(monitor.store.events()) - len(events)
    events["value"] = [_major(value, campaign) for value in events["value"]]
    events.insert(0, "campaign_id", campaign.campaign_id)
    channels, costs = ({getattr(arm, name) for arm in campaign.arms} for name in
                       ("channel", "cost_per_contact"))  # fmt: skip
    row = {
        "campaign_id": campaign.campaign_id, "name": campaign.name, "goal": campaign.goal,
        "segment": campaign.segment, "channel": channels.pop() if len(channels) == 1 else "",
        "started_at": campaign.started_at, "ended_at": campaign.ended_at, "control_arm": campaign.control,
        "budget": _major(campaign.budget, campaign),
        "cost_per_contact": _major(costs.pop(), campaign) if len(costs) == 1 else "",
    }  # fmt: skip
    write_text(workspace.path / paths["campaigns"], _csv([row]))
    write_text(workspace.path / paths["campaign_events"], events.to_csv(index=False, lineterminator="\n"))
    if new:
        parts = [f'\n[[source]]\ntable = "{table}"\nfile = "{path}"\n' for table, path in new.items()]
        write_text(settings, settings.read_text(encoding="utf-8-sig").rstrip("\n") + "\n" + "".join(parts))
    return list(new.values()), left_out


def _csv(rows: list[dict]) -> str:
    import pandas as pd

    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")


def _major(amount: int | None, campaign: Campaign) -> str:
    """An amount of minor units as tables are written; "" if there is none."""
    import pandas as pd

    return "" if pd.isna(amount) else f"{Decimal(int(amount)).scaleb(-campaign.decimals):f}"
