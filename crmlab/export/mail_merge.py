"""Letters and messages of a campaign: the fields for each customer, and a file per arm and channel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.engine import need_columns
from crmlab.errors import TableError, WorkspaceError, listed
from crmlab.export.activation import write_back

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the customers that an address takes, besides the contact itself.
_ADDRESS = ("postcode", "city", "province", "country")


def merge_fields(
    people: pd.DataFrame, customers: pd.DataFrame, affinity: pd.DataFrame | None = None,
    products: pd.DataFrame | None = None, language: str = "en",
) -> pd.DataFrame:  # fmt: skip
    """What a letter to each customer of an audience takes: name, salutation, offer and products.

    Parameters
    ----------
    people
        As `crmlab.mining.campaigns.audience` returns it.
    customers
        The table of customers: `customer_id`, `first_name`, `last_name`, `gender`.
    affinity
        Products that suit each customer, as `crmlab.mining.customers.affinity_scores` returns them.
    products
        `product_id` and `name`: products are named by it instead of their numbers.
    language
        Of the salutation, as `crmlab.cleansing.salutations` takes it.

    Returns
    -------
    DataFrame
        One row per customer who is contacted, which the control group is not, indexed by `customer_id`:
        `arm`, `channel`, `name` and `salutation`, `offer`, and `product_1`, ... where there is an
        affinity, missing where no further product is known to suit.

    Raises
    ------
    TableError
        If a column is missing, or a customer has several rows.
    """
    from crmlab.cleansing.salutation import salutations

    need_columns(people, ("included", "arm", "channel", "offer"), "Audiences",
                 way_out="crmlab.mining.campaigns.audience(...) makes one.")  # fmt: skip
    need_columns(customers, ("customer_id",), "Customers", "customers")
    if customers["customer_id"].duplicated().any():
        raise TableError("Customers have one row each; some share their customer_id.", "customers",
                         "customer_id", "not unique")  # fmt: skip
    contacted = people[people["included"].astype(bool) & people["channel"].notna()]
    fields = contacted[["arm", "channel"]].rename_axis("customer_id")
    known = customers.set_index("customer_id").reindex(fields.index)
    fields = fields.join(salutations(known, language)).assign(offer=contacted["offer"])
    if affinity is None:
        return fields
    need_columns(affinity, ("customer_id", "product_1"), "Products that suit customers")
    suits = affinity.set_index("customer_id")
    suits = suits[[name for name in suits if re.fullmatch(r"product_\d+", str(name))]].reindex(fields.index)
    if products is not None:
        need_columns(products, ("product_id", "name"), "Products", "products")
        names = products.drop_duplicates("product_id").set_index("product_id")["name"]
        suits = suits.apply(lambda numbers: numbers.map(names))
    return fields.join(suits.astype("str"))


def write_mailing(
    people: pd.DataFrame, folder: str | Path, customers: pd.DataFrame, register: pd.DataFrame, *,
    affinity: pd.DataFrame | None = None, products: pd.DataFrame | None = None, language: str = "en",
    region: str = "", ask_first: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Write one CSV file per arm and channel with the contacts and fields of those who are contacted.

    Consent is asked once more, as somebody may have opted out since the audience was drawn. The control
    group is in no file. Of the contacts only those that the channel takes are written.

    Parameters
    ----------
    people, customers, affinity, products, language
        As `merge_fields` takes them.
    folder
        Is made if it is not there.
    register, region, ask_first
        As `crmlab.cleansing.check_consent` takes them.

    Returns
    -------
    DataFrame
        One row per file: `arm`, `channel`, `file`, `customers` (written) and `left_out` (refused since).

    Raises
    ------
    TableError
        If a column is missing, or a customer has several rows.
    WorkspaceError
        If the folder cannot be written, or holds lists that would not be replaced: of those, nobody
        could say who has opted out since.
    """
    from crmlab.cleansing.consent import CONTACT_OF

    fields = merge_fields(people, customers, affinity, products, language)
    groups = sorted(fields.groupby(["arm", "channel"]), key=lambda group: group[0])
    folder = Path(folder)
    files = [
        f"{place}-{_safe(arm)}-{_safe(channel)}.csv" for place, ((arm, channel), _) in enumerate(groups, 1)
    ]
    _ready(folder, files)
    known, found = customers.set_index("customer_id"), []
    for ((arm, channel), rows), file in zip(groups, files, strict=True):
        contact = CONTACT_OF.get(channel)
        taken = [contact, *(_ADDRESS if channel == "post" else ())] if contact else []
        taken = [name for name in taken if name in known]
        rows = rows.join(known[taken])
        written = write_back(
            rows, folder / file, channel=channel, register=register, customers=customers, region=region,
            ask_first=ask_first, identifiers=[name for name in taken if name in rows], bom=True,
        )  # fmt: skip
        found.append((arm, channel, file, written.rows, len(written.left_out)))
    return _frame(found)


def _ready(folder: Path, files: list[str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = sorted(path.name for path in folder.glob("*.csv") if path.name not in files)
    except OSError as error:
        raise WorkspaceError(f"{folder} cannot be written: {error.strerror or error}.") from None
    if old:
        raise WorkspaceError(
            f"{folder} holds lists that would not be replaced ({listed(old, 200)}), in which may be "
            "customers who opted out since; remove them, or name another folder."
        )


def _safe(name: str) -> str:
    """A name without what a file system or a shell minds."""
    return re.sub(r"[^\w\u200c]+", "-", name).strip("-") or "arm"


def _frame(rows: list[tuple]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=["arm", "channel", "file", "customers", "left_out"])
