"""The live page: served to this machine, in the language of the report, computed anew when opened."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import nbformat
import pytest
from click.testing import CliRunner
from small_notebooks import write_notebook

from crmlab.cli import main
from crmlab.reporting.live import free_port, live_notebook
from crmlab.reporting.plan import plan_report

SHOWN = (
    "import crmlab as crm\nws = crm.open_workspace(workspace)\nreport = crm.reporting.Report(ws, language)\n"
    "report.headline({'Orders': '3'})",
    "months = crm.mining.customers.activity(ws.orders)\n"
    "report.trend('m', months, 'orders', time='month', title='Orders by month')",
    "report.table('t', months, {'month': 'Month', 'orders': 'Orders'}, title='Orders')",
)


def test_the_notebook_has_its_parameters_and_its_language(shop, tmp_path):
    plan = plan_report("segmentation", shop, {"top_share": 0.25}, "fa", tmp_path / "out")
    notebook = nbformat.read(live_notebook(plan, tmp_path, every=60), as_version=4)
    (given,) = [c.source for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", ())]
    values: dict = {}
    exec(given, values)
    assert (values["top_share"], values["workspace"]) == (0.25, str(shop.resolve()))
    assert "مشتریان" in notebook.cells[0].source


@pytest.fixture
def taken():
    """A port that a program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_is_taken_is_refused_or_passed_over(taken, shop, monkeypatch):
    result = CliRunner().invoke(main, ["live", "segmentation", "-w", str(shop), "--port", str(taken)])
    assert result.exit_code == 2
    assert result.output.startswith(f"crmlab: The port {taken} is taken")
    assert len(result.output.splitlines()) == 1
    monkeypatch.setattr("crmlab.reporting.live.PORT", taken)
    assert taken < free_port() < taken + 50


@pytest.fixture(scope="module")
def address(shop, tmp_path_factory):
    notebook = write_notebook(tmp_path_factory.mktemp("notebook") / "small.ipynb", *SHOWN)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("live") / "log.txt"
    command = [
        Path(sys.executable).with_name("crmlab"), "live", notebook, "-w", shop, "--lang", "fa",
        "--every", "3600", "--port", str(port), "--no-browser",
    ]  # fmt: skip
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        said = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + 60
        while said not in log.read_text():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        # Once the address is said, the server answers: that there is no such page.
        with pytest.raises(HTTPError):
            urlopen(f"{said}voila/static/none", timeout=30)
        yield said
        server.terminate()
        try:
            assert server.wait(20) == 0
        finally:
            server.kill()


def test_the_live_page_stands_right_to_left_and_asks_nobody_else(address, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 2000})
    asked, broken = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".crm-table", timeout=60_000)
    page.wait_for_function("document.querySelectorAll('.jp-RenderedImage img').length >= 1", timeout=60_000)
    assert page.evaluate("[document.documentElement.dir, document.documentElement.lang]") == ["rtl", "fa"]
    assert page.locator("h1").first.bounding_box()["x"] > 0
    assert page.title() == "A small report"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.locator("pre code, .cm-editor").count() == 0
    assert "Vazirmatn" in page.evaluate(
        "getComputedStyle(document.querySelector('.crm-headline dd')).fontFamily"
    )
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert broken == []
    page.close()
