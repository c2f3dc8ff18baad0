"""The columns of a customer profile: what each means, its unit, where it is from, what a gap says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ProfileColumn:
    """One column of a profile, or one for each channel if its name ends in ``{channel}``.

    Attributes
    ----------
    missing : str
        What a missing value means; empty if there is none, as nothing counts as 0.
    """

    name: str
    meaning: str
    unit: str
    table: str
    missing: str = ""

    @property
    def start(self) -> str:
        """The name up to the channel."""
        return self.name.removesuffix("{channel}")

    def holds(self, name: str) -> bool:
        """Whether a column of a profile is this one."""
        return name.startswith(self.start) if "{" in self.name else name == self.name


MONEY = "minor units of the currency"
_NEVER, _ONCE, _BIRTH = "never bought", "bought less than twice", "the birth date is not known"
_MAIL, _ANSWER = "was never sent an e-mail", "never answered"

#: All columns that `profile` can make, in order. Further columns of the customers follow them.
PROFILE_COLUMNS: tuple[ProfileColumn, ...] = (
    ProfileColumn("gender", "gender as stated", "", "customers", "not stated"),
    ProfileColumn("age", "age on the day of the profile", "years", "customers", _BIRTH),
    ProfileColumn("age_band", "group of ages", "", "customers", _BIRTH),
    ProfileColumn("city", "city", "", "customers", "not known"),
    ProfileColumn("province", "province or state", "", "customers", "not known"),
    ProfileColumn("country", "country", "", "customers", "not known"),
    ProfileColumn("acquisition_channel", "the touch point that brought the customer", "", "customers",
                  "not known"),
    ProfileColumn("registered_at", "day of registration", "", "customers", "not known"),
    ProfileColumn("years_as_customer", "time since the registration or the first purchase, whichever came "
                  "first", "years", "customers, orders", "neither is known"),
    ProfileColumn("first_purchase", "day of the first purchase", "", "orders", _NEVER),
    ProfileColumn("last_purchase", "day of the last purchase", "", "orders", _NEVER),
    ProfileColumn("recency", "time since the last purchase", "days", "orders", _NEVER),
    ProfileColumn("frequency", "number of orders with a purchase", "orders", "orders"),
    ProfileColumn("monetary_value", "sum of all amounts, returns taken off", MONEY, "orders"),
    ProfileColumn("mean_order_value", "monetary value per order", MONEY, "orders", _NEVER),
    ProfileColumn("purchase_interval", "mean time from one order to the next", "days", "orders", _ONCE),
    ProfileColumn("returns", "number of order lines that were returned", "lines", "orders"),
    ProfileColumn("discount_share", "discount, of what the purchases would have cost without it", "share",
                  "orders", _NEVER),
    ProfileColumn("promotion_share", "orders under a promotion, of all orders", "share", "orders", _NEVER),
    ProfileColumn("last_contact", "day of the last contact", "", "interactions", "never in contact"),
    ProfileColumn("days_since_contact", "time since the last contact", "days", "interactions",
                  "never in contact"),
    ProfileColumn("contacts", "number of contacts", "contacts", "interactions"),
    ProfileColumn("contacts_inbound", "number of contacts that the customer began", "contacts",
                  "interactions"),
    ProfileColumn("contacts_{channel}", "number of contacts through this channel", "contacts",
                  "interactions"),
    ProfileColumn("contact_share_{channel}", "contacts through this channel, of all whose channel is known",
                  "share", "interactions", "no contact through a known channel"),
    ProfileColumn("tickets", "number of requests and complaints", "tickets", "tickets"),
    ProfileColumn("complaints", "number of complaints", "tickets", "tickets"),
    ProfileColumn("open_tickets", "number of requests and complaints that are not resolved", "tickets",
                  "tickets"),
    ProfileColumn("resolution_days", "mean time from the opening of a ticket until it was resolved for good",
                  "days", "tickets", "none was resolved"),
    ProfileColumn("answers", "number of answers to surveys", "answers", "surveys"),
    ProfileColumn("satisfaction_mean", "mean answer; 0 is the lowest and 1 the best that the scale allows",
                  "share of the scale", "surveys", _ANSWER),
    ProfileColumn("satisfaction_last", "last answer; 0 is the lowest and 1 the best that the scale allows",
                  "share of the scale", "surveys", _ANSWER),
    ProfileColumn("last_nps", "last answer to whether the customer would recommend us", "points", "surveys",
                  _ANSWER),
    ProfileColumn("last_csat", "last answer to how satisfied the customer was", "points", "surveys", _ANSWER),
    ProfileColumn("last_ces", "last answer to how easy it was", "points", "surveys", _ANSWER),
    ProfileColumn("campaigns", "number of campaigns the customer was in", "campaigns", "campaign_events"),
    ProfileColumn("campaign_contacts", "number of campaigns that sent something to the customer", "campaigns",
                  "campaign_events"),
    ProfileColumn("campaign_responses", "number of campaigns in which the customer bought", "campaigns",
                  "campaign_events"),
    ProfileColumn("response_rate", "campaigns in which the customer bought, of those that sent something",
                  "share", "campaign_events", "was never sent anything"),
    ProfileColumn("emails_sent", "number of campaigns that sent the customer an e-mail", "campaigns",
                  "campaign_events"),
    ProfileColumn("email_open_rate", "campaigns whose e-mail was opened, of those that sent one", "share",
                  "campaign_events", _MAIL),
    ProfileColumn("email_click_rate", "campaigns whose e-mail was clicked, of those that sent one", "share",
                  "campaign_events", _MAIL),
    ProfileColumn("web_visits", "number of visits to the web site that a campaign brought", "visits",
                  "campaign_events"),
    ProfileColumn("unsubscriptions", "number of campaigns in which the customer unsubscribed", "campaigns",
                  "campaign_events"),
    ProfileColumn("consent_{channel}", "whether the customer may be contacted through this channel", "",
                  "consents", "neither given nor withdrawn"),
    ProfileColumn("opt_outs", "number of channels for which consent was withdrawn", "channels", "consents"),
)  # fmt: skip


def profile_columns(profile: pd.DataFrame | None = None) -> pd.DataFrame:
    """What the columns of a profile mean.

    Parameters
    ----------
    profile
        As `crmlab.mining.customers.profile` returns it; all columns that there can be if not given,
        with ``{channel}`` in the names of those that stand for one column per channel.

    Returns
    -------
    DataFrame
        Indexed by `column`, in order: `meaning`, `unit`, `table` (where it is from) and `missing`
        (what a missing value means; empty if there is none).

    Examples
    --------
    >>> profile_columns().loc["recency", ["unit", "missing"]].tolist()
    ['days', 'never bought']
    """
    import pandas as pd

    if profile is None:
        rows = [(column.name, column) for column in PROFILE_COLUMNS]
    else:
        rows = [(str(name), column_called(str(name))) for name in profile.columns]
    found = [(name, column.meaning, column.unit, column.table, column.missing) for name, column in rows]
    frame = pd.DataFrame(found, columns=["column", "meaning", "unit", "table", "missing"], dtype="str")
    return frame.set_index("column")


def profile_coverage(profile: pd.DataFrame) -> pd.DataFrame:
    """Of how many customers each table says something.

    Parameters
    ----------
    profile
        As `crmlab.mining.customers.profile` returns it.

    Returns
    -------
    DataFrame
        Indexed by `table`, in the order of the columns: `columns` (how many are from it), `customers`
        (with a value other than 0 in any of them) and `share` (of all, 0 to 1).

    Examples
    --------
    >>> import pandas as pd
    >>> profile_coverage(pd.DataFrame({"recency": [3, None], "tickets": [0, 0]})).values.tolist()
    [[1.0, 1.0, 0.5], [1.0, 0.0, 0.0]]
    """
    import pandas as pd

    tables = profile_columns(profile)["table"]
    said = (profile.notna() & (profile != 0)).set_axis(tables, axis=1).T.groupby(level=0, sort=False).any()
    customers = said.sum(axis=1).astype("int64")
    found = {"columns": tables.value_counts()[customers.index], "customers": customers}
    return pd.DataFrame(found).assign(share=customers / max(len(profile), 1)).rename_axis("table")


def column_called(name: str) -> ProfileColumn:
    """The column of a profile called `name`; one that came along from the customers if none is."""
    exact = [column for column in PROFILE_COLUMNS if column.name == name]
    for column in exact or PROFILE_COLUMNS:
        if column.holds(name):
            return column
    return ProfileColumn(name, "as the table of customers has it", "", "customers", "not known")


def undated(profile: pd.DataFrame) -> list[str]:
    """Columns that came along from the customers as they are: nobody can tell since when they are known.

    Examples
    --------
    >>> import pandas as pd
    >>> undated(pd.DataFrame({"recency": [1], "shoe_size": [42]}))
    ['shoe_size']
    """
    names = {column.name for column in PROFILE_COLUMNS} | {"recent_orders", "recent_value"}
    return [name for name in map(str, profile) if column_called(name).name == name and name not in names]


def column_formats(columns: Iterable[str]) -> dict[str, str]:
    """How a report writes the values of columns: ``"money"`` or ``"percent"``; others are left out.

    Examples
    --------
    >>> column_formats(["recency", "monetary_value", "discount_share"])
    {'monetary_value': 'money', 'discount_share': 'percent'}
    """
    kinds = {MONEY: "money", "share": "percent"}
    units = {name: MONEY if name == "recent_value" else column_called(name).unit for name in columns}
    return {name: kinds[unit] for name, unit in units.items() if unit in kinds}
