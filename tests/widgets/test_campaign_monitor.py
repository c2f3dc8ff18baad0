"""The monitor of a running campaign: what it says, and that a page follows the events."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html import unescape

import numpy as np
import pandas as pd
import pytest

from crmlab.arrivals import Arrivals
from crmlab.errors import ParameterError, SourceError
from crmlab.locale import language
from crmlab.mining.campaigns import Monitor
from crmlab.reporting.watch import watch_notebook
from crmlab.widgets import CampaignMonitor
from crmlab.widgets.monitor_view import WRONG, MonitorView

ARMS = {"mail a": 0.4, "text b": 0.4, "control": 0.2}


def events_of(n: int, rates: dict[str, float], shares: list[float] | None = None) -> pd.DataFrame:
    """Customers with arms, contacts and purchases of 20.00 each."""
    random = np.random.default_rng(1)
    arm = pd.Series(random.choice(list(ARMS), n, p=shares or list(ARMS.values())))
    customers = pd.DataFrame({"customer_id": [f"C{k}" for k in range(n)], "arm": arm})
    sent = customers[arm != "control"].assign(event="sent", channel="email")
    bought = customers[random.random(n) < arm.map(rates)].assign(event="converted", value=2000)
    every = pd.concat([customers.assign(event="assigned"), sent, bought], ignore_index=True)
    return every.assign(time=pd.Timestamp("2026-03-01 10:00"), value=every["value"].astype("Int64"))


def view_of(code: str = "en") -> MonitorView:
    return MonitorView(language(code), "EUR", 2, "control")


def snapshot(tmp_path, events, **options):
    options = {"costs": {"mail a": 5, "text b": 8}, **options}
    return Monitor(tmp_path / "state", "M1", ARMS, "control", **options).refresh([events], now="2026-03-02")


def plain(html: str) -> str:
    text = unescape(re.sub("<[^>]+>", " ", html)).translate({0x2068: "", 0x2069: ""})
    return re.sub(r"\s+", " ", text).strip()


def apart(work: Callable[[], object]) -> None:
    """Do something in a thread of its own: the browser's tests leave an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def test_what_is_sure_is_said_and_what_is_not_is_not(tmp_path):
    found = snapshot(tmp_path, events_of(6000, {"mail a": 0.2, "text b": 0.1, "control": 0.1}))
    row = found.responses.set_index("arm").loc["mail a"]
    lead, money, early = map(plain, view_of().verdicts(found))
    number = [f"{100 * row[name]:.1f}" for name in ("difference", "low", "high")]
    assert lead == (
        f"mail a leads by {number[0]} points ({number[1]} to {number[2]}, valid however often you look)."
    )
    assert money.startswith("mail a brings ")
    assert "more revenue per customer" in money
    assert early.startswith("text b: too early to tell (between −")
    trailing = snapshot(tmp_path / "2", events_of(6000, {"mail a": 0.05, "text b": 0.2, "control": 0.2}))
    trail, less, _ = map(plain, view_of().verdicts(trailing))
    assert re.fullmatch(r"mail a trails by 1\d\.\d points \(1?\d\.\d to [12]\d\.\d, valid .*\)\.", trail)
    assert "EUR less revenue per customer" in less
    nothing = snapshot(tmp_path / "3", events_of(50, dict.fromkeys(ARMS, 0.0)))
    assert [*map(plain, view_of().verdicts(nothing))] == [
        "mail a: too early to tell.", "text b: too early to tell."
    ]  # fmt: skip


