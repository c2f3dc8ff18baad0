"""Who may be contacted: one register of permissions given and withdrawn, whatever they came by."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crmlab.cleansing.contacts import check_phone
from crmlab.cleansing.text import normalize_text
from crmlab.errors import ParameterError, WorkspaceError, did_you_mean
from crmlab.tables import CHANNELS

REGISTER_COLUMNS = ["key", "channel", "given", "time", "source"]
#: Channel to the column of the customers that it reaches them by; the others need none.
CONTACT_OF = {"email": "email", "phone": "phone", "sms": "phone", "fax": "fax", "post": "address"}
#: Columns of a list by which a person may be in the register.
_CONTACTS = ("email", "phone", "contact", "address")


def contact_key(values: pd.Series, region: str = "") -> pd.Series:
    """One spelling of each e-mail address, telephone number or postal address, for comparing.

    Parameters
    ----------
    values : Series of str
        Missing values stay missing.
    region
        Two-letter country of telephone numbers without a country code.

    Returns
    -------
    Series of str
        E-mail addresses in small letters, telephone numbers as E.164, anything else as
        `normalize_text` writes it for searching.

    Examples
    --------
    >>> contact_key(pd.Series(["Ann@Example.com ", "0912 123 4567", "Main St. 5"]), "IR").tolist()
    ['ann@example.com', '+989121234567', 'mainst5']
    """
    text = normalize_text(values)
    mail = text.str.contains("@", regex=False).fillna(False).astype(bool)
    number = text.where(~mail & text.str.contains(r"^[+\d\s()./-]{5,}$").fillna(False).astype(bool))
    phone = check_phone(number, region)["value"]
    plain = normalize_text(text.mask(mail), level="search")
    key = phone.fillna(plain).mask(mail, text.str.lower())
    return key.mask(key == "").astype("str")


def consent_register(
    consents: pd.DataFrame,
    customers: pd.DataFrame | None = None,
    unsubscribed: pd.DataFrame | None = None,
    region: str = "",
) -> pd.DataFrame:
    """The last word on each contact and each customer, from all sources together.

    What a customer says holds for every contact of theirs that is known, so that a second record
    of the same person, or the same address in a bought list, is found too.

    Parameters
    ----------
    consents
        The table ``consents``: `customer_id`, `contact`, `channel`, `given`, `time`, `source`.
    customers
        `customer_id`, `email`, `phone`; without it only the contacts named in `consents` count.
    unsubscribed
        `customer_id`, `channel` (missing: all) and `time` of customers who left a mailing, such as
        the campaign events with that step.
    region
        As `contact_key` takes it.

    Returns
    -------
    DataFrame
        One row per `key` and `channel` (empty: all channels): `given`, `time`, `source`. Of
        statements at the same moment a refusal counts.

    Examples
    --------
    >>> said = pd.DataFrame({"customer_id": ["a", "a"], "contact": ["a@b.com", None],
    ...     "channel": ["email", None], "given": [True, False],
    ...     "time": pd.to_datetime(["2024-01-01", "2024-02-01"]), "source": "form"})
    >>> consent_register(said)[["key", "channel", "given"]].to_numpy().tolist()
    [['customer a', '', False], ['customer a', 'email', True], ['a@b.com', 'email', True]]
    """
    columns = ["customer_id", "contact", "channel", "given", "time", "source"]
    said = [consents.reindex(columns=columns)]
    if unsubscribed is not None:
        said.append(unsubscribed.assign(given=False, source="unsubscribed").reindex(columns=columns))
    said = pd.concat([part for part in said if len(part)] or said[:1], ignore_index=True)
    said = said.assign(channel=said["channel"].astype("str").fillna(""))
    keys = [
        said.assign(key=_customer_key(said["customer_id"])),
        said.assign(key=contact_key(said["contact"], region)),
    ]
    if customers is not None:
        for contact in ("email", "phone"):
            if contact in customers:
                known = customers[["customer_id"]].assign(key=contact_key(customers[contact], region))
                keys.append(said.merge(known.dropna(), on="customer_id"))
    found = pd.concat(keys, ignore_index=True).dropna(subset="key")
    found = _last_word(found, ["key", "channel"]).sort_values(["key", "channel"])
    # Customers before contacts.
    found = found.sort_values("key", key=lambda key: ~key.str.startswith("customer "), kind="stable")
    return found[REGISTER_COLUMNS].reset_index(drop=True)


def check_consent(
    people: pd.DataFrame, register: pd.DataFrame, channel: str, region: str = "", ask_first: bool = False
) -> pd.DataFrame:
    """Whether each person of a list may be contacted through a channel.

    Parameters
    ----------
    people
        One row each, with any of `customer_id`, `email`, `phone`, `contact`, `address`.
    register
        As `consent_register` returns it.
    channel
        Through which they are to be contacted.
    region
        As `contact_key` takes it.
    ask_first
        Only who gave a permission may be contacted, not everybody who did not refuse.

    Returns
    -------
    DataFrame
        Indexed like `people`: `allowed`, and `reason` where not. A person is refused if the last
        word on the customer number or on any contact in the list is a refusal.

    Raises
    ------
    ParameterError
        If the list has no column by which a person could be found in the register, the register is
        none, or there is no such channel.

    Examples
    --------
    >>> register = consent_register(pd.DataFrame({"contact": ["a@b.com"], "given": [False],
    ...     "time": pd.to_datetime(["2024-02-01"])}))
    >>> check_consent(pd.DataFrame({"email": ["A@B.com", "c@d.com"]}), register, "email")["reason"].tolist()
    ['opted out on 2024-02-01', nan]
    """
    found_by = [name for name in ("customer_id", *_CONTACTS) if name in people]
    if not found_by:
        raise ParameterError(
            f"A list that is checked for consent needs one of customer_id, {', '.join(_CONTACTS)}; "
            f"it has: {', '.join(map(str, people.columns))}."
        )
    if not isinstance(register, pd.DataFrame) or not {*REGISTER_COLUMNS} <= {*register.columns}:
        raise ParameterError(
            "register is what crmlab.cleansing.consent_register(ws.consents) returns, one row per person or "
            "contact and channel, not the table of consents itself."
        )
    channels = dict.fromkeys([*CHANNELS, *register["channel"].unique()])
    if channel not in channels:
        raise ParameterError(
            f"There is no channel {channel!r}" + did_you_mean(channel, [name for name in channels if name])
        )
    about = register[register["channel"].isin(["", channel])]
    # Of what was said on all channels and on this one, the later counts.
    last = _last_word(about, ["key"]).set_index("key")
    refused = pd.Series(pd.NaT, index=people.index, dtype="datetime64[us]")
    no, yes = pd.Series(False, index=people.index), pd.Series(False, index=people.index)
    for name in found_by:
        key = _customer_key(people[name]) if name == "customer_id" else contact_key(people[name], region)
        word = last.reindex(key).set_axis(people.index)
        given = word["given"].astype("boolean")
        says_no = (~given).fillna(False).astype(bool)
        no |= says_no
        yes |= given.fillna(False).astype(bool)
        refused = refused.where(refused.notna(), word["time"].where(says_no))
    reason = pd.Series(pd.NA, index=people.index, dtype="str").mask(no, "opted out")
    dated = no & refused.notna()
    reason = reason.mask(dated, "opted out on " + refused.dt.strftime("%Y-%m-%d"))
    if ask_first:
        reason = reason.mask(~no & ~yes, "no permission given")
    return pd.DataFrame({"allowed": reason.isna(), "reason": reason})


def write_list(
    people: pd.DataFrame, path: str | Path, register: pd.DataFrame, channel: str, region: str = "",
    ask_first: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Write a list of persons to a CSV file, without those who may not be contacted.

    This is the way out for every list of persons: what it writes has been checked.

    Parameters
    ----------
    people, register, channel, region, ask_first
        As `check_consent` takes them.
    path
        UTF-8 with a byte order mark, which spreadsheets need for Persian.

    Returns
    -------
    DataFrame
        The persons left out, with `reason`.
    """
    consent = check_consent(people, register, channel, region, ask_first)
    try:
        people[consent["allowed"]].to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")
    except OSError as error:
        raise WorkspaceError(f"The list cannot be written to {path}: {error.strerror or error}") from None
    return people.assign(reason=consent["reason"])[~consent["allowed"]]


def _last_word(said: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """The latest statement on each; a refusal, if a permission is of the same moment."""
    said = said.sort_values(["time", "given"], ascending=[True, False], kind="stable", na_position="first")
    return said.drop_duplicates(on, keep="last")


def _customer_key(numbers: pd.Series) -> pd.Series:
    return ("customer " + numbers.astype("str")).astype("str")
