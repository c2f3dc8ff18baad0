"""The pages in a real browser: nothing missing, nothing cut off, nothing asked of the network."""

from pathlib import Path

import pytest

from crmlab.reporting import run_report, write_index

#: Runs in the page: figures that are not drawn, cut off on a side, or have no alternative text.
FAULTY = """() => [...document.querySelectorAll('main img')].filter(image => {
    const box = image.getBoundingClientRect();
    return !image.complete || image.naturalWidth === 0 || box.width < 300 || box.height < 80
        || box.left < 0 || box.right > innerWidth || image.alt.length < 20;
}).map(image => image.alt || 'without text')"""


@pytest.fixture(scope="module")
def reports(sample_folder, persian_sample_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("pages")
    for folder in (sample_folder, persian_sample_folder):
        for name in ("segmentation", "satisfaction", "campaign"):
            run_report(name, folder, out=out)
    return out


def open_page(browser, path: Path, width: int = 1280):
    """The page, and what it said and asked for while it loaded."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    return page, said


@pytest.mark.parametrize("name", ["segmentation", "satisfaction", "campaign"])
@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_report_is_whole_in_the_browser(browser, reports, name, language):
    (path,) = (reports / name).glob(f"{language}-*/report.html")
    page, said = open_page(browser, path)
    assert said == []
    assert page.locator("main img").count() >= 3
    assert page.evaluate(FAULTY) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate("document.documentElement.dir") == {"en": "ltr", "fa": "rtl"}[language]
    assert page.locator(".output_error").count() == 0
    page.close()


def test_code_is_folded_away_and_unfolds(browser, reports):
    (path,) = (reports / "segmentation").glob("en-*/report.html")
    page, _ = open_page(browser, path)
    assert page.locator(".code pre:visible").count() == 0
    page.locator(".code summary").first.click()
    assert page.locator(".code pre:visible").count() == 1
    page.close()


def test_the_persian_page_is_set_in_its_own_font(browser, reports):
    (path,) = (reports / "segmentation").glob("fa-*/report.html")
    page, _ = open_page(browser, path)
    assert page.evaluate("document.fonts.check('16px Vazirmatn')")
    assert page.evaluate(
        "[...document.fonts].some(font => font.family === 'Vazirmatn' && font.status === 'loaded')"
    )
    assert page.locator("h1").inner_text().startswith("مشتریان ما")
    page.close()


def test_a_narrow_window_scrolls_tables_not_the_page(browser, reports):
    (path,) = (reports / "campaign").glob("en-*/report.html")
    page, _ = open_page(browser, path, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.close()


def test_the_index_leads_to_every_report(browser, reports):
    page, said = open_page(browser, write_index(reports))
    assert said == []
    links = page.locator("tbody a")
    assert links.count() == 6
    links.first.click()
    page.wait_for_load_state()
    assert page.locator("h1").count() == 1
    page.close()