def test_warnings_say_what_to_look_into(tmp_path):
    events = events_of(3000, dict.fromkeys(ARMS, 0.1), [0.5, 0.3, 0.2])
    sent = pd.DataFrame(
        {"customer_id": events.loc[events["arm"] == "control", "customer_id"][:2], "event": "sent"}
    )
    odd = pd.DataFrame({"customer_id": ["x", "C1"], "event": "opened", "arm": ["other", None]})
    found = snapshot(tmp_path, pd.concat([events, sent, odd, events.head(3)]))
    wrong, known = view_of().warnings(found, ["new.csv"])
    share = (events[events["event"] == "assigned"]["arm"] == "mail a").mean()
    assert [*map(plain, wrong)] == [
        f"More customers in arm mail a than planned ({share:.1%} instead of 40.0%): check the assignment "
        "(p < 0.001).",
        "2 customers of the control group were contacted.",
        "1 event names the arm other, which the campaign has not; it does not count.",
        "1 customer has events but no arm; they count once the assignment arrives.",
    ]
    assert [*map(plain, known)] == [
        "3 events have no time; they count in the funnel, but not in figures by time.",
        "3 events arrived again and were counted once.",
        "new.csv is still being written; it is waited for.",
    ]


def test_every_number_of_the_snapshot_that_may_be_wrong_has_its_words(tmp_path):
    found = snapshot(tmp_path, events_of(10, dict.fromkeys(ARMS, 0.1)))
    assert {*WRONG, "events"} == {*found.counts}


def test_tables_and_headline_are_the_numbers_of_the_snapshot(tmp_path):
    found, view = snapshot(tmp_path, events_of(1000, dict.fromkeys(ARMS, 0.3))), view_of()
    arms = found.arms.set_index("arm")
    told = plain(view.arms(found))
    for arm, row in arms.to_dict("index").items():
        assert f"{arm} {row['customers']:,} {row['responses']:,} {row['rate']:.1%}" in told
    assert plain(view.headline(found)).startswith(f"Customers 1,000 Responses {arms['responses'].sum():,}")
    assert view.channels(found) == [("all channels", ""), ("email", "email")]
    assert "Converted" in plain(view.funnel(found, ""))
    assert "Converted" not in plain(view.funnel(found, "email"))
    assert "Sent" in plain(view.funnel(found, "email"))
    assert view.figure(found).startswith('<img alt="Difference to the control group')
    nothing = snapshot(tmp_path / "none", events_of(30, dict.fromkeys(ARMS, 0.0)))
    assert view.figure(nothing) == ""


def test_names_are_not_taken_for_markup(tmp_path):
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.csv").write_text("customer_id,event,arm\n1,opened,<b>x</b>\n")
    counting = Monitor(tmp_path / "state", "M1", ARMS, "control")
    watch = CampaignMonitor(counting, tmp_path / "drop", name="<i>Spring</i>")
    watch.refresh()
    every = "".join(child.value for child in watch.box.children if hasattr(child, "value"))
    assert "<b>x" not in every
    assert "<i>Spring" not in every
    assert "&lt;b&gt;x" in every


