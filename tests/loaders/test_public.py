"""Public data sets: the published counts, the published bytes, and fetching from a server of our own."""

import gzip
import hashlib
import http.server
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from crmlab.cleansing.clean import Conventions, clean
from crmlab.errors import ParameterError, SourceError
from crmlab.loaders.public import PUBLIC_SETS, PublicSet, fetch, public_set, read_public
from crmlab.loaders.raw import Raw
from crmlab.tables import TABLES


@pytest.fixture(scope="module")
def sets(public_data) -> dict[str, dict[str, Raw]]:
    """All sets as read from the local copies."""
    found = {}
    for name, chosen in PUBLIC_SETS.items():
        copies = [public_data / name / file for file in (chosen.file, f"{chosen.file}.gz")]
        path = next((path for path in copies if path.exists()), None)
        if path is None:
            pytest.skip(f"no copy of {name} in {public_data}; name the folder of all with CRMLAB_DATA")
        found[name] = read_public(name, path)
    return found


# What was published


def test_cdnow_has_the_published_customers_purchases_and_pieces(sets, public_data):
    orders = sets["cdnow"]["orders"].frame
    lines = [
        line.split() for line in (public_data / "cdnow" / "CDNOW_master.txt").read_text().splitlines()[1:]
    ]
    assert orders[["customer_id", "time", "quantity", "amount"]].to_numpy().tolist() == lines
    assert len(orders) == 69_659
    assert orders["customer_id"].nunique() == 23_570
    assert (orders["time"].min(), orders["time"].max()) == ("19970101", "19980630")


def test_online_retail_has_the_published_lines_and_the_known_dirt(sets):
    orders = sets["online_retail"]["orders"].frame
    assert len(orders) == 525_461
    assert orders["customer_id"].isna().sum() == 107_927
    assert orders["customer_id"].nunique() == 4_383
    assert (orders["quantity"] < 0).sum() == 12_326
    products = sets["online_retail"]["products"].frame
    assert products["product_id"].is_unique
    assert set(products["product_id"]) <= set(orders["product_id"])
    assert products["name"].notna().all()


def test_hillstrom_has_the_published_arms_and_outcomes(sets, public_data):
    tables = sets["hillstrom"]
    assert len(tables["customers"].frame) == 64_000
    assert tables["customers"].frame["customer_id"].is_unique
    events = tables["campaign_events"].frame
    counts = events.groupby(["event", "arm"]).size()
    assert counts["assigned"].to_dict() == {
        "Mens E-Mail": 21_307, "Womens E-Mail": 21_387, "No E-Mail": 21_306
    }  # fmt: skip
    assert counts["sent"].to_dict() == {"Mens E-Mail": 21_307, "Womens E-Mail": 21_387}
    published = pd.read_csv(public_data / "hillstrom" / "hillstrom.csv.gz")
    arms = published.groupby("segment")
    assert counts["visited"].to_dict() == arms["visit"].sum().to_dict()
    assert counts["converted"].to_dict() == arms["conversion"].sum().to_dict()
    assert (counts["visited"].sum(), counts["converted"].sum()) == (9_394, 578)
    spent = events["value"].dropna().astype("float64").groupby(events["arm"]).sum()
    assert spent.to_dict() == pytest.approx(arms["spend"].sum().to_dict())


def test_hillstrom_keeps_what_came_after_the_mailing_out_of_the_customers(sets):
    assert not {"segment", "visit", "conversion", "spend"} & set(sets["hillstrom"]["customers"].frame)


def test_bank_marketing_has_the_published_subscriptions(sets):
    tables = sets["bank_marketing"]
    assert len(tables["customers"].frame) == 41_188
    assert tables["campaign_events"].frame["event"].value_counts().to_dict() == {
        "assigned": 41_188, "converted": 4_640
    }  # fmt: skip
    assert "y" not in tables["customers"].frame


def test_telco_churn_has_the_published_customers_and_churn(sets):
    customers = sets["telco_churn"]["customers"].frame
    assert len(customers) == 7_043
    assert customers["customer_id"].is_unique
    assert customers["Churn"].value_counts().to_dict() == {"No": 5_174, "Yes": 1_869}


