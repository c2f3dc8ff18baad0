"""The command: what it prints, and the exit status 0, 1 or 2."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from crmlab.cli import main
from crmlab.workspace import open_workspace

ROOT = Path(__file__).parents[1]


def crmlab(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A file a user might have, one line of which is broken."""
    (tmp_path / "sales.csv").write_text(
        "Invoice;Customer ID;Date;Total;Region\n"
        "1;a;05.01.2024;12,50;N\n2;;17.02.2024;7,00;N\n3;b;28.02.2024;1,00;S\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("init",),
        ("clean",),
        ("report",),
        ("data",),
        ("data", "list"),
        ("data", "get"),
        ("data", "sample"),
    ],
)
def test_help_on_every_level(command):
    result = crmlab(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert len(result.output.splitlines()) > 5


def test_from_a_users_file_to_a_report(shop, tmp_path):
    folder = tmp_path / "mine"
    made = crmlab("init", folder, shop / "sales.csv")
    assert made.exit_code == 0, made.output
    assert "sales.csv: orders" in made.output
    assert "Not used: Region." in made.output
    assert (
        "Assumed: language en, currency EUR, no time_zone, no phone_region. Correct it in [workspace].\n"
        "Without phone_region, telephone numbers without their country code are left as they are.\n"
    ) in made.output
    assert (folder / "crmlab.toml").is_file()
    cleaned = crmlab("clean", folder)
    assert cleaned.exit_code == 1, cleaned.output
    assert "customer_id" in cleaned.output
    assert "a value is required" in cleaned.output
    assert "Columns of orders that are not used: Region" in cleaned.output
    made = crmlab(
        "report", "segmentation", "--workspace", folder, "--out", tmp_path / "reports", "--lang", "fa"
    )
    assert made.exit_code == 0, made.output
    assert made.output.strip().endswith("index.html")
    again = crmlab("report", "all", "-w", folder, "--out", tmp_path / "reports", "--lang", "fa", "--jobs", 2)
    assert again.exit_code == 0
    assert "unchanged" in again.output
    assert "satisfaction is left out: the workspace has no surveys or tickets." in again.output


def test_rules_are_told_and_end_cleaning_where_they_are_to(tmp_path):
    (tmp_path / "sales.csv").write_text(
        "Invoice,Customer ID,Date,Total\n1,a,2024-01-05,12.50\n2,b,2024-01-06,7\n"
    )
    crmlab("init", tmp_path / "mine", tmp_path / "sales.csv")
    cleaned = crmlab("clean", tmp_path / "mine")
    assert cleaned.exit_code == 0
    assert "Rules" not in cleaned.output
    described = (tmp_path / "mine" / "crmlab.toml").read_text(encoding="utf-8")
    rule = '\n[[rule]]\nname = "small sale"\ntable = "orders"\ncheck = "amount < 10"\nlevel = "{}"\n'
    for level, status in (("warn", 0), ("error", 1), ("stop", 2)):
        (tmp_path / "mine" / "crmlab.toml").write_text(described + rule.format(level), encoding="utf-8")
        cleaned = crmlab("clean", tmp_path / "mine")
        assert cleaned.exit_code == status
        if level == "stop":
            assert "crmlab: The rule 'small sale' stops cleaning" in cleaned.output
        else:
            assert re.search(rf"small sale +orders +{level} +2 +1 +50\.0% +\S*sales\.csv:1", cleaned.output)


def test_a_clean_workspace_has_no_finding(shop, tmp_path):
    (shop / "sales.csv").write_text("Invoice,Customer ID,Date,Total\n1,a,2024-01-05,12.50\n")
    crmlab("init", tmp_path / "mine", shop / "sales.csv")
    result = crmlab("clean", tmp_path / "mine", "--rows", 9)
    assert result.exit_code == 0
    assert "aside," not in result.output


def test_a_table_without_rows_is_told(shop, tmp_path):
    (shop / "sales.csv").write_text("Invoice,Customer ID,Date,Total\n1,a,2024-01-05,12.50\n")
    crmlab("init", tmp_path / "mine", shop / "sales.csv")
    assert "has no rows" not in crmlab("clean", tmp_path / "mine").output
    (shop / "sales.csv").write_text("Invoice,Customer ID,Date,Total\n")
    result = crmlab("clean", tmp_path / "mine")
    assert result.exit_code == 0
    assert "The table orders has no rows: there are none in ../sales.csv." in result.output


def test_the_help_names_every_report():
    told = crmlab("report", "--help").output
    folder = Path(__file__).parents[1] / "notebooks" / "reports"
    assert [path.stem for path in folder.glob("*.ipynb") if path.stem not in told] == []


def test_bounds_of_parameters_are_written_out():
    told = crmlab("report", "quality", "--help").output
    assert "2 to 1,000,000" in told
    assert "1 to 3,650" in told


def test_rows_set_aside_are_found_by_source_and_row_without_what_they_hold(shop, tmp_path):
    folder = tmp_path / "mine"
    with (shop / "sales.csv").open("a") as more:
        more.write("4;;29.02.2024;3,33;S\n5;d;31.02.2024;4,44;S\n")
    crmlab("init", folder, shop / "sales.csv")
    result = crmlab("clean", folder)
    kept = f"Rows set aside, with their reasons: {folder / 'clean' / 'quarantine.parquet'}"
    assert (folder / "clean" / "quarantine.parquet").is_file()
    assert result.output.splitlines()[-2:] == [
        kept,
        f"To see where they are: crmlab clean {folder} --rows 20",
    ]
    listed = crmlab("clean", folder, "--rows", 2).output
    assert "Set aside: the first 2 of 3" in listed
    found = [line.split() for line in listed.splitlines() if "../sales.csv" in line]
    assert found == [
        ["orders", "../sales.csv", row, "customer_id:", "a", "value", "is", "required"] for row in "24"
    ]
    assert not any(value in listed for value in ("3,33", "29.02", "7,00"))
    assert kept in listed


def test_what_is_assumed_of_persian_files_is_said(tmp_path):
    (tmp_path / "sales.csv").write_text("کد مشتری,تاریخ,مبلغ (تومان)\n1,1403/05/12,12000\n", encoding="utf-8")
    made = crmlab("init", tmp_path / "mine", tmp_path / "sales.csv")
    assumed = "Assumed: language fa, currency IRT, time_zone Asia/Tehran, phone_region IR."
    assert f"{assumed} Correct it in [workspace].\n" in made.output
    assert "Without phone_region" not in made.output


def test_a_file_that_is_no_table_is_a_finding(tmp_path):
    (tmp_path / "poem.csv").write_text("roses,violets\nred,blue\n")
    result = crmlab("init", tmp_path / "mine", tmp_path / "poem.csv")
    assert result.exit_code == 1
    assert "poem.csv: not recognised" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("clean", "nowhere"), "nowhere is not a workspace: it has no crmlab.toml"),
        (("init", "x", "missing.csv"), "There is no file missing.csv."),
        (
            ("report", "segmentatoin", "-w", "x"),
            "There is no report 'segmentatoin'; did you mean 'segmentation'?",
        ),
        (("report", "segmentation", "-p", "as_of"), "A parameter is given as -p name=value, not -p as_of."),
        (
            ("report", "segmentation", "-p", "as_of=2024-01-01", "-p", "as_of=2024-06-30"),
            "The parameter as_of is given 2 times (2024-01-01, 2024-06-30); a report takes one value",
        ),
        (("report", "segmentation", "-p", "asof=1"), "no parameter 'asof'; did you mean 'as_of'?"),
        (("data", "get", "cdnoww"), "no public data set called 'cdnoww'; did you mean 'cdnow'?"),
        (("data", "sample", "x", "--customers", "3"), "customers"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_status_2(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = crmlab(*arguments)
    assert result.exit_code == 2, result.output
    assert sentence in result.output
    assert result.output.startswith("crmlab: ")
    assert len(result.output.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("report",), ("report", "all", "--lang", "de"), ("report", "all", "--jobs", "0")],
)
def test_a_call_that_click_refuses_has_status_2(arguments):
    assert crmlab(*arguments).exit_code == 2


def test_a_second_description_is_not_written_over_the_first(shop, tmp_path):
    crmlab("init", tmp_path / "mine", shop / "sales.csv")
    result = crmlab("init", tmp_path / "mine", shop / "sales.csv")
    assert result.exit_code == 2
    assert "is there already; --force replaces it" in result.output
    assert crmlab("init", tmp_path / "mine", shop / "sales.csv", "--force").exit_code == 0


def test_public_data_sets_are_listed():
    result = crmlab("data", "list")
    assert result.exit_code == 0
    for name in (
        "cdnow",
        "online_retail",
        "hillstrom",
        "bank_marketing",
        "telco_churn",
        "airline_satisfaction",
    ):
        assert name in result.output


def test_a_public_data_set_becomes_a_workspace(public_data, tmp_path):
    result = crmlab("data", "get", "telco_churn", tmp_path / "telco")
    assert result.exit_code == 0, result.output
    written, following = result.output.splitlines()
    assert written == f"Written: {tmp_path / 'telco'}, with customers."
    # Customers alone allow the report on their quality, and no other.
    assert following == f"Next: crmlab report quality --workspace {tmp_path / 'telco'}"
    assert len(open_workspace(tmp_path / "telco").customers) == 7043
    assert crmlab("clean", tmp_path / "telco").exit_code == 0
    assert crmlab("data", "get", "telco_churn", tmp_path / "telco").exit_code == 2


def test_a_sample_is_written(tmp_path):
    result = crmlab("data", "sample", tmp_path / "shop", "--customers", 60, "--seed", 3, "--lang", "fa")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "shop" / "crmlab.toml").is_file()
    assert any((tmp_path / "shop" / "truth").iterdir())
    assert result.output.splitlines()[-1] == f"Next: crmlab report all --workspace {tmp_path / 'shop'}"


