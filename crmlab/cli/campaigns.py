"""The commands about campaigns: new, list, audience, watch, report."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmlab.cli import campaign_desk as desk
from crmlab.cli.reports import LANG, WORKSPACE, report, report_options
from crmlab.cli.show import FINDING, print_table, working
from crmlab.errors import ParameterError, WorkspaceError, listed

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.mining.campaigns import Campaign
    from crmlab.workspace import Workspace


@click.group()
def campaign() -> None:
    """Define a campaign, draw its audience, watch it and report on it.

    A campaign ID is a file campaigns/ID.toml in the workspace.
    """


def _open(folder: Path) -> Workspace:
    """The workspace, its tables up to date."""
    from crmlab.workspace import open_workspace

    workspace = open_workspace(folder)
    with working("cleaning") as say:
        workspace.ensure_clean(say)
    return workspace


@campaign.command()
@click.argument("name")
@WORKSPACE
@LANG
@click.option("--force", is_flag=True, help="Replace a definition that is there.")
def new(name: str, workspace: Path, lang: str | None, force: bool) -> None:
    """Write a definition of the campaign NAME to begin with.

    Every entry is explained in it. The campaign begins on the day after the last that the workspace
    knows of.
    """
    from crmlab.mining.campaigns import starter

    opened = _open(workspace)
    path, last = desk.definition_file(opened, name), desk.last_day(opened)
    if path.exists() and not force:
        raise WorkspaceError(f"{path} is there already; take another name, or replace it with --force.")
    begun = last + datetime.timedelta(days=1) if last else None
    settings = opened.settings
    desk.write_text(path, starter(name, lang or settings.language, settings.currency, begun))
    click.echo(f"Written: {path}. Say there whom it addresses and with what.")
    click.echo(f'Next: crmlab campaign audience "{path.stem}" -w {workspace} --dry-run')


@campaign.command("list")
@WORKSPACE
def list_campaigns(workspace: Path) -> None:
    """List the campaigns of a workspace: those defined, and those of its tables.

    Planned, running or over is told by the last day of data. Exit status 1 if a definition cannot be
    read.
    """
    opened = _open(workspace)
    today, there = desk.last_day(opened), list(desk.definitions(opened))
    rows, wrong, ids = [], [], {}
    for one in there:
        if one.campaign is None:
            wrong.append(str(one.error))
            continue
        mine = one.campaign
        if mine.campaign_id in ids:
            wrong.append(
                f"{one.path}: the campaign_id {mine.campaign_id!r} is that of {ids[mine.campaign_id]} too; "
                "give each campaign its own, by which events are told apart."
            )
        ids.setdefault(mine.campaign_id, one.path)
        rows.append([
            one.name, mine.name, f"{mine.started_at} to {mine.ended_at}",
            listed(arm.name for arm in mine.arms), f"{mine.control_share:.0%}",
            desk.stage(mine.started_at, mine.ended_at, today), one.path.name,
        ])  # fmt: skip
    rows += [row for row in _of_tables(opened, today) if row[0] not in ids]
    title = f"Campaigns on {today}, the last day of data" if today else "Campaigns"
    if rows:
        print_table(title, rows, ["ID", "Name", "Time", "Arms", "Control", "State", "Definition"], right=(4,))
    elif not wrong:
        click.echo(f'There are no campaigns. Begin one with: crmlab campaign new NAME -w "{workspace}"')
    for sentence in wrong:
        click.echo(f"crmlab: {sentence}", err=True)
    if wrong:
        sys.exit(FINDING)


def _of_tables(workspace: Workspace, today: datetime.date | None) -> list[list[str]]:
    """Lines about the campaigns in the tables."""
    from crmlab.engine import collect

    if "campaigns" not in workspace.tables:
        return []
    sizes: dict[str, dict[str, int]] = {}
    if "campaign_events" in workspace.tables:
        events = workspace.campaign_events
        counted = events.group_by("campaign_id", "arm").agg(customers=events["customer_id"].nunique())
        for row in collect(counted, key=["campaign_id", "arm"]).itertuples():
            sizes.setdefault(row.campaign_id, {})[row.arm] = row.customers
    rows = []
    for row in workspace.campaigns.sort_values(["started_at", "campaign_id"]).itertuples():
        arms = sizes.get(row.campaign_id, {})
        control = arms.pop(row.control_arm, 0)
        begun, ended = (None if day != day else day.date() for day in (row.started_at, row.ended_at))
        rows.append([
            row.campaign_id, _shown(row.name), f"{begun or ''} to {ended or ''}", listed(arms),
            f"{control / (control + sum(arms.values())):.0%}" if control else "none",
            desk.stage(begun, ended, today) if begun else "", "",
        ])  # fmt: skip
    return rows


def _shown(value: Any) -> str:
    return "" if value is None or value != value else str(value)


@campaign.command()
@click.argument("name", metavar="ID")
@WORKSPACE
@click.option("--as-of", metavar="DAY", help="First day of contact; that of the definition if not given.")
@click.option("--strata", metavar="COL", multiple=True,
              help="A column of the profile in which the arms are to be alike; repeatable.")  # fmt: skip
@click.option("--base", metavar="SHARE", type=click.FloatRange(0, 1, min_open=True, max_open=True),
              help="Share that responds without contact; the last control group's if not given.")  # fmt: skip
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path),
              help="Folder for the lists; campaigns/ID of the workspace if not given.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--force", is_flag=True, help="Replace another assignment that is there.")
def audience(
    name: str, workspace: Path, as_of: str | None, strata: tuple[str, ...], base: float | None,
    out: Path | None, dry_run: bool, force: bool,
) -> None:  # fmt: skip
    """Draw the audience of the campaign ID and write whom to contact.

    Says how many customers are in or out and why, how large the arms are and what they can show,
    and whether they are alike. Writes a list for each arm and channel, without anybody who refused
    contact, and the assignment as events, the control group among them.
    """
    from crmlab.calendars import as_day
    from crmlab.mining.campaigns import balance, reason_counts

    opened = _open(workspace)
    one = desk.find(opened, name)
    mine, day = one.campaign, as_day(as_of, "--as-of") if as_of else one.campaign.started_at
    if "campaign_events" not in opened.tables and mine.exclusions.at_most is not None:
        click.echo("The workspace has no campaign_events: contacts that it does not know of do not count.")
    events = desk.all_events(opened)
    people, profile = desk.draw(opened, mine, day, strata, events)
    lines = [
        [row.Index, f"{row.customers:,}", f"{row.share:.1%}"] for row in reason_counts(people).itertuples()
    ]
    print_table(f"{mine.name}: customers on {day}", lines, ["Why", "Customers", "Share"], right=(1, 2))
    _print_arms(mine, people)
    _say_sizes(opened, mine, people, base)
    click.echo(str(balance(people, profile, mine)))
    if dry_run:
        click.echo("Nothing is written.")
        return
    folder = out or one.folder
    written = desk.write_audience(opened, mine, people, events, day, folder, force)
    for file in written.itertuples():
        refused = f", {file.left_out:,} left out who refused since" if file.left_out else ""
        customers = "customer" if file.customers == 1 else "customers"
        click.echo(f"Written: {folder / 'lists' / file.file} ({file.customers:,} {customers}{refused})")
    inside = int(people["included"].sum())
    click.echo(f"Written: {folder / 'events' / desk.ASSIGNED} ({inside:,} customers and their arms)")
    click.echo(f"Let what happens be dropped beside it, then: {_watch(one.name, workspace, folder)}")


def _watch(name: str, workspace: Path, folder: Path) -> str:
    return f'crmlab campaign watch "{name}" -w {workspace} --events {folder / "events"}'


def _print_arms(mine: Campaign, people: pd.DataFrame) -> None:
    sizes = people.loc[people["included"], "arm"].value_counts()
    planned = [(arm.name, arm.channel, arm.offer, arm.share) for arm in mine.arms]
    planned.append((mine.control, "not contacted", "", mine.control_share))
    lines = [
        [arm, channel, offer, f"{sizes[arm]:,}", f"{sizes[arm] / sizes.sum():.1%}", f"{share:.1%}"]
        for arm, channel, offer, share in planned
    ]
    print_table("Arms", lines, ["Arm", "Channel", "Offer", "Customers", "Share", "Planned"], right=(3, 4, 5))


def _say_sizes(workspace: Workspace, mine: Campaign, people: pd.DataFrame, base: float | None) -> None:
    """What each arm can show, if it is known what is to be shown."""
    from crmlab.mining.campaigns import size_check

    aims = [one for one in mine.indicators if one.event]
    if not aims:
        click.echo("No indicator is an event, so nobody can say whether the arms are large enough.")
        return
    found = (base, "") if base is not None else desk.base_rate(workspace, aims[0].event)
    if found is None:
        click.echo("How many respond without contact is not known: with --base SHARE, sizes are checked.")
        return
    share, source = found
    if source:
        click.echo(f"Without contact {share:.1%} responded in the control group of {source}.")
    if share >= aims[0].target:
        click.echo(
            f"The target of {aims[0].name!r}, {aims[0].target:.1%}, is no more than responds without contact "
            f"({share:.1%}): raise it, or say with --base what is to be expected."
        )
        return
    for words in size_check(people, mine, share)["words"]:
        click.echo(words)


@campaign.command()
@click.argument("name", metavar="ID")
@WORKSPACE
@click.option("--events", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Where events arrive; campaigns/ID/events of the workspace if not given.")  # fmt: skip
@click.option("--once", is_flag=True, help="Count what has arrived, print it and end.")
@click.option("--actions", metavar="FILE.csv", type=click.Path(path_type=Path, dir_okay=False),
              help="With --once: write the contacts that are due by the rules.")  # fmt: skip
@click.option("--record", is_flag=True,
              help="With --once: add what was counted to the workspace's tables, for reports.")  # fmt: skip
@click.option("--as-of", metavar="MOMENT", help="With --once: what the clock shows; now if not given.")
@click.option("--every", metavar="SECONDS", type=click.IntRange(1), default=10, show_default=True,
              help="An open page looks for events after so long.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535),
              help="Port of the page; 8866 or the next free one if not given.")  # fmt: skip
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.")
@LANG
def watch(
    name: str, workspace: Path, events: Path | None, once: bool, actions: Path | None, record: bool,
    as_of: str | None, every: int, port: int | None, browser: bool, lang: str | None,
) -> None:  # fmt: skip
    """Watch the campaign ID while it runs: a page that follows the events, or one look with --once.

    Each event counts once, however often it arrives and however often this is stopped and started.
    What is said of an arm holds however often one looks. With --once the exit status is 1 if
    something is to be looked into. The page needs Voila (crmlab[live]).
    """
    from crmlab.cli.campaign_watch import look, serve

    if not once and (actions or record or as_of):
        raise ParameterError("--actions, --record and --as-of belong to one look; give --once as well.")
    opened = _open(workspace)
    one = desk.find(opened, name)
    folder = events or one.folder / "events"
    if once:
        sys.exit(look(opened, one, folder, actions, record, _moment(as_of)))
    sys.exit(serve(opened, one, folder, every, port, browser, lang))


def _moment(text: str | None) -> pd.Timestamp | None:
    if text is None:
        return None
    import pandas as pd

    from crmlab.calendars import as_day

    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.year < 1800:  # a day of the other calendar
        return pd.Timestamp(as_day(text, "--as-of"))
    if found.tzinfo is not None:
        raise ParameterError("--as-of is a moment without a time zone, as those of the events are.")
    return pd.Timestamp(found)


@campaign.command("report")
@click.argument("name", metavar="ID")
@report_options
@click.pass_context
def report_on(context: click.Context, name: str, workspace: Path, parameters: tuple[str, ...],
              **options: Any) -> None:  # fmt: skip
    """Report on the campaign ID, defined here or of the tables.

    The same as `crmlab report campaign -p campaign_id=ID`, with the options of a report.
    """
    opened = _open(workspace)
    campaign_id = name
    if not desk.has_events(opened, name):
        one = desk.find(opened, name)
        campaign_id = one.campaign.campaign_id
        if not desk.has_events(opened, campaign_id):
            raise ParameterError(
                f"The workspace's tables have no events of {campaign_id!r} yet; add what was counted with: "
                f"{_watch(one.name, workspace, one.folder)} --once --record"
            )
    chosen = (f"campaign_id={campaign_id}", *parameters)
    context.invoke(report, name="campaign", workspace=workspace, parameters=chosen, **options)
