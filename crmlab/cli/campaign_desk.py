"""What the commands about campaigns work on: definitions in a workspace, and audiences drawn by them.

campaigns/ID.toml            a definition
campaigns/ID/lists/          whom to contact, a file per arm and channel
campaigns/ID/events/         the events; `assigned.csv` says who is in which arm
campaigns/ID/*.csv           what was counted, as the workspace's tables have it
campaigns/.ID-state/         what its monitor counted so far
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crmlab.errors import CrmlabError, ParameterError, WorkspaceError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log
    from crmlab.mining.campaigns import Campaign
    from crmlab.workspace import Workspace

ASSIGNED = "assigned.csv"
EVENT_COLUMNS = ("campaign_id", "customer_id", "time", "event", "arm", "channel")


class Defined(NamedTuple):
    """A definition in a workspace: its file, and what it says or why it cannot be read."""

    path: Path
    campaign: Campaign | None
    error: CrmlabError | None = None

    @property
    def name(self) -> str:
        """By which commands call it."""
        return self.path.stem

    @property
    def folder(self) -> Path:
        """Where what the campaign needs is written."""
        return self.path.with_suffix("")

    @property
    def state(self) -> Path:
        """Where its monitor keeps what it counted."""
        return self.path.with_name(f".{self.name}-state")


# Definitions


def definition_file(workspace: Workspace, name: str) -> Path:
    """The file of a definition: its name without what a file system or a shell minds."""
    safe = re.sub(r"[^\w\u200c.]+", "-", name).strip("-.")
    if not safe:
        raise ParameterError(f"A campaign needs a name with a letter or digit in it, not {name!r}.")
    return workspace.path / "campaigns" / f"{safe}.toml"


def definitions(workspace: Workspace) -> Iterator[Defined]:
    """The definitions of a workspace, by the names of their files."""
    from crmlab.mining.campaigns import Campaign

    for path in sorted((workspace.path / "campaigns").glob("*.toml")):
        try:
            yield Defined(path, Campaign.read(path))
        except CrmlabError as error:
            yield Defined(path, None, error)


def find(workspace: Workspace, name: str) -> Defined:
    """The definition whose file, or else whose campaign_id, is called so."""
    from crmlab.mining.campaigns import Campaign

    path = definition_file(workspace, name)
    if path.is_file():
        return _with_money_of(workspace, Defined(path, Campaign.read(path)))
    there = list(definitions(workspace))
    for one in there:
        if one.campaign and one.campaign.campaign_id == name:
            return _with_money_of(workspace, one)
    begin = f'crmlab campaign new "{name}" -w {workspace.path}'
    if "campaigns" in workspace.tables and name in set(workspace.campaigns["campaign_id"]):
        raise ParameterError(
            f"The campaign {name!r} is in the tables but has no definition in {path.parent}. Begin one with "
            f"that id with: {begin}"
        )
    raise ParameterError(
        f"There is no campaign {name!r} in {path.parent}{did_you_mean(name, [one.name for one in there])} "
        f"Begin one with: {begin}"
    )


def _with_money_of(workspace: Workspace, one: Defined) -> Defined:
    """Refuse a definition in another currency: amounts of the tables would be read as its own."""
    mine, ours = one.campaign, (workspace.settings.currency, workspace.decimals)
    if mine and (mine.currency, mine.decimals) != ours:
        raise ParameterError(
            f"{one.path}: [campaign]: currency is {mine.currency} with {mine.decimals} digits after the "
            f"decimal mark, but the workspace's is {ours[0]} with {ours[1]}; write one of them in both."
        )
    return one


def last_day(workspace: Workspace) -> datetime.date | None:
    """The last day that the workspace knows of: of orders and campaigns, else of any log."""
    tables = workspace.state["tables"]
    times = {name: state["ranges"]["time"] for name, state in tables.items() if state["ranges"].get("time")}
    ends = [times[name] for name in ("orders", "campaign_events") if name in times] or list(times.values())
    return max((datetime.date.fromisoformat(last[:10]) for _, last in ends), default=None)


def stage(begun: datetime.date, ended: datetime.date | None, today: datetime.date | None) -> str:
    """Whether a campaign is planned, running or over on the last day of data."""
    if today is None or begun > today:
        return "planned"
    return "over" if ended is not None and ended < today else "running"


# Audiences


def all_events(workspace: Workspace) -> Log:
    """Events of all campaigns: of the workspace's table, and what monitors have counted since."""
    import pandas as pd

    from crmlab.engine import as_table
    from crmlab.mining.campaigns import Monitor

    found = []
    for one in definitions(workspace):
        if one.state.is_dir():
            if one.error:
                raise one.error  # nobody could say who opted out of it
            counted = Monitor.of(one.campaign, one.state).store.events()
            found.append(counted.assign(campaign_id=one.campaign.campaign_id))
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in EVENT_COLUMNS})
    watched = pd.concat([empty, *found])[list(EVENT_COLUMNS)].astype({"time": "datetime64[us]"})
    if "campaign_events" not in workspace.tables:
        return watched
    if not found:
        return workspace.campaign_events

    def alike(table: Log) -> Log:
        rows = as_table(table)
        return rows.select(**{
            name: rows[name].cast("timestamp(6)" if name == "time" else "string") for name in EVENT_COLUMNS
        })  # fmt: skip

    return alike(workspace.campaign_events).union(alike(watched), distinct=True)


