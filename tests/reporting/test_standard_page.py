"""The page of the entry standard: whole, in both languages, on screens of any width."""

import pytest
from click.testing import CliRunner

from crmlab.cli import main
from crmlab.tables import TABLES


@pytest.mark.parametrize(("code", "side"), [("en", "ltr"), ("fa", "rtl")])
def test_the_page_tells_every_column_and_fits_the_screen(code, side, tmp_path, browser):
    out = tmp_path / "new" / "standard.html"
    result = CliRunner().invoke(main, ["standard", "--lang", code, "--out", str(out)])
    assert (result.exit_code, result.output) == (0, f"Written: {out}\n")
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(out.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dir") == side
    assert page.locator(".standard tbody tr").count() == sum(len(table.columns) for table in TABLES.values())
    assert page.locator("nav.contents li").count() == len(TABLES)
    assert not page.locator("label[for=crm-code]").is_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()


def test_tables_may_be_named(tmp_path):
    out = tmp_path / "standard.html"
    assert CliRunner().invoke(main, ["standard", "products", "--out", str(out)]).exit_code == 0
    page = out.read_text(encoding="utf-8")
    assert "unit_cost" in page
    assert "birth_date" not in page
    refused = CliRunner().invoke(main, ["standard", "product", "--out", str(out)])
    assert refused.exit_code == 2
    assert "did you mean 'products'" in refused.output


def test_the_page_follows_the_workspace(tmp_path):
    (tmp_path / "crmlab.toml").write_text(
        '[workspace]\nlanguage = "fa"\ncurrency = "EUR"\nphone_region = "DE"\n'
    )
    out = tmp_path / "standard.html"

    def page(*more: str) -> str:
        called = CliRunner().invoke(main, ["standard", "customers", *more, "--out", str(out)])
        assert called.exit_code == 0, called.output
        return out.read_text(encoding="utf-8")

    digits = "Digits of either script"
    assert "ten digits" not in page()
    assert digits not in page()
    assert "رقم کنترل" in page("--lang", "fa")
    assert 'dir="rtl"' in page("-w", str(tmp_path))
    assert "رقم کنترل" not in page("-w", str(tmp_path))
    (tmp_path / "crmlab.toml").write_text('[workspace]\nphone_region = "IR"\n')
    iranian = page("-w", str(tmp_path))
    assert "ten digits" in iranian
    assert digits in iranian
