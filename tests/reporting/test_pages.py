"""Pages in a real browser: whole, readable at every width and in the dark, asking nothing of the network."""

import re
from pathlib import Path

import nbformat
import pytest
from fontTools.ttLib import TTFont
from nbformat import v4

import crmlab
from crmlab.locale import catalogue, language
from crmlab.reporting import run_report, write_index
from crmlab.reporting.page import _exporter, outline, to_page
from crmlab.reporting.sections import NOTHING, without_empty_sections

NAMES = ["segmentation", "satisfaction", "campaign", "quality"]
LANGUAGES = ["en", "fa"]

#: Runs in the page: figures that are not drawn, cut off on a side, or have no alternative text.
FAULTY = """() => [...document.querySelectorAll('main img')].filter(image => {
    const box = image.getBoundingClientRect();
    return !image.complete || image.naturalWidth === 0 || box.width < 300 || box.height < 80
        || box.left < 0 || box.right > innerWidth || image.alt.length < 20;
}).map(image => image.alt || 'without text')"""

#: Runs in the page: texts whose contrast to what is behind them is below 4.5 to 1.
FAINT = """() => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => parts(colour).slice(0, 3).map(value => value / 255)
        .map(value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
        .reduce((sum, value, place) => sum + value * [.2126, .7152, .0722][place], 0);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if ((parts(colour)[3] ?? 1) === 1) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const faint = [];
    for (const element of document.querySelectorAll('body, body *')) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility()) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
        const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (contrast < 4.5) faint.push([element.textContent.slice(0, 40), contrast]);
    }
    return faint;
}"""


