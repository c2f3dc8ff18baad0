"""Public data sets by name: fetched once, checked by SHA-256, shaped as tables of the contract.

A copy in the folder that the environment variable CRMLAB_DATA names, one folder per set, is used
instead of the network.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crmlab.errors import ParameterError, SourceError, did_you_mean
from crmlab.loaders.delimited import read_bytes
from crmlab.loaders.files import read_file
from crmlab.loaders.raw import Raw, raw

_GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class PublicSet:
    """A public data set.

    Attributes
    ----------
    file
        Name of the file once unpacked.
    sha256
        Of the unpacked content; several where copies differ in their last line end only.
    shape
        Makes the tables of the contract from the file as read.
    currency
        ISO code of its amounts, empty if it has none.
    """

    title: str
    citation: str
    licence: str
    tables: tuple[str, ...]
    file: str
    url: str
    sha256: tuple[str, ...]
    shape: Callable[[pd.DataFrame], dict[str, pd.DataFrame]]
    currency: str = ""


def _number(frame: pd.DataFrame) -> pd.Series:
    """The number of each row, from 1, as an identifier."""
    return pd.Series(range(1, len(frame) + 1), index=frame.index).astype("str")


def _cdnow(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    names = {"date": "time", "number_of_cds": "quantity", "dollar_value": "amount"}
    return {"orders": frame.rename(columns=names)}


def _online_retail(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    orders = frame.rename(columns={
        "Invoice": "order_id", "Customer ID": "customer_id", "InvoiceDate": "time",
        "StockCode": "product_id", "Quantity": "quantity", "Price": "unit_price", "Country": "country",
    })  # fmt: skip
    named = orders[orders["Description"].notna()]
    products = named.drop_duplicates("product_id")[["product_id", "Description"]]
    return {
        "orders": orders.drop(columns="Description"),
        "products": products.rename(columns={"Description": "name"}),
    }


def _hillstrom(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    frame = frame.rename(columns={"channel": "purchase_channel"}).assign(customer_id=_number(frame))
    after = ["segment", "visit", "conversion", "spend"]
    campaign = {"campaign_id": "hillstrom-2008", "name": "MineThatData e-mail test", "channel": "email",
                "goal": "visits to the shop within two weeks of the e-mail",
                "segment": "customers who bought within the last twelve months",
                "control_arm": "No E-Mail"}  # fmt: skip
    happened = {
        "assigned": pd.Series(True, index=frame.index),
        "sent": frame["segment"] != campaign["control_arm"],
        "visited": frame["visit"] == "1",
        "converted": frame["conversion"] == "1",
    }
    events = pd.concat([_events(frame[rows], event) for event, rows in happened.items()])
    events["value"] = events["spend"].where(events["event"] == "converted")
    events = events.assign(campaign_id=campaign["campaign_id"])
    columns = ["campaign_id", "customer_id", "event", "arm", "value"]
    return {
        "customers": frame.drop(columns=after),
        "campaigns": pd.DataFrame([campaign]),
        "campaign_events": events[columns],
    }


def _events(frame: pd.DataFrame, event: str) -> pd.DataFrame:
    return frame.rename(columns={"segment": "arm"}).assign(event=event, time=None)


def _bank_marketing(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    frame = frame.assign(customer_id=_number(frame))
    campaign = {"campaign_id": "bank-2008", "name": "Term deposits by telephone", "channel": "phone",
                "goal": "subscriptions of a term deposit"}  # fmt: skip
    base = frame[["customer_id"]].assign(campaign_id=campaign["campaign_id"], arm="called", channel="phone")
    events = pd.concat([base.assign(event="assigned"), base[frame["y"] == "yes"].assign(event="converted")])
    return {
        "customers": frame.drop(columns="y"),
        "campaigns": pd.DataFrame([campaign]),
        "campaign_events": events,
    }


def _telco_churn(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {"customers": frame.rename(columns={"customerID": "customer_id"})}


_AIRLINE_PERSON = {
    "ID": "customer_id", "Gender": "gender", "Age": "age", "Customer Type": "customer_type",
    "Type of Travel": "travel_type", "Class": "travel_class", "Flight Distance": "flight_distance",
    "Departure Delay": "departure_delay", "Arrival Delay": "arrival_delay",
}  # fmt: skip


def _airline(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    ratings = [name for name in frame.columns if name not in (*_AIRLINE_PERSON, "Satisfaction")]
    # 0 stands for "not applicable".
    items = frame[ratings].mask(frame[ratings] == "0").assign(ID=frame["ID"])
    items = items.melt(id_vars="ID", var_name="question", value_name="score", ignore_index=False)
    items = items.sort_index(kind="stable").assign(touch_point=lambda t: t["question"])
    items = items.assign(metric="csat", scale_low=1, scale_high=5)
    overall = pd.DataFrame({
        "ID": frame["ID"], "question": "Satisfaction", "metric": "csat", "scale_low": 0, "scale_high": 1,
        "score": frame["Satisfaction"].map({"Satisfied": "1", "Neutral or Dissatisfied": "0"}),
    })  # fmt: skip
    surveys = pd.concat([items, overall], ignore_index=True)
    surveys = surveys.rename(columns={"ID": "response_id"}).assign(customer_id=surveys["ID"])
    return {"customers": frame[list(_AIRLINE_PERSON)].rename(columns=_AIRLINE_PERSON), "surveys": surveys}


PUBLIC_SETS: Mapping[str, PublicSet] = {
    "cdnow": PublicSet(
        title="CDNOW purchase histories: 23,570 customers new in the first quarter of 1997",
        citation="Fader and Hardie (2001), Interfaces 31(3), S94-S107",
        licence="published for research and teaching",
        tables=("orders",),
        file="CDNOW_master.txt",
        url=f"{_GITHUB}/CamDavidsonPilon/lifetimes/4f2833f4518621343bb6983eb3e540c11f66ec6a"
        "/lifetimes/datasets/CDNOW_master.txt",
        sha256=("eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef",),
        shape=_cdnow,
        currency="USD",
    ),
    "online_retail": PublicSet(
        title="Online Retail II: invoice lines of a gift wholesaler, December 2009 to December 2010",
        citation="Chen (2019), UCI Machine Learning Repository, doi:10.24432/C5CG6D",
        licence="CC BY 4.0",
        tables=("orders", "products"),
        file="online_retail_2009_2010.parquet",
        url=f"{_GITHUB}/viniciusfrantz/cohort_project/d35cfe0df1fffcae26c588762715f6b6467c7d45"
        "/data/online_retail.parquet",
        sha256=("e92bcbbce1b7a1041ad79462879d4774bf050c7b8fee9f4eef89f09fb6330664",),
        shape=_online_retail,
        currency="GBP",
    ),
    "hillstrom": PublicSet(
        title="MineThatData e-mail test: 64,000 customers, two e-mails and a control group",
        citation="Hillstrom (2008), MineThatData E-Mail Analytics and Data Mining Challenge",
        licence="published for a public challenge",
        tables=("customers", "campaigns", "campaign_events"),
        file="hillstrom.csv",
        url=f"{_GITHUB}/carlosquintanillaa/Datasets/bd475633095c8a007be32c47ea695abe318197b6/hillstrom.csv",
        sha256=(
            "0e5893329d8b93cefecc571777672028290ab69865718020c78c7284f291aece",
            "ff9e59285e9dc3f5fa3e0975419e6631ea5bdccd65d818991473d2367e02979c",
        ),
        shape=_hillstrom,
        currency="USD",
    ),
    "bank_marketing": PublicSet(
        title="Bank Marketing: 41,188 calls that offered a term deposit, 2008 to 2010",
        citation="Moro, Cortez and Rita (2014), Decision Support Systems 62, 22-31",
        licence="CC BY 4.0",
        tables=("customers", "campaigns", "campaign_events"),
        file="bank-additional-full.csv",
        url=f"{_GITHUB}/dsrscientist/Dataset2/c121c1fb0faed6ccfa9eb38dbd990df56deb3890/bank-additional.zip",
        sha256=("74adfc578bf77a7ff4bb1ba4a9f8709d9e3c6907342959c2c8416847e0afb4d8",),
        shape=_bank_marketing,
    ),
    "telco_churn": PublicSet(
        title="Telco customer churn: 7,043 customers of a fictional operator",
        citation="IBM (2018), sample data",
        licence="Apache 2.0",
        tables=("customers",),
        file="Telco-Customer-Churn.csv",
        url=f"{_GITHUB}/IBM/telco-customer-churn-on-icp4d/d5371f5d83a446ad5673cbcca3b814b926491f8a"
        "/data/Telco-Customer-Churn.csv",
        sha256=("16320c9c1ec72448db59aa0a26a0b95401046bef5d02fd3aeb906448e3055e91",),
        shape=_telco_churn,
    ),
    "airline_satisfaction": PublicSet(
        title="Airline passenger satisfaction: 129,880 passengers, 14 ratings",
        citation="Maven Analytics, data playground",
        licence="public domain according to its publisher",
        tables=("customers", "surveys"),
        file="airline_passenger_satisfaction.csv",
        url=f"{_GITHUB}/newdelthis/demo/4846198e58c383edf0e0b27a9a62c9546bac8a5d"
        "/airline_passenger_satisfaction.zip",
        sha256=("50870322733d4778f823e5b652b19f8440456415fa5dfdd4979bc7eabeadba81",),
        shape=_airline,
    ),
}


def public_set(name: str) -> PublicSet:
    """The public data set called `name`.

    Raises
    ------
    ParameterError
        If there is none; the nearest name is suggested.
    """
    if name not in PUBLIC_SETS:
        raise ParameterError(f"There is no public data set called {name!r}" + did_you_mean(name, PUBLIC_SETS))
    return PUBLIC_SETS[name]


def fetch(name: str) -> Path:
    """A checked copy of the data set's file: from CRMLAB_DATA, the cache, or the network.

    Raises
    ------
    SourceError
        If it can be had from nowhere, or is not the file that was published.
    """
    chosen = public_set(name)
    folder = os.environ.get("CRMLAB_DATA")
    if folder:
        for copy in (chosen.file, f"{chosen.file}.gz"):
            if (path := Path(folder, name, copy)).exists():
                return _checked(path, chosen)
    path = _download(name, chosen)
    try:
        return _checked(_unpacked(path, chosen), chosen)
    except SourceError:
        # What is not the published file would be taken from the cache for ever.
        for left in {path, path.with_name(chosen.file)}:
            left.unlink(missing_ok=True)
        raise


def _download(name: str, chosen: PublicSet) -> Path:
    import pooch

    # pooch's own messages name temporary files; ours name the data set.
    pooch.get_logger().setLevel("ERROR")
    cache = pooch.os_cache("crmlab") / name
    try:
        # The checksum is that of the content and is checked afterwards, packed or not.
        return Path(pooch.retrieve(chosen.url, None, fname=chosen.url.rsplit("/", 1)[-1], path=cache))
    except Exception as error:  # pooch lets each protocol's own errors through
        raise SourceError(
            f"The data set {name} could not be fetched from {chosen.url} "
            f"({type(error).__name__}). Fetch it by other means, put it into a folder {name}, and let "
            "CRMLAB_DATA name the folder above it."
        ) from None


def _unpacked(path: Path, chosen: PublicSet) -> Path:
    """The set's file; taken out of its archive if it came in one."""
    if path.suffix != ".zip":
        return path
    try:
        with zipfile.ZipFile(path) as archive:
            member = next(m for m in archive.namelist() if Path(m).name == chosen.file)
            target = path.with_name(chosen.file)
            target.write_bytes(archive.read(member))
            return target
    except (zipfile.BadZipFile, StopIteration):
        raise SourceError(f"{chosen.url} is not an archive that holds {chosen.file}.") from None


def _checked(path: Path, chosen: PublicSet) -> Path:
    found = hashlib.sha256(read_bytes(path)).hexdigest()
    if found not in chosen.sha256:
        raise SourceError(
            f"{path} is not the published file: its SHA-256 is {found}, not {chosen.sha256[0]}. "
            "Delete it and fetch it again."
        )
    return path


def read_public(name: str, path: Path | None = None) -> dict[str, Raw]:
    """Tables of a public data set, raw: columns named as in the contract, cells as published.

    Parameters
    ----------
    path
        The set's file; fetched if not given.
    """
    chosen = public_set(name)
    content = read_file(_checked(path, chosen) if path else fetch(name))
    return {table: raw(frame) for table, frame in chosen.shape(content.frame).items()}
