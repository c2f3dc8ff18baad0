"""The list of runs: what it says, what it links to, and how it is searched in a browser."""

import json
import re
from pathlib import Path

import pytest

from crmlab.reporting.index import write_index

DONE = {
    "report": "segmentation",
    "workspace": "Shop",
    "language": "en",
    "parameters": {"as_of": None, "top_share": 0.2},
    "status": "done",
    "started_at": "2026-03-01T10:00:00+00:00",
    "seconds": 6.13,
}


def lay(out: Path, run: str, **different) -> None:
    """Lay down a run as `run_report` leaves it."""
    manifest = DONE | different
    folder = out / manifest["report"] / run
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / ("report.html" if manifest["status"] == "done" else "error.txt")).write_text("made")


@pytest.fixture
def index(tmp_path) -> Path:
    figures = [{"label": "Revenue", "text": "12 <b>EUR"}, {"label": "Customers", "text": "2,097"}]
    lay(tmp_path, "en-1", headline=figures)
    lay(tmp_path, "en-0", started_at="2026-02-01T10:00:00+00:00")
    persian = [{"label": "CES، میانگین", "text": "۴٫۸۱"}]
    lay(tmp_path, "fa-1", language="fa", workspace="فروشگاه", started_at="2026-02-15T10:00:00+00:00",
        headline=persian)  # fmt: skip
    lay(tmp_path, "en-2", report="campaign", status="failed", started_at="2026-04-01T10:00:00+00:00")
    lay(tmp_path, "en-3", report="campaign")
    lay(tmp_path, "en-4", report="my #1 report", parameters={"bins": 3, "note": "<i>&"})
    (tmp_path / "campaign" / ".en-5.part-1").mkdir()
    (tmp_path / "campaign" / ".en-5.part-1" / "manifest.json").write_text(json.dumps(DONE))
    (tmp_path / "campaign" / "half").mkdir()
    (tmp_path / "campaign" / "half" / "manifest.json").write_text("{")
    return write_index(tmp_path)


def rows(index: Path) -> list[str]:
    return re.findall(r"<tr role=\"row\" class=.*?</tr>", index.read_text(encoding="utf-8"))


def test_runs_are_listed_newest_first_and_only_whole_ones(index):
    made = [re.search(r"<time[^>]*>(.*?)<", row)[1] for row in rows(index)]
    assert len(made) == 6
    assert made == sorted(made, reverse=True)
    assert "6 runs, 1 failed, 1 earlier" in index.read_text(encoding="utf-8")


def test_every_link_leads_to_a_file(index):
    from urllib.parse import unquote

    links = re.findall(r'href="([^"]+)"', "".join(rows(index)))
    assert len(links) == 6
    for link in links:
        assert (index.parent / unquote(link)).is_file(), link
    assert "campaign/en-2/error.txt" in links


def test_a_failed_run_supersedes_no_finished_one(index):
    failed, *others = rows(index)
    assert 'class="failed"' in failed
    earlier = [row for row in others if ">earlier<" in row]
    assert ["segmentation/en-0/" in row for row in earlier] == [True]
    assert 'class="earlier"' in earlier[0]


def test_headline_figures_and_parameters_are_shown_as_text(index):
    page = index.read_text(encoding="utf-8")
    assert "<dt>Customers</dt><dd>2,097</dd>" in page
    assert "12 &lt;b&gt;EUR" in page
    assert "note = &lt;i&gt;&amp;" in page
    assert "as_of" not in page
    assert page.index("<dt>Revenue") < page.index("<dt>Customers")


def test_runs_of_older_versions_are_listed_with_their_figures(tmp_path):
    lay(tmp_path, "en-1", headline={"Customers": "2,097"})
    assert "<dt>Customers</dt><dd>2,097</dd>" in write_index(tmp_path).read_text(encoding="utf-8")


def test_figures_run_in_the_direction_of_their_report(browser, index):
    page = browser.new_page()
    page.goto(index.as_uri())
    places = "all => all.map(one => one.getBoundingClientRect().x)"
    for code, first in (("en", "left"), ("fa", "right")):
        row = page.locator("tbody tr", has=page.get_by_role("cell", name=code, exact=True))
        label, value = row.locator(".figures div").first.locator("dt, dd").evaluate_all(places)
        assert (label < value) == (first == "left")
    page.close()


def test_the_index_is_set_in_the_font_of_the_reports(browser, index):
    page = browser.new_page()
    page.goto(index.as_uri())
    loaded = "[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)"
    assert page.evaluate(loaded).count("Vazirmatn") >= 3
    page.close()


def test_no_run_at_all_is_a_page_too(tmp_path):
    page = write_index(tmp_path).read_text(encoding="utf-8")
    assert "0 runs" in page
    assert ">Figures<" not in page


def test_the_search_shows_the_runs_with_every_word(browser, index):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(index.as_uri())
    visible = page.locator("tbody tr:visible")
    assert visible.count() == 6
    page.get_by_label("Search").fill("CAMPAIGN done")
    assert visible.count() == 1
    assert page.get_by_role("status").inner_text().startswith("1 of 6 runs")
    page.get_by_label("Search").fill("فروشگاه ۰.۲")
    assert visible.count() == 1
    page.get_by_label("Search").fill("")
    assert visible.count() == 6
    page.close()


def test_without_scripts_the_list_is_whole(browser, index):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(index.as_uri())
    assert page.locator("tbody tr:visible").count() == 6
    assert page.locator("input:visible").count() == 0
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_list_fits_its_window(browser, index, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(index.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = """() => [...document.querySelectorAll('td')]
        .filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.textContent)"""
    assert page.evaluate(cut) == []
    page.close()