@pytest.fixture(scope="module")
def reports(sample_folder, persian_sample_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("pages")
    for folder in (sample_folder, persian_sample_folder):
        for name in NAMES:
            run_report(name, folder, out=out)
    return out


def page_of(reports: Path, name: str, code: str) -> Path:
    (path,) = (reports / name).glob(f"{code}-*/report.html")
    return path


def open_page(browser, path: Path, width: int = 1280, until: str = "load", **options):
    """The page, and what it said and asked for while it loaded."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    page.goto(path.as_uri(), wait_until=until)
    return page, said


def small_page(*sources: str, code: str = "en", outputs: tuple = ()) -> str:
    cells = [nbformat.v4.new_markdown_cell(source) for source in sources]
    cells.append(nbformat.v4.new_code_cell("1 + 1", outputs=list(outputs)))
    return to_page(nbformat.v4.new_notebook(cells=cells), "Title", "Shop", language(code), {"bins": "3"})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", LANGUAGES)
def test_a_report_is_whole_in_the_browser(browser, reports, name, code):
    page, said = open_page(browser, page_of(reports, name, code), until="networkidle")
    assert said == []
    assert page.locator("main img").count() >= 3
    assert page.evaluate(FAULTY) == []
    assert page.evaluate("document.documentElement.lang") == code
    assert page.evaluate("document.documentElement.dir") == {"en": "ltr", "fa": "rtl"}[code]
    assert page.locator(".output_error").count() == 0
    page.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", LANGUAGES)
def test_a_report_without_the_data_of_its_figures_and_fonts_is_small(reports, name, code):
    page = page_of(reports, name, code).read_text(encoding="utf-8")
    assert len(re.sub(r"data:(image/png|font/woff2);base64,[^\")]*", "", page).encode()) < 100_000


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_written_once(reports, name):
    tables = [path.read_bytes() for path in page_of(reports, name, "en").parent.glob("tables/*.csv")]
    assert len(set(tables)) == len(tables) >= 7


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", LANGUAGES)
def test_only_figures_and_tables_scroll_sideways(browser, reports, code, name):
    page, _ = open_page(browser, page_of(reports, name, code))
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        widths = "all => all.map(image => image.getBoundingClientRect().width)"
        assert min(page.locator(".figure img").evaluate_all(widths)) >= 620
        scrolls = page.locator(".figure").evaluate_all(
            "all => all.map(box => box.scrollWidth > box.clientWidth)"
        )
        assert set(scrolls) == {width == 360}
        shades = "all => all.map(box => getComputedStyle(box).backgroundImage.split('gradient(').length)"
        assert set(page.locator(".figure, .crm-table > div").evaluate_all(shades)) == {5}
    page.close()


def test_a_figure_that_scrolls_is_reached_by_keyboard(browser, reports):
    page, _ = open_page(browser, page_of(reports, "campaign", "en"), 360)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "figure":
            break
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
    assert page.evaluate("document.activeElement.className") == "figure"
    page.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_stands_out_from_its_ground(browser, reports, code, name):
    page, _ = open_page(browser, page_of(reports, name, code))
    page.locator("[for=crm-code]").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(FAINT) == []
    page.locator("[for=crm-code]").click()
    assert page.evaluate(FAINT) == []
    page.close()


def test_every_text_of_the_index_stands_out(browser, reports):
    page, _ = open_page(browser, write_index(reports))
    for scheme, width in (("light", 1280), ("dark", 1280), ("dark", 360), ("light", 360)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(FAINT) == []
    page.close()


def test_figures_have_a_white_card_in_the_dark(browser, reports):
    page, _ = open_page(browser, page_of(reports, "campaign", "en"), color_scheme="dark")
    figure = page.locator(".figure").first
    assert figure.evaluate("box => getComputedStyle(box).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    page.close()


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_page_is_built_for_readers_aloud(browser, reports, code):
    page, _ = open_page(browser, page_of(reports, "segmentation", code))
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in zip(levels, levels[1:], strict=False))
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    ids = page.locator("[id]").evaluate_all("all => all.map(element => element.id)")
    assert len(ids) == len(set(ids))
    page.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_code_is_folded_away_and_unfolds(browser, reports, scripts):
    page, _ = open_page(browser, page_of(reports, "segmentation", "en"), java_script_enabled=scripts)
    code = page.locator("pre.code")
    assert page.locator("pre.code:visible").count() == 0
    page.get_by_text("Show the code").click()
    assert page.locator("pre.code:visible").count() == code.count() > 8
    assert "crm.open_workspace(workspace)" in page.locator("main").inner_text()
    page.get_by_text("Show the code").click()
    page.get_by_label("Show the code").focus()
    page.keyboard.press("Space")
    assert page.locator("pre.code:visible").count() == code.count()
    page.close()


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_contents_lead_to_every_section(browser, reports, code):
    page, _ = open_page(browser, page_of(reports, "segmentation", code), java_script_enabled=False)
    links = page.get_by_role("navigation").get_by_role("link")
    assert links.all_inner_texts() == page.locator("main h2").all_inner_texts()
    assert links.count() >= 5
    links.last.click()
    assert page.locator("main h2").last.bounding_box()["y"] < 900
    page.close()


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_contents_stand_beside_the_text_where_there_is_room(browser, reports, code):
    for width in (360, 1280):
        page, _ = open_page(browser, page_of(reports, "segmentation", code), width)
        nav, main = (page.locator(part).bounding_box() for part in ("nav", "main"))
        beside = nav["x"] + nav["width"] <= main["x"] or main["x"] + main["width"] <= nav["x"]
        assert beside == (width == 1280)
        page.close()


def test_a_print_has_no_code_no_contents_and_whole_figures(browser, reports):
    page, _ = open_page(browser, page_of(reports, "campaign", "fa"), 680, color_scheme="dark")
    page.locator("[for=crm-code]").click()
    page.emulate_media(media="print")
    assert page.locator("pre.code:visible, nav:visible, .switch:visible, [for=crm-code]:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    boxes = page.locator(".figure").evaluate_all("all => all.map(box => box.scrollWidth <= box.clientWidth)")
    assert all(boxes)
    assert page.evaluate(FAULTY) == []
    page.close()


@pytest.mark.parametrize("code", LANGUAGES)
def test_pages_are_set_in_their_own_font(browser, reports, code):
    page, _ = open_page(browser, page_of(reports, "segmentation", code))
    loaded = "[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)"
    assert page.evaluate(loaded).count("Vazirmatn") >= 2
    families = "all => [...new Set(all.map(text => getComputedStyle(text).fontFamily.split(',')[0]))]"
    assert page.locator("h1, h2, h3, p, td, th, li").evaluate_all(families) == ["Vazirmatn"]
    page.close()


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_the_fonts_of_pages_have_every_letter_of_the_catalogues(weight):
    fonts = Path(crmlab.__file__).parent / "fonts"
    letters = {ord(letter) for code in LANGUAGES for text in catalogue(code).values() for letter in text}
    letters |= set(map(ord, "پچژگکیۀهٔآأؤئءًٌٍَُِّْ۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩،؛؟٪٫٬«»ـ\u200c€£ßüé–−×≥"))
    for script in ("latin", "arabic"):
        letters -= set(TTFont(fonts / f"Vazirmatn-{weight}.{script}.woff2").getBestCmap())
    assert sorted(map(chr, letters - {0x0A})) == []


def test_a_page_takes_the_letters_it_writes():
    assert small_page("# Customers").count("@font-face") == 2
    assert small_page("# Customers of فروشگاه").count("@font-face") == 4
    assert small_page("# Customers", code="fa").count("@font-face") == 4


def test_equal_notebooks_give_equal_pages_from_one_exporter():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A\n\n## B\n\n## C")])
    first, second = (to_page(notebook, "A", "Shop", language("en"), {}) for _ in range(2))
    assert first == second
    assert _exporter() is _exporter()


def test_a_page_asks_nothing_of_the_network_even_if_its_notebook_does(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(small_page("# A\n\n![remote](https://example.org/a.png)"), encoding="utf-8")
    page = browser.new_page()
    failures = []
    page.on("requestfailed", lambda request: failures.append((request.url, request.failure)))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    assert failures == [("https://example.org/a.png", "csp")]
    page.close()


def test_a_notebook_without_headings_has_its_title_and_no_contents():
    page = small_page("Some words.")
    assert "<h1>Title</h1>" in page
    assert "<nav" not in page
    assert "with-contents" not in page.partition("<body")[2]


def test_headings_are_put_in_order_and_named_once():
    page = outline('<h2 id="a">One</h2><h1 id="t">T</h1><h5 id="a">Two</h5><h1>More &amp; <b>more</b></h1>')
    assert page["heading"] == "T"
    assert page["contents"] == [("a", "One"), ("section-2", "More &amp; more")]
    assert re.findall(r"<h(\d) id=\"(\S+)\"", page["body"]) == [("2", "a"), ("3", "a-2"), ("2", "section-2")]


def test_tables_of_pandas_say_what_their_headings_are_for():
    head, row = "<tr><th></th><th>a</th></tr>", "<tr><th>0</th><td>1</td></tr>"
    table = f"<table><thead>{head}</thead><tbody>{row}</tbody></table>"
    body = outline(table)["body"]
    assert body.count('<th scope="col">') == 2
    assert body.count('<th scope="row">') == 1
    assert outline(body)["body"] == body


def test_a_picture_without_a_text_gets_one():
    picture = nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})
    (image,) = re.findall("<img[^>]*>", small_page(outputs=(picture,)))
    assert 'alt="Figure"' in image
    assert "base64,iVBORw0KGgo=" in image


def test_the_index_leads_to_every_report(browser, reports):
    page, said = open_page(browser, write_index(reports))
    assert said == []
    links = page.locator("tbody a")
    assert links.count() == 8
    links.first.click()
    page.wait_for_load_state()
    assert page.locator("h1").count() == 1
    page.close()


def test_sections_without_anything_to_show_are_named_at_the_end():
    def section(title, *outputs):
        return [v4.new_markdown_cell(f"## {title}"), v4.new_code_cell(outputs=list(outputs))]

    def said(text, nothing=""):
        return v4.new_output(
            "execute_result", {"text/markdown": text}, metadata={NOTHING: nothing} if nothing else {}
        )

    cells = [
        v4.new_markdown_cell("# Title"), v4.new_code_cell(outputs=[said("none", "none")]),
        *section("Sales", said("many"), said("no returns", "no returns")),
        *section("Gaps", said("not asked", "not asked"), said("not asked", "not asked")),
        *section("How to read this"),
    ]  # fmt: skip
    notebook = v4.new_notebook(cells=cells)
    shown = without_empty_sections(notebook, language("fa"))
    assert shown.cells[:-1] == [*cells[:4], *cells[6:]]
    assert shown.cells[-1].source.endswith("- **Gaps** not asked")
    assert len(notebook.cells) == 8
    assert without_empty_sections(shown, language("fa")) is shown
