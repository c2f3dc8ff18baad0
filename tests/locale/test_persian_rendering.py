"""Two hundred Persian lines are joined and in order in charts (SVG, PNG) and pages (HTML, PDF).

What is right comes from the rules (`persian_line`): SVG and PDF must hold these glyphs in this order. The
SVG's outlines, once found right, are the picture that PNG and HTML must show. Every check is shown to fail
for lines that are reversed or unjoined on purpose; benchmarks/persian.py does that with all of them.
"""

import pytest
from persian_check import (
    REVERSED,
    SPOILT_LINE,
    SPOILT_PAGE,
    UNJOINED,
    wrong_glyphs,
    wrong_order,
    wrong_pictures,
)
from persian_drawn import chart_lines, html_paragraphs, page_of, pdf_lines, sheet_lines
from persian_line import forms, visual_order
from persian_strings import persian_strings

LINES = persian_strings()
TENTHS = slice(None, None, 10)
SOME = LINES[TENTHS]
spoilt = pytest.mark.parametrize("spoilt", [REVERSED, UNJOINED])


@pytest.fixture(scope="module")
def figures():
    return sheet_lines(LINES)


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
    yield page
    page.close()


def shown(page, lines: list[str], css: str = ""):
    """Paragraphs of the lines and their PDF, after the page has its fonts."""
    page.set_content(page_of(lines, css))
    page.evaluate("document.fonts.ready")
    return html_paragraphs(page, lines), page.pdf()


def test_there_are_two_hundred_lines_and_each_has_letters_to_join():
    assert len(set(LINES)) == 200
    assert [line for line in LINES if "init" not in forms(line)] == []


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("سلام دنیا", "ایند مالس"),
        ("NPS در ماه", "هام رد NPS"),
        ("نرخ ۱۲٫۵٪ شد", "دش ٪۱۲٫۵ خرن"),
        ("از \u200e−۱۲ تا ۵", "۵ ات \u200e−۱۲ زا"),
        ("گروه (A/B)", ")A/B( هورگ"),
        ("۱۴۰۳/۰۵/۱۲ خرید", "دیرخ ۱۴۰۳/۰۵/۱۲"),
    ],
)
def test_the_rules_put_lines_known_by_heart_in_order(line, seen):
    assert "".join(line[place] for place in visual_order(line)) == seen


@pytest.mark.parametrize(
    ("line", "joined"),
    [
        ("مشتری", "init medi medi fina isol"),
        ("دادار", "isol isol isol isol isol"),
        ("می\u200cخواهم", "init fina - init fina isol init fina"),
        ("کالا", "init fina init fina"),
    ],
)
def test_the_rules_know_forms_known_by_heart(line, joined):
    assert [form or "-" for form in forms(line)] == joined.split()


def test_svg(figures):
    assert wrong_glyphs(LINES, [line.glyphs for line in figures]) == []


def test_png(figures):
    assert wrong_pictures(LINES, figures, figures) == []


def test_names_of_bars(figures):
    found = chart_lines(SOME)
    assert wrong_glyphs(SOME, [line.glyphs for line in found]) == []
    assert wrong_pictures(SOME, figures[TENTHS], found) == []


@spoilt
def test_spoilt_figures_are_found(figures, spoilt):
    found = sheet_lines([SPOILT_LINE[spoilt](line) for line in SOME])
    assert wrong_glyphs(SOME, [line.glyphs for line in found]) == SOME
    assert wrong_pictures(SOME, figures[TENTHS], found) == SOME


def test_html_and_pdf(page, figures):
    paragraphs, pdf = shown(page, LINES)
    assert [paragraph.text for paragraph in paragraphs] == LINES
    assert wrong_order(paragraphs) == []
    assert wrong_pictures(LINES, figures, paragraphs) == []
    assert wrong_glyphs(LINES, pdf_lines(pdf)) == []


@spoilt
def test_spoilt_pages_are_found(page, figures, spoilt):
    paragraphs, pdf = shown(page, SOME, SPOILT_PAGE[spoilt])
    assert wrong_order(paragraphs) == (SOME if spoilt == REVERSED else [])
    assert wrong_pictures(SOME, figures[TENTHS], paragraphs) == SOME
    assert wrong_glyphs(SOME, pdf_lines(pdf)) == SOME