def test_airline_satisfaction_has_the_published_passengers_and_ratings(sets, public_data):
    customers, surveys = (sets["airline_satisfaction"][name].frame for name in ("customers", "surveys"))
    assert len(customers) == 129_880
    assert customers["arrival_delay"].eq("").sum() == 393
    overall = surveys[surveys["question"] == "Satisfaction"]
    assert overall["score"].value_counts().to_dict() == {"0": 73_452, "1": 56_428}
    items = surveys[surveys["question"] != "Satisfaction"]
    assert items["question"].head(14).nunique() == 14
    assert len(items) == 14 * 129_880
    answered = items["score"].notna().to_numpy().reshape(-1, 14)
    assert answered.all(axis=1).sum() == 119_567
    path = public_data / "airline_satisfaction" / "airline_passenger_satisfaction.csv.gz"
    published = pd.read_csv(path, usecols=["Seat Comfort"])
    seat = items.loc[items["question"] == "Seat Comfort", "score"].dropna().astype("int64")
    assert seat.sum() == published["Seat Comfort"].sum()
    assert set(items["score"].dropna()) == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize("name", list(PUBLIC_SETS))
def test_a_set_has_the_tables_it_promises_and_they_can_be_cleaned(sets, name):
    assert tuple(sets[name]) == PUBLIC_SETS[name].tables
    assert set(PUBLIC_SETS[name].tables) <= set(TABLES)
    for table, raw in sets[name].items():
        assert raw.rejected.empty
        assert raw.rows.tolist() == list(range(1, len(raw.frame) + 1))
        some = raw.frame.head(2_000)
        cleaned = clean(some, table, Conventions())
        assert cleaned.rows_in == len(some) == len(cleaned.frame) + len(cleaned.quarantine) + cleaned.merged
        without_customer = (
            some["customer_id"].isna().sum() if name == "online_retail" and table == "orders" else 0
        )
        assert len(cleaned.quarantine) == without_customer


def test_an_unknown_set_is_one_sentence():
    with pytest.raises(ParameterError) as error:
        public_set("cdnov")
    assert str(error.value).startswith(
        "There is no public data set called 'cdnov'; did you mean 'cdnow'? Known: airline_satisfaction, bank_"
    )


# Copies


def small_set(content: bytes, **changes: object) -> PublicSet:
    """A set whose published file has this content."""
    digest = hashlib.sha256(content).hexdigest()
    return replace(
        PUBLIC_SETS["cdnow"],
        file="small.csv",
        sha256=("0" * 64, digest),
        url="http://127.0.0.1:9/small.csv",
        **changes,
    )


CONTENT = b"customer_id,date,number_of_cds,dollar_value\n1,19970101,1,11.77\n2,19970112,5,77.00\n"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and no folder with copies."""
    monkeypatch.delenv("CRMLAB_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setitem(PUBLIC_SETS, "cdnow", small_set(CONTENT))
    return tmp_path / "cache" / "crmlab" / "cdnow"


@pytest.mark.parametrize("packed", [False, True])
def test_a_copy_in_the_named_folder_is_used_and_nothing_fetched(cache, tmp_path, monkeypatch, packed):
    copy = tmp_path / "copies" / "cdnow" / ("small.csv.gz" if packed else "small.csv")
    copy.parent.mkdir(parents=True)
    copy.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path / "copies"))
    assert fetch("cdnow") == copy
    assert read_public("cdnow")["orders"].frame["amount"].tolist() == ["11.77", "77.00"]
    assert not cache.exists()


def test_a_copy_that_is_not_the_published_file_is_refused_and_left(cache, tmp_path, monkeypatch):
    copy = tmp_path / "copies" / "cdnow" / "small.csv"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT + b"3,19970101,1,1.00\n")
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path / "copies"))
    found = hashlib.sha256(copy.read_bytes()).hexdigest()
    for read in (lambda: fetch("cdnow"), lambda: read_public("cdnow"), lambda: read_public("cdnow", copy)):
        with pytest.raises(SourceError) as error:
            read()
        assert str(error.value) == (
            f"{copy} is not the published file: its SHA-256 is {found}, not {'0' * 64}. "
            "Delete it and fetch it again."
        )
    assert copy.exists()


def test_a_named_file_that_is_missing_or_cut_off_is_one_sentence(cache, tmp_path):
    with pytest.raises(SourceError) as error:
        read_public("cdnow", tmp_path / "none.csv")
    assert str(error.value) == "none.csv cannot be read: No such file or directory."
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(CONTENT)[:30])
    with pytest.raises(SourceError, match=r"^cut\.csv\.gz is cut off: its compressed data end too early\.$"):
        read_public("cdnow", cut)


# Fetching


class Site:
    """A web site that holds some files and counts what it is asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                content = site.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.02,))
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, member in members.items():
            packed.writestr(name.replace("__", "/").replace("_csv", ".csv"), member)
    return content.getvalue()


