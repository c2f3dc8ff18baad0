"""The profile: one row per customer with all that the tables of a workspace say of them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers.profile_columns import PROFILE_COLUMNS
from crmlab.mining.customers.purchases import last_day, numbered, purchase_lines
from crmlab.tables import CHANNELS, IDENTIFIERS, TABLES

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.engine import Log

#: Ages in years at which a band begins, and what it is called.
AGE_BANDS = {
    0: "under 18", 18: "18-24", 25: "25-34", 35: "35-44", 45: "45-54", 55: "55-64", 65: "65 and over",
}  # fmt: skip
_OLDEST = 120
_YEAR = 365.2425
_DAY = 86_400
_METRICS = ("nps", "csat", "ces")
_DONE = ("resolved", "closed")


def profile(workspace: Any, as_of: Day | None = None) -> pd.DataFrame:
    """All that is known of each customer on one day, from all tables that are there.

    What happened on that day or later does not count, nor do customers who registered then; rows
    without a time are left out, as nobody can tell whether they came before.

    Parameters
    ----------
    workspace
        A workspace, or a mapping of the names of tables to frames or ibis tables; `customers` or
        `orders` must be among them. Logs are counted where they are; only customers are brought in.
    as_of
        The day from which one looks back. The day after the last order if not given.

    Returns
    -------
    DataFrame
        Indexed by `customer_id`, sorted: each customer of `customers` and each who ordered.
        `profile_columns` says what each column means, its unit and what a missing value means. A
        table that is not there gives no columns; counts of nothing are 0. Columns that the customers
        have besides those of the contract come along as they are, known on that day or not; if one
        bears the name of a column of the profile it is called ``stated_<name>``. Names, addresses
        and numbers of persons do not come along. ``.attrs["as_of"]`` is the day.

    Raises
    ------
    ParameterError
        If neither `customers` nor `orders` are there, or there is no order to tell the day by.
    TableError
        If a customer has two rows, or a needed column is missing.

    Notes
    -----
    Of e-mails, a campaign counts once, however often it sent, was opened or clicked. A ticket is
    resolved for good when it is resolved or closed and nothing but that follows. Answers of
    departments inside do not count. A consent without a channel is about all channels; of those given
    and withdrawn at the same time, the withdrawal counts.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "amount": [500, 700, 300],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-02-01"])})
    >>> found = profile({"orders": orders}, as_of="2024-03-11")
    >>> found[["recency", "frequency", "monetary_value"]].to_numpy().tolist()
    [[10.0, 2.0, 1200.0], [39.0, 1.0, 300.0]]
    """
    import pandas as pd

    tables = tables_of(workspace)
    if not {"customers", "orders"} & tables.keys():
        raise ParameterError(f"A profile needs the table customers or orders; {_there(tables)}.")
    if as_of is None and "orders" not in tables:
        raise ParameterError("Without orders there is no day to look back from; give as_of.")
    day = as_day(as_of) if as_of is not None else last_day(tables["orders"]) + datetime.timedelta(days=1)
    parts = {name: make(tables, day) for name, make in _PARTS.items() if name in tables}
    who = [parts[name].index for name in ("customers", "orders") if name in parts]
    index = who[0].union(who[-1]).sort_values().rename("customer_id")
    found = pd.concat([part.reindex(index) for part in parts.values()], axis=1)
    since = [found[name] for name in ("registered_at", "first_purchase") if name in found]
    if since:
        first = pd.concat(since, axis=1).min(axis=1)
        found["years_as_customer"] = (pd.Timestamp(day) - first).dt.days / _YEAR
    found = _in_order(found)
    found.attrs["as_of"] = day.isoformat()
    return found


def tables_of(workspace: Any) -> dict[str, Log]:
    """The tables of a workspace or a mapping that a profile is made of."""
    if isinstance(workspace, Mapping):
        return {name: workspace[name] for name in _NEEDED if workspace.get(name) is not None}
    names = getattr(workspace, "tables", None)
    if names is None or callable(names):
        raise ParameterError(
            "A profile is made of a workspace, as crmlab.open_workspace opens it, or of a mapping of tables "
            f"by name, not of a {type(workspace).__name__}."
        )
    return {name: getattr(workspace, name) for name in _NEEDED if name in names}


def _there(tables: Mapping[str, Any]) -> str:
    return f"there are: {', '.join(tables)}" if tables else "there is none of the tables it reads"


def _in_order(found: pd.DataFrame) -> pd.DataFrame:
    """Columns in the order of `PROFILE_COLUMNS`, counts of nothing as 0, further columns at the end."""
    import pandas as pd

    names: list[str] = []
    for column in PROFILE_COLUMNS:
        for name in (name for name in found.columns if column.holds(name) and name not in names):
            names.append(name)
            if pd.api.types.is_bool_dtype(found[name]) or not pd.api.types.is_numeric_dtype(found[name]):
                continue
            whole = pd.api.types.is_integer_dtype(found[name]) and not column.missing
            numbers = found[name].astype("Int64" if whole else "float64")
            found[name] = numbers.fillna(0).astype("int64") if whole else numbers
            if not column.missing:
                found[name] = found[name].fillna(0)
    return found[names + [name for name in found.columns if name not in names]]


def _frame(table: ibis.Table) -> pd.DataFrame:
    """A table with a row per customer, as a frame in which whole numbers can be missing."""
    found = collect(table, key="customer_id").set_index("customer_id")
    return found.astype(dict.fromkeys(found.select_dtypes("integer"), "Int64"))


def _rows(tables: Mapping[str, Log], name: str, needed: tuple[str, ...], day: datetime.date) -> ibis.Table:
    """The rows of a log that are about a customer and lie before a day."""
    table = as_table(tables[name])
    need_columns(table, ("customer_id", "time", *needed), f"The {name.replace('_', ' ')}", name)
    when = table["time"].date() if table["time"].type().is_timestamp() else table["time"]
    return table.filter(table["customer_id"].notnull() & (when < day))


def _days(table: ibis.Table, name: str) -> ibis.Value:
    """A column of time stamps or days, as days."""
    return table[name].date() if table[name].type().is_timestamp() else table[name]


def _demographics(tables: Mapping[str, Log], day: datetime.date) -> pd.DataFrame:
    import pandas as pd

    people = tables["customers"]
    people = people if isinstance(people, pd.DataFrame) else collect(as_table(people))
    need_columns(people, ("customer_id",), "Customers", "customers")
    people = people[people["customer_id"].notna()]
    today = pd.Timestamp(day)
    if "registered_at" in people:
        people = people[~(pd.to_datetime(people["registered_at"]) >= today)]
    twice = people["customer_id"].duplicated(keep=False)
    if twice.any():
        raise TableError(
            f"Customers have one row each; {int(twice.sum()):,} rows share their customer_id with another.",
            "customers", "customer_id", "not unique", people.index[twice],
        )  # fmt: skip
    people = people.set_index("customer_id").rename(columns={"channel": "acquisition_channel"})
    contract = {column.name for column in TABLES["customers"].columns}
    ours = ("gender", "city", "province", "country", "acquisition_channel", "registered_at")
    found = people[[name for name in ours if name in people]]
    if "birth_date" in people:
        found = found.assign(age=_age(pd.to_datetime(people["birth_date"]), day))
    elif "age" in people:
        found = found.assign(age=pd.to_numeric(people["age"]).astype("float64"))
    if "age" in found:
        bands = pd.cut(found["age"], [*AGE_BANDS, float("inf")], right=False, labels=list(AGE_BANDS.values()))
        found = found.assign(age_band=bands)
    taken = {*contract, *ours, *IDENTIFIERS} | ({"age"} if "birth_date" not in people else set())
    further = [name for name in people if name not in taken and not str(name).endswith("_source")]
    stated = {
        name: f"stated_{name}"
        for name in further
        if any(column.holds(str(name)) for column in PROFILE_COLUMNS)
    }
    return found.join(people[further].rename(columns=stated))


def _age(born: pd.Series, day: datetime.date) -> pd.Series:
    """Age in whole years; missing where nobody is that old."""
    before = (born.dt.month > day.month) | ((born.dt.month == day.month) & (born.dt.day > day.day))
    age = day.year - born.dt.year - before.astype(int)
    return age.where(age.between(0, _OLDEST)).astype("float64")


def _history(tables: Mapping[str, Log], day: datetime.date) -> pd.DataFrame:
    there = as_table(tables["orders"]).columns
    further = [name for name in ("discount", "promotion") if name in there]
    lines = numbered(purchase_lines(tables["orders"], further))
    lines = lines.filter(lines["day"] < day)
    bought = ~lines["is_return"]
    sums = {"amount": lines["amount"].sum().fill_null(0), "bought": bought.any(),
            "returns": lines["is_return"].sum(), "first": lines["day"].min(where=bought),
            "last": lines["day"].max(where=bought), "paid": lines["amount"].sum(where=bought)}  # fmt: skip
    if "discount" in further:
        sums["discount"] = lines["discount"].sum(where=bought).fill_null(0)
    if "promotion" in further:
        sums["prompted"] = (lines["promotion"].notnull() & bought).any()
    made = lines.group_by("customer_id", "order_id").agg(**sums)
    totals = {"first_purchase": made["first"].min(), "last_purchase": made["last"].max(),
              "frequency": made["bought"].sum(), "monetary_value": made["amount"].sum(),
              "returns": made["returns"].sum(), "paid": made["paid"].sum()}  # fmt: skip
    if "discount" in further:
        totals["discount"] = made["discount"].sum()
    if "promotion" in further:
        totals["prompted"] = made["prompted"].sum()
    found = made.group_by("customer_id").agg(**totals)
    orders = found["frequency"].nullif(0)
    more = {
        "recency": -found["last_purchase"].delta(day, unit="day"),
        "mean_order_value": found["monetary_value"] / orders,
        "purchase_interval": found["last_purchase"].delta(found["first_purchase"], unit="day")
        / (found["frequency"] - 1).nullif(0).nullif(-1),
    }
    if "discount" in further:
        more["discount_share"] = found["discount"] / (found["paid"] + found["discount"]).nullif(0)
    if "promotion" in further:
        more["promotion_share"] = found["prompted"] / orders
    found = found.mutate(**more)
    return _frame(found.drop("paid", *(name for name in ("discount", "prompted") if name in found.columns)))


def _contacts(tables: Mapping[str, Log], day: datetime.date) -> pd.DataFrame:
    rows = _rows(tables, "interactions", (), day)
    sums = {"last_contact": _days(rows, "time").max(), "contacts": rows.count()}
    if "direction" in rows.columns:
        sums["contacts_inbound"] = (rows["direction"] == "inbound").sum()
    found = rows.group_by("customer_id").agg(**sums)
    found = _frame(found.mutate(days_since_contact=-found["last_contact"].delta(day, unit="day")))
    if "channel" not in rows.columns:
        return found
    told = (
        rows.filter(rows["channel"].notnull()).group_by("customer_id", "channel").agg(n=lambda t: t.count())
    )
    counts = _by_channel(collect(told), "n").reindex(found.index).fillna(0)
    shares = counts.div(counts.sum(axis=1).replace(0, float("nan")), axis=0)
    return found.join(counts.astype("Int64").add_prefix("contacts_")).join(
        shares.add_prefix("contact_share_")
    )


def _by_channel(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """A row per customer and a column per channel, those of the contract first."""
    wide = rows.astype({"channel": "str"}).pivot(index="customer_id", columns="channel", values=value)
    order = [name for name in CHANNELS if name in wide]
    return wide[order + [name for name in wide.columns if name not in order]].rename_axis(columns=None)


def _service(tables: Mapping[str, Log], day: datetime.date) -> pd.DataFrame:
    import ibis

    rows = _rows(tables, "tickets", ("ticket_id", "status"), day)
    done = rows["status"].isin(_DONE)
    complaint = (rows["kind"] == "complaint").fill_null(False) if "kind" in rows.columns else done & ~done
    rows = rows.select("customer_id", "ticket_id", "time", done=done, complaint=complaint)
    last = rows["time"].max(where=~rows["done"]).over(ibis.window(group_by=["customer_id", "ticket_id"]))
    rows = rows.mutate(for_good=rows["done"] & (last.isnull() | (rows["time"] >= last)))
    each = rows.group_by("customer_id", "ticket_id").agg(
        opened=rows["time"].min(), ended=rows["time"].min(where=rows["for_good"]),
        complaint=rows["complaint"].any(),
    )  # fmt: skip
    seconds = (
        each["ended"].cast("timestamp").epoch_seconds() - each["opened"].cast("timestamp").epoch_seconds()
    )
    found = each.group_by("customer_id").agg(
        tickets=each.count(), complaints=each["complaint"].sum(),
        open_tickets=each["ended"].isnull().sum(), resolution_days=seconds.mean() / _DAY,
    )  # fmt: skip
    return _frame(found if "kind" in as_table(tables["tickets"]).columns else found.drop("complaints"))


def _satisfaction(tables: Mapping[str, Log], day: datetime.date) -> pd.DataFrame:
    import ibis

    rows = _rows(tables, "surveys", ("score", "scale_low", "scale_high"), day)
    rows = rows.filter(rows["score"].notnull())
    if "respondent" in rows.columns:
        rows = rows.filter(rows["respondent"].isnull() | (rows["respondent"] == "external"))
    of_scale = (rows["score"] - rows["scale_low"]) / (rows["scale_high"] - rows["scale_low"]).nullif(0)
    rows = rows.mutate(of_scale=of_scale)
    # Answers given at the same last moment stand for one another: their mean is the last answer.
    latest = rows["time"] == rows["time"].max().over(ibis.window(group_by="customer_id"))
    marked = rows.mutate(latest=latest)
    found = marked.group_by("customer_id").agg(
        answers=marked.count(), satisfaction_mean=marked["of_scale"].mean(),
        satisfaction_last=marked["of_scale"].mean(where=marked["latest"]),
    )  # fmt: skip
    found = _frame(found)
    if "metric" not in rows.columns:
        return found
    last = rows["time"].max().over(ibis.window(group_by=["customer_id", "metric"]))
    rows = rows.mutate(last=last)
    told = rows.filter((rows["time"] == rows["last"]) & rows["metric"].isin(_METRICS))
    scores = collect(told.group_by("customer_id", "metric").agg(score=told["score"].mean()))
    wide = scores.astype({"metric": "str"}).pivot(index="customer_id", columns="metric", values="score")
    wide = wide.rename_axis(columns=None)
    return found.join(wide[[name for name in _METRICS if name in wide]].add_prefix("last_"))


def _campaigns(tables: Mapping[str, Log], day: datetime.date) -> pd.DataFrame:
    rows = _rows(tables, "campaign_events", ("campaign_id", "event"), day)
    if "channel" not in rows.columns:
        rows = rows.mutate(channel=None)
    if "campaigns" in tables and "channel" in as_table(tables["campaigns"]).columns:
        known = as_table(tables["campaigns"])
        known = known.group_by("campaign_id").agg(usual=known["channel"].max())
        joined = rows.left_join(known, "campaign_id")
        rows = joined.select(*rows.columns, "usual").mutate(
            channel=lambda t: t["channel"].fill_null(t["usual"])
        )
    happened = {
        f"was_{event}": (rows["event"] == event).any() for event in ("sent", "converted", "unsubscribed")
    }
    mail = (rows["channel"].cast("string") == "email").fill_null(False)
    happened |= {f"mail_{event}": (mail & (rows["event"] == event)).any()
                 for event in ("sent", "opened", "clicked")}  # fmt: skip
    each = rows.group_by("customer_id", "campaign_id").agg(
        visits=(rows["event"] == "visited").sum(), **happened
    )
    sent, mailed = each["was_sent"], each["mail_sent"]
    found = each.group_by("customer_id").agg(
        campaigns=each.count(), campaign_contacts=sent.sum(), campaign_responses=each["was_converted"].sum(),
        response_rate=each["was_converted"].cast("int8").mean(where=sent),
        emails_sent=mailed.sum(),
        email_open_rate=each["mail_opened"].cast("int8").mean(where=mailed),
        email_click_rate=each["mail_clicked"].cast("int8").mean(where=mailed),
        web_visits=each["visits"].sum(), unsubscriptions=each["was_unsubscribed"].sum(),
    )  # fmt: skip
    return _frame(found)


def _consents(tables: Mapping[str, Log], day: datetime.date) -> pd.DataFrame:
    import pandas as pd

    rows = _rows(tables, "consents", ("given",), day)
    rows = rows if "channel" in rows.columns else rows.mutate(channel=None)
    told = collect(rows.select("customer_id", "channel", "time", "given"), key=["customer_id", "time"])
    told = told[told["given"].notna()]
    named = told["channel"].dropna().unique().tolist() or CHANNELS
    whole = told[told["channel"].isna()]
    told = pd.concat(
        [told[told["channel"].notna()], *(whole.assign(channel=name) for name in named or CHANNELS)]
    )
    # Last stands what counts: the latest, and a withdrawal after what was given at the same time.
    told = told.sort_values(["time", "given"], ascending=[True, False], kind="stable")
    told = told.drop_duplicates(["customer_id", "channel"], keep="last")
    wide = _by_channel(told, "given").astype("boolean")
    found = wide.add_prefix("consent_")
    return found.assign(opt_outs=(wide == False).sum(axis=1).astype("Int64"))  # noqa: E712


_PARTS: dict[str, Callable[[Mapping[str, Log], datetime.date], pd.DataFrame]] = {
    "customers": _demographics, "orders": _history, "interactions": _contacts, "tickets": _service,
    "surveys": _satisfaction, "campaign_events": _campaigns, "consents": _consents,
}  # fmt: skip
_NEEDED = (*_PARTS, "campaigns")