def draw(
    workspace: Workspace, campaign: Campaign, as_of: datetime.date, strata: tuple[str, ...], events: Log
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The audience of a campaign, and the profile that it was chosen by."""
    from crmlab.mining.campaigns import audience
    from crmlab.mining.customers.profile import profile

    known = profile(workspace, as_of)
    campaign.check(known)
    consents = workspace.consents if "consents" in workspace.tables else None
    region = workspace.settings.phone_region
    people = audience(
        known, campaign, workspace.customers, consents, events, as_of=as_of, strata=strata, region=region
    )
    return people, known


def register_of(workspace: Workspace, events: Log) -> pd.DataFrame:
    """The last word of each customer and contact, from consents and from who unsubscribed."""
    import pandas as pd

    from crmlab.cleansing.consent import consent_register
    from crmlab.engine import as_table, collect

    table = as_table(events)
    left = collect(table.filter(table["event"] == "unsubscribed").select("customer_id", "channel", "time"))
    said = pd.DataFrame({"given": pd.Series(dtype="boolean"), "time": pd.Series(dtype="datetime64[us]"),
                         "customer_id": pd.Series(dtype="str")})  # fmt: skip
    consents = workspace.consents if "consents" in workspace.tables else said
    return consent_register(consents, workspace.customers, left, workspace.settings.phone_region)


def base_rate(workspace: Workspace, response: str) -> tuple[float, str] | None:
    """Share of responses in the control group of the last campaign that had one, and its id."""
    from crmlab.engine import collect
    from crmlab.mining.campaigns import outcomes, responses

    if not {"campaigns", "campaign_events"} <= set(workspace.tables):
        return None
    events = workspace.campaign_events
    known = set(collect(events.select("campaign_id").distinct())["campaign_id"])
    past = workspace.campaigns.sort_values(["started_at", "campaign_id"], ascending=False)
    for row in past[past["control_arm"].notna() & past["campaign_id"].isin(known)].itertuples():
        arms = responses(outcomes(events, row.campaign_id, response)).set_index("arm")
        if row.control_arm in arms.index and arms.loc[row.control_arm, "responses"]:
            found = arms.loc[row.control_arm]
            return float(found["responses"] / found["n"]), row.campaign_id
    return None


def write_audience(
    workspace: Workspace, campaign: Campaign, people: pd.DataFrame, events: Log, as_of: datetime.date,
    folder: Path, anew: bool,
) -> pd.DataFrame:  # fmt: skip
    """Write the lists and the assignment; the files, as `crmlab.export.write_mailing` tells of them.

    Raises
    ------
    WorkspaceError
        If another assignment is there and it is not to be made anew, or nothing can be written.
    """
    from crmlab.export import write_mailing
    from crmlab.mining.campaigns import assigned

    target = folder / "events" / ASSIGNED
    drawn = assigned(people, campaign, as_of).to_csv(index=False, lineterminator="\n")
    if target.exists() and not anew and target.read_text(encoding="utf-8") != drawn:
        raise WorkspaceError(
            f"{target} assigns other customers: who was drawn once stays in the arm. Draw anew with --force "
            "only while nobody has been contacted."
        )
    lists = write_mailing(
        people, folder / "lists", workspace.customers, register_of(workspace, events),
        language=workspace.settings.language, region=workspace.settings.phone_region,
    )  # fmt: skip
    write_text(target, drawn)
    return lists


def write_text(path: Path, text: str) -> None:
    """Write a file whole, and the folder it is in, or say in a sentence why not."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror or error}.") from None


def has_events(workspace: Workspace, campaign_id: str) -> bool:
    """Whether the tables of the workspace have events of a campaign."""
    if "campaign_events" not in workspace.tables:
        return False
    table = workspace.campaign_events
    return bool(table.filter(table["campaign_id"] == campaign_id).count().to_pyarrow().as_py())