@pytest.mark.parametrize("name", ["cdnow", "bank_marketing", "online_retail"])
def test_the_next_step_after_a_public_data_set_works(public_data, tmp_path, name):
    result = crmlab("data", "get", name, tmp_path / name)
    assert result.output.splitlines()[-1] == f"Next: crmlab report all --workspace {tmp_path / name}"


def test_a_failing_report_has_status_1_and_the_others_are_made(tmp_path, monkeypatch, sample_folder):

    broken = tmp_path / "broken.ipynb"
    source = (ROOT / "notebooks" / "reports" / "segmentation.ipynb").read_text(encoding="utf-8")
    broken.write_text(
        source.replace("customers.totals(ws.orders", "customers.nothing(ws.orders"), encoding="utf-8"
    )
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    broken.rename(shelf / "broken.ipynb")
    (shelf / "campaign.ipynb").write_bytes((ROOT / "notebooks" / "reports" / "campaign.ipynb").read_bytes())
    monkeypatch.setattr("crmlab.reporting.plan._SHELVES", (shelf,))
    result = crmlab("report", "all", "-w", sample_folder, "--out", tmp_path / "reports")
    assert result.exit_code == 1
    assert "crmlab: The report broken failed in code cell" in result.output
    assert any((tmp_path / "reports" / "campaign").glob("*/report.html"))
    assert any((tmp_path / "reports" / "broken").glob("*/error.txt"))


