"""Two hundred Persian lines in every format: how many are reversed or unjoined, and how many of those
that are so on purpose are found. The checks are those of tests/locale/test_persian_rendering.py."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "locale")]

from conftest import find_browser  # noqa: E402
from persian_check import SPOILT_LINE, SPOILT_PAGE, wrong_glyphs, wrong_order, wrong_pictures  # noqa: E402
from persian_drawn import (  # noqa: E402
    Line,
    chart_lines,
    html_paragraphs,
    page_of,
    pdf_lines,
    sheet_lines,
    title_line,
)
from persian_strings import persian_strings  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

LINES = persian_strings()


def say(what: str, wrong: list[str], expected: list[str]) -> None:
    """Print the number of wrong lines, and which of them were not expected to be, or the reverse."""
    print(f"{what:<44} {len(wrong):3} of {len(LINES)} wrong")
    for line in set(wrong) ^ set(expected):
        print(f"    unexpected: {line!a}")


def figures(what: str, found: list[Line], right: list[Line], expected: list[str]) -> None:
    """SVG and PNG of figures."""
    say(f"SVG, {what}", wrong_glyphs(LINES, [line.glyphs for line in found]), expected)
    say(f"PNG, {what}", wrong_pictures(LINES, right, found), expected)


def pages(what: str, page: Page, css: str, right: list[Line], expected: list[str]) -> None:
    """HTML and PDF of a page."""
    page.set_content(page_of(LINES, css))
    page.evaluate("document.fonts.ready")
    paragraphs = html_paragraphs(page, LINES)
    if [paragraph.text for paragraph in paragraphs] != LINES:
        raise SystemExit("The page does not hold the lines as they were given.")
    wrong = {*wrong_order(paragraphs), *wrong_pictures(LINES, right, paragraphs)}
    say(f"HTML, {what}", [line for line in LINES if line in wrong], expected)
    say(f"PDF, {what}", wrong_glyphs(LINES, pdf_lines(page.pdf())), expected)


if __name__ == "__main__":
    texts = sheet_lines(LINES)
    figures("texts", texts, texts, [])
    figures("names of bars", chart_lines(LINES), texts, [])
    titles = [title_line(line) for line in LINES]
    bold = wrong_glyphs(LINES, [line.glyphs for line in titles], "Vazirmatn-Bold.ttf")
    say("SVG, titles of charts, bold", bold, [])
    for how, spoil in SPOILT_LINE.items():
        figures(f"{how} on purpose", sheet_lines([spoil(line) for line in LINES]), texts, LINES)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
        pages("paragraphs", page, "", texts, [])
        for how, css in SPOILT_PAGE.items():
            pages(f"{how} on purpose", page, css, texts, LINES)
        browser.close()
