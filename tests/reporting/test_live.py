"""The live page: served to this machine, in the language of the report, computed anew when opened."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from small_notebooks import write_notebook

from crmlab.reporting.live import live_notebook
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
        for _ in range(120):
            try:
                urlopen(f"http://127.0.0.1:{port}/voila/static/none", timeout=1).close()
            except (URLError, TimeoutError) as error:
                if hasattr(error, "code"):
                    break
            assert server.poll() is None, log.read_text()
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/"
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