def test_a_parameter_that_only_some_reports_have_is_said(tmp_path, sample_folder):
    out = tmp_path / "reports"
    result = crmlab("report", "all", "-w", sample_folder, "--out", out, "-p", "as_of=2024-12-31")
    assert result.exit_code == 0, result.output
    assert "as_of is no parameter of campaign, satisfaction: made without it." in result.output.splitlines()
    assert "2024-12-31" in next(out.glob("segmentation/*/manifest.json")).read_text()


def test_a_pdf_is_named_and_stands_in_the_index(tmp_path, sample_folder, monkeypatch):
    printer = tmp_path / "printer"
    printer.write_text(
        "#!/bin/sh\nfor one; do case $one in --print-to-pdf=*) echo %PDF > ${one#*=};; esac; done\n"
    )
    printer.chmod(0o755)
    monkeypatch.setenv("CRMLAB_BROWSER", str(printer))
    call = ("report", "campaign", "-w", sample_folder, "--out", tmp_path / "reports", "--pdf")
    for _ in range(2):  # the report is made, then found
        result = crmlab(*call)
        assert result.exit_code == 0, result.output
        (pdf,) = (tmp_path / "reports").glob("campaign/*/report.pdf")
        assert str(pdf) in result.output.splitlines()
        index = (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
        assert f"campaign/{pdf.parent.name}/report.pdf" in index


def test_the_installed_command_gives_its_status_to_the_shell(tmp_path):
    command = Path(sys.executable).with_name("crmlab")
    wrong = subprocess.run([command, "clean", tmp_path], capture_output=True, text=True)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Traceback" not in wrong.stderr
    assert subprocess.run([command, "--version"], capture_output=True).returncode == 0


def test_an_interrupt_ends_at_once_and_leaves_nothing_half_made(tmp_path, sample_folder):
    crmlab_command = Path(sys.executable).with_name("crmlab")
    going = subprocess.Popen(
        [crmlab_command, "report", "all", "-w", sample_folder, "--out", tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        # Whoever runs the tests in the background may have interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*/.*part*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(going.pid, signal.SIGINT)
    _, said = going.communicate(timeout=20)
    assert going.returncode == 130
    assert b"interrupted" in said
    assert b"Traceback" not in said
    assert not list(tmp_path.glob("*/.*part*"))
