"""Pages printed to PDF: the same bytes for the same page, with their title and readable text."""

import re
import stat
import time
from pathlib import Path

import nbformat
import pypdf
import pytest

from crmlab.errors import ReportError
from crmlab.locale import language
from crmlab.reporting import pdf
from crmlab.reporting.page import to_page

TITLE = {"fa": "مشتریان ما چه کسانی‌اند", "en": "Who are our customers"}
TEXT = {"fa": "گروه‌ها و ارزش آن‌ها", "en": "Groups and their value"}


@pytest.fixture
def program() -> str:
    try:
        return pdf.find_browser()
    except ReportError as error:
        pytest.skip(str(error))


def write_page(folder: Path, code: str) -> Path:
    cells = [nbformat.v4.new_markdown_cell(f"# {TITLE[code]}\n\n{TEXT[code]}")]
    cells += [nbformat.v4.new_code_cell("hidden = 1")]
    page = folder / "report.html"
    notebook = nbformat.v4.new_notebook(cells=cells)
    page.write_text(to_page(notebook, TITLE[code], "", language(code), {}), encoding="utf-8")
    return page


@pytest.mark.parametrize("code", ["en", "fa"])
def test_two_prints_of_a_page_are_the_same_bytes(program, tmp_path, code):
    page = write_page(tmp_path, code)
    (tmp_path / "elsewhere").mkdir()
    first = pdf.to_pdf(page, tmp_path / "first.pdf", program).read_bytes()
    time.sleep(1.1)
    assert pdf.to_pdf(page, tmp_path / "elsewhere" / "second.pdf", program).read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "first.pdf", "report.html"]


def bare(text: str) -> str:
    """The letters alone: what parts words without a glyph is not in a PDF."""
    return re.sub("[ \u200c]", "", text)


@pytest.mark.parametrize("code", ["en", "fa"])
def test_a_print_has_the_title_and_its_text_in_order(program, tmp_path, code):
    target = pdf.to_pdf(write_page(tmp_path, code), tmp_path / "report.pdf", program)
    printed = pypdf.PdfReader(target)
    assert printed.metadata.title == TITLE[code]
    text = [bare(line) for page in printed.pages for line in page.extract_text().splitlines()]
    assert {bare(TITLE[code]), bare(TEXT[code])} <= set(text)
    assert "hidden" not in "".join(text)
    assert b"+Vazirmatn-Bold" in target.read_bytes()


def test_without_a_browser_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CRMLAB_BROWSER", raising=False)
    with pytest.raises(ReportError, match=r"There is no Chromium.*apt-get install chromium"):
        pdf.to_pdf(write_page(tmp_path, "en"), tmp_path / "report.pdf")
    monkeypatch.setenv("CRMLAB_BROWSER", "firefoxium")
    with pytest.raises(ReportError, match="CRMLAB_BROWSER names firefoxium, which is no program"):
        pdf.find_browser()


def test_a_named_browser_is_taken(monkeypatch):
    monkeypatch.setenv("CRMLAB_BROWSER", "/bin/sh")
    assert pdf.find_browser() == "/bin/sh"


def test_a_missing_page_is_said(tmp_path):
    with pytest.raises(ReportError, match="There is no page"):
        pdf.to_pdf(tmp_path / "report.html", tmp_path / "report.pdf", "/bin/sh")


def browser_that(folder: Path, does: str) -> str:
    script = folder / "browser"
    script.write_text(f"#!/bin/sh\n{does}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def test_a_browser_that_prints_nothing_is_said_and_leaves_nothing(monkeypatch, tmp_path):
    page = write_page(tmp_path, "en")
    with pytest.raises(ReportError, match=r"did not print .*report.html: no display\."):
        pdf.to_pdf(page, tmp_path / "report.pdf", browser_that(tmp_path, "echo no display >&2"))
    monkeypatch.setattr(pdf, "SECONDS", 0.5)
    begun = time.perf_counter()
    with pytest.raises(ReportError, match="took more than 0.5 seconds"):
        pdf.to_pdf(page, tmp_path / "report.pdf", browser_that(tmp_path, "sleep 30 & sleep 30"))
    assert time.perf_counter() - begun < 10
    with pytest.raises(ReportError, match="cannot be started: Permission denied"):
        pdf.to_pdf(page, tmp_path / "report.pdf", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["browser", "report.html"]