def test_the_widget_refreshes_when_asked_and_says_what_fails(tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    watch = CampaignMonitor(Monitor(tmp_path / "state", "M1", ARMS, "control"), drop)
    watch.buttons["refresh"].click()
    assert watch.snapshot.counts["events"] == 0
    events_of(40, dict.fromkeys(ARMS, 0.5)).to_csv(drop / "a.csv", index=False)
    watch.buttons["refresh"].click()
    assert watch.snapshot.counts["events"] > 40
    watch.fields["channel"].value = "email"
    apart(watch.start)  # there is no notebook around it
    assert not watch.running
    (tmp_path / "state" / "monitor.sqlite").write_text("no such file any more, alas")
    watch.buttons["refresh"].click()
    assert "is damaged" in watch._wrong.value
    with pytest.raises(ParameterError, match="every is a number of seconds"):
        CampaignMonitor(Monitor(tmp_path / "other", "M1", ARMS, "control"), drop, every=0)
    with pytest.raises(SourceError, match="no folder"):
        CampaignMonitor(Monitor(tmp_path / "other", "M1", ARMS, "control"), tmp_path / "nowhere")


def test_it_looks_by_itself_until_it_is_stopped(tmp_path):
    import asyncio

    drop = tmp_path / "drop"
    drop.mkdir()
    watch = CampaignMonitor(Monitor(tmp_path / "state", "M1", ARMS, "control"), drop, every=1)

    async def notebook():
        watch._every = 0.05
        watch.start()
        assert watch.running
        assert watch.buttons["pause"].description == "Pause"
        (drop / "a.csv").write_text("customer_id,event,arm\n1,assigned,mail a\n")
        deadline = time.monotonic() + 30
        while watch.snapshot is None or not watch.snapshot.counts["events"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        watch.buttons["pause"].click()
        assert watch.buttons["pause"].description == "Go on"
        assert not watch.running

    apart(lambda: asyncio.run(notebook()))


# In a browser

SERVE = """
import sys
from pathlib import Path
from crmlab.reporting.live import serve
serve(Path(sys.argv[1]), int(sys.argv[2]), False, lambda address: print(address, flush=True))
"""


@contextmanager
def served(notebook):
    """A server of the page, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, notebook, str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            # As hard as a machine that is switched off.
            os.killpg(server.pid, signal.SIGKILL)


def shown(page, number: str) -> None:
    """Wait until the page shows a number of events."""
    page.wait_for_function(
        "n => [...document.querySelectorAll('.crm-monitor dd')].some(d => d.innerText.trim() === n)",
        arg=number, timeout=90_000,
    )  # fmt: skip


def test_the_page_follows_the_events_and_nothing_is_lost_when_it_is_killed(tmp_path, browser):
    drop, lines = tmp_path / "drop", []
    drop.mkdir()
    events = events_of(900, {"mail a": 0.4, "text b": 0.1, "control": 0.1}).assign(campaign_id="M1")
    head, *lines = events.to_csv(index=False).splitlines(keepends=True)
    counting = Monitor(tmp_path / "state", "M1", ARMS, "control", planned=100)
    notebook = watch_notebook(counting.parameters, drop, tmp_path, name="Spring", every=1, language="fa",
                              currency="EUR")  # fmt: skip
    log = drop / "log.csv"
    log.write_text(head + "".join(lines[:300]))
    tongue = language("fa")
    with served(notebook) as address:
        page = browser.new_page(viewport={"width": 1100, "height": 1600})
        broken = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto(address)
        shown(page, tongue.number(300))
        assert page.evaluate("document.documentElement.dir") == "rtl"
        assert page.evaluate("document.documentElement.scrollWidth") <= 1100
        # Events are appended while the page is open, the last line only in half.
        with log.open("a") as growing:
            growing.write("".join(lines[300:700]) + lines[700][:8])
        shown(page, tongue.number(700))
        # Everything can be reached and pressed by the keyboard.
        button = page.locator(".crm-monitor button").nth(1)
        before = button.inner_text()
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function(
            "t => document.querySelectorAll('.crm-monitor button')[1].innerText !== t", arg=before
        )
        assert page.locator(".crm-monitor [tabindex='0'][role=region]").count() == 2
        assert page.get_by_label(tongue("Channel"), exact=True).count() == 1
        assert broken == []
        page.close()
    with log.open("a") as growing:
        growing.write(lines[700][8:] + "".join(lines[701:]))
    (drop / "again.csv").write_text(head + "".join(lines[100:400]))
    with served(notebook) as address:
        page = browser.new_page(viewport={"width": 1100, "height": 1600})
        page.goto(address)
        shown(page, tongue.number(len(lines)))
        page.close()
    kept = Monitor(**counting.parameters).refresh(Arrivals(drop))
    assert (kept.counts["events"], kept.counts["duplicates"]) == (len(lines), 300)
    once = Monitor(tmp_path / "once", "M1", ARMS, "control", planned=100).refresh(
        [events.assign(value=100 * events["value"])]
    )
    pd.testing.assert_frame_equal(kept.arms, once.arms)
    pd.testing.assert_frame_equal(kept.responses, once.responses)