def offer(monkeypatch, site: Site, name: str, content: bytes) -> None:
    """Let the set be fetched from the site under a name."""
    site.files[f"/{name}"] = content
    monkeypatch.setitem(PUBLIC_SETS, "cdnow", replace(small_set(CONTENT), url=f"{site.url}/{name}"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("small.csv", CONTENT),
        ("small.zip", archive(readme_csv=b"x", folder__small_csv=CONTENT)),
    ],
)
def test_a_set_is_fetched_once(cache, site, monkeypatch, name, content):
    offer(monkeypatch, site, name, content)
    assert read_public("cdnow")["orders"].frame["quantity"].tolist() == ["1", "5"]
    assert fetch("cdnow") == cache / "small.csv"
    assert fetch("cdnow").read_bytes() == CONTENT
    assert site.asked == [f"/{name}"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("small.csv", b"<html>please log in</html>", "small.csv is not the published file: its SHA-256 is "),
        ("small.zip", archive(small_csv=b"a,b\n"), "small.csv is not the published file: its SHA-256 is "),
        ("small.zip", archive(other_csv=CONTENT), "small.zip is not an archive that holds small.csv."),
        ("small.zip", b"<html>please log in</html>", "small.zip is not an archive that holds small.csv."),
        ("small.zip", archive(small_csv=CONTENT)[:-30], "small.zip is not an archive that holds small.csv."),
    ],
)
def test_what_is_not_the_published_file_does_not_stay_in_the_cache(
    cache, site, monkeypatch, name, content, said
):
    offer(monkeypatch, site, name, content)
    with pytest.raises(SourceError) as error:
        read_public("cdnow")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert list(cache.iterdir()) == []
    offer(monkeypatch, site, "small.csv", CONTENT)
    assert len(read_public("cdnow")["orders"].frame) == 2


def test_a_page_that_is_not_there_is_one_sentence(cache, site, monkeypatch):
    monkeypatch.setitem(PUBLIC_SETS, "cdnow", replace(small_set(CONTENT), url=f"{site.url}/gone.csv"))
    with pytest.raises(SourceError, match=r"^The data set cdnow could not be .*/gone\.csv \(HTTPError\)\."):
        fetch("cdnow")
    assert not cache.exists() or os.listdir(cache) == []


def test_a_missing_network_is_one_sentence(cache, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceError) as error:
        read_public("cdnow")
    assert str(error.value) == (
        "The data set cdnow could not be fetched from http://127.0.0.1:9/small.csv (ConnectionError). "
        "Fetch it by other means, put it into a folder cdnow, and let CRMLAB_DATA name the folder above it."
    )
    assert not cache.exists() or os.listdir(cache) == []


@pytest.mark.parametrize("name", list(PUBLIC_SETS))
def test_the_place_of_a_set_is_pinned_to_one_version(name):
    chosen = PUBLIC_SETS[name]
    host, _, rest = chosen.url.removeprefix("https://").partition("/")
    assert host == "raw.githubusercontent.com"
    assert len(rest.split("/")[2]) == 40
    assert all(len(digest) == 64 and int(digest, 16) for digest in chosen.sha256)
