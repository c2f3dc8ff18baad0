"""Every text a report can show has a Persian translation with the same fields."""

import ast
import datetime
import json
import re
import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crmlab as crm
from crmlab.cleansing import entry
from crmlab.cleansing.enrichment import DERIVED
from crmlab.cleansing.ledger import ACTIONS, summarise
from crmlab.cleansing.standard import EXAMPLES, EXAMPLES_OF_IRAN, FORMS, FORMS_OF_IRAN, SAID
from crmlab.locale import catalogue, language
from crmlab.mining.campaigns import FATES, HETEROGENEITY, REACHED
from crmlab.mining.campaigns.effect import VERDICTS
from crmlab.mining.campaigns.funnel import STEPS
from crmlab.mining.campaigns.response_cases import NOTHING_KNOWN, OTHER, RESPONDER
from crmlab.mining.campaigns.response_cases import TOO_FEW as TOO_FEW_RESPONDED
from crmlab.mining.campaigns.targeting import FIFTHS
from crmlab.mining.customers import outlook, segments
from crmlab.mining.customers.churn_cases import CHURNED, STAYED
from crmlab.mining.customers.churn_forecast import TOO_FEW, TOO_SHORT
from crmlab.mining.customers.loyalty import MEASURES
from crmlab.mining.customers.profile import AGE_BANDS
from crmlab.mining.customers.profile_columns import MONEY, PROFILE_COLUMNS, column_called
from crmlab.mining.customers.rfm import RFM_SEGMENTS
from crmlab.mining.customers.value import TIERS
from crmlab.mining.methods.stability import STABILITY_VERDICTS
from crmlab.mining.methods.trees.cases import OTHER as OTHER_VALUES
from crmlab.mining.satisfaction.callbacks import REASONS
from crmlab.mining.satisfaction.counts import METRICS
from crmlab.mining.satisfaction.improvement import QUADRANTS, REVERSED
from crmlab.mining.satisfaction.tickets import FAULTS
from crmlab.reporting.formats import formats_of
from crmlab.rules import LEVELS
from crmlab.tables import CHANNELS, TABLES
from crmlab.widgets import monitor_view, tree_words
from crmlab.widgets.pair_view import STRENGTHS

#: Units of the lengths of time in definitions of campaigns.
SPANS = ("day", "hour", "minute", "second")

ROOT = Path(__file__).parents[2]
REPORTS = sorted((ROOT / "notebooks" / "reports").glob("*.ipynb"))
#: Arguments whose text is shown, besides the first one of `say` and `tongue`.
SHOWN = {
    "title", "names", "unit", "x_name", "y_name", "rows", "columns", "reference_name", "mark_text", "values",
    "corners",
}  # fmt: skip
#: Examples and the like that Persian writes alike, but for its digits.
SAME = {"", "A-1042", "jane@example.com", "0912 123 4567", "0499370899", "7134814336", "1", "2", "4", "5"}
#: What the ledger says that stands in no module as one text.
IN_THE_LEDGER = {
    "name unified", "text unified", "Gregorian dates", "Jalali dates", "breaks the rule",
    "not in the source; taken as row number", "set phone_region", "not the form of an Iranian postcode",
    "the line is not JSON",
    "the line has {} field, the table {}", "the line has {} fields, the table {}",
}  # fmt: skip


def texts_of_calls(source: str) -> set[str]:
    """Texts given to the calls that show them."""
    found = set()
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        shown = [keyword.value for keyword in call.keywords if keyword.arg in SHOWN]
        if name in ("say", "nothing", "tongue"):
            shown += call.args[:1]
        if name == "table":
            shown += call.args[2:3]
        if name == "headline":
            shown += [
                key for part in ast.walk(call.args[0]) if isinstance(part, ast.Dict) for key in part.keys
            ]
        if name == "bars":
            shown += call.args[3:4]
        for value in shown:
            parts = [value]
            if isinstance(value, ast.Dict | ast.Tuple):
                parts = value.values if isinstance(value, ast.Dict) else value.elts
            if isinstance(value, ast.IfExp):
                parts = [value.body, value.orelse]
            found |= {
                part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
            }
    return found - {""}


def units() -> set[str]:
    """All texts to be translated: of the report notebooks, the package and the contract."""
    found = {segment.name for segment in RFM_SEGMENTS} | {segment.action for segment in RFM_SEGMENTS}
    found |= {
        *VERDICTS,
        *segments.VERDICTS,
        *STABILITY_VERDICTS,
        *TIERS,
        *MEASURES,
        *(outlook.TOO_FEW, outlook.NO_FIT, TOO_SHORT, TOO_FEW),
        *(TOO_FEW_RESPONDED, NOTHING_KNOWN, OTHER_VALUES, CHURNED, STAYED, RESPONDER, OTHER),
        *STEPS,
        *METRICS,
        *REASONS,
        *("ahead", "behind", "too early to tell"),
        *(*FATES, *HETEROGENEITY, *REACHED, *FIFTHS, "not a customer yet", "stop", "no more contact"),
        # The headings and lengths of time of a campaign's card.
        *("Budget", "Campaign", "Goal", "Not contacted", "Seed", "Success", "Time", "Segment", "Rule"),
        *("cost", "profit", "revenue", *(f"{{n:,}} {{n:{unit}|{unit}s}}" for unit in SPANS)),
        *(*FAULTS, "left out", "counted from the first row"),
        *(*QUADRANTS.values(), REVERSED),
        *CHANNELS,
        "relationship",
        "touch points",
        "{x}: {y}",
    }
    found |= {*entry.SENTENCES.values(), *entry.FURTHER, *FORMS.values(), *EXAMPLES.values(), *SAID}
    found |= {*FORMS_OF_IRAN.values(), *EXAMPLES_OF_IRAN.values()}
    found |= {*monitor_view.WRONG.values(), *monitor_view.SAID.values(), *monitor_view.HEADS}
    found |= set(monitor_view.HEADLINE)
    found |= {*tree_words.WORDS.values(), *tree_words.SENTENCES.values()}
    found |= {text for _, *texts in STRENGTHS for text in texts}
    for contract in TABLES.values():
        found |= {contract.name.replace("_", " "), contract.grain}
        for column in contract.columns:
            found |= {column.name.replace("_", " "), column.meaning, column.missing, *(column.allowed or ())}
            found |= {column.unit} if column.kind != "money" else set()
    for column in [*PROFILE_COLUMNS, replace(column_called("any"), name="")]:
        found |= {column.start.rstrip("_").replace("_", " "), column.meaning, column.missing}
        found |= {column.unit} - {MONEY}
    found |= {band for band in AGE_BANDS.values() if " " in band}
    found -= SAME
    found |= {*ACTIONS, *LEVELS, *IN_THE_LEDGER, "*"}
    found |= {name.replace("_", " ") for names in DERIVED.values() for name in names}
    for path in REPORTS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            found |= {source} if cell["cell_type"] == "markdown" else texts_of_calls(source)
    for module in (ROOT / "crmlab").rglob("*.py"):
        for call in re.findall(r'tongue\(\s*("[^"]+")', module.read_text(encoding="utf-8")):
            found.add(ast.literal_eval(call))
    return found


def texts_of_modules(*folders: str) -> set[str]:
    """All texts in the code of some folders; what is filled in is ``{}``."""
    found = set()
    for module in (path for folder in folders for path in (ROOT / "crmlab" / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(getattr(part, "value", "") if isinstance(part, ast.Constant) else "{}"
                                  for part in node.values))  # fmt: skip
    return found


def test_every_text_is_translated():
    missing = sorted(units() - catalogue("fa").keys())
    assert missing == []


def test_one_thing_has_one_name():
    told = catalogue("fa")
    assert [text for text in told if "_" in text and text.replace("_", " ") in told] == []
    others = {"پرونده": "رکورد", "محصول": "کالا", "ثبت نام": "ثبت‌نام", "شاخهٔ کنترل": "گروه کنترل"}
    assert [text for text in told for other in others if other in told[text]] == []


def test_no_translation_is_left_over():
    kept = {"EUR", "USD", "GBP", "IRR", "IRT"}
    told = texts_of_modules("cleansing", "loaders")
    assert sorted(catalogue("fa").keys() - units() - kept - told) == []


@pytest.mark.parametrize("folder", ["sample_folder", "persian_sample_folder"])
def test_what_the_ledger_says_is_told_in_persian(folder, request):
    ws = crm.open_workspace(request.getfixturevalue(folder))
    show = formats_of(language("fa"), 0, "IRR")["text"]
    booked = summarise(ws.in_engine("ledger"))
    told = {show(text) for name in ("table", "action", "column", "rule") for text in set(booked[name])}
    assert len(told) > 60
    assert {text for text in told if re.search("[A-Za-z]", text.replace("E.164", ""))} == set()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("money with 3 decimals", "مبلغ با ۳ رقم اعشار"),
        ("city, phone", "شهر، تلفن"),
        ("city, Phone 24", "city, Phone 24"),
        ("breaks the rule: a > 24", "این قاعده را نقض می‌کند: a > 24"),
        ("Hotline 24: city", "Hotline 24: city"),
        ("first_name", "نام"),
        ("city (iran-divisions), certainty 1", "شهر (iran-divisions)، با اطمینان ۱"),
        ("words of first_name (n.csv), certainty at least 0.9", "واژه‌های نام (n.csv)، با اطمینان دست‌کم ۰٫۹"),
        ("birth_date on 2025-01-01, certainty 1", "تاریخ تولد در ۱۴۰۳/۱۰/۱۲، با اطمینان ۱"),
        (
            "last_name, address, city, certainty at least 0.8",
            "نام خانوادگی، نشانی، شهر، با اطمینان دست‌کم ۰٫۸",
        ),
        ("Hotline 24, certainty 1", "Hotline 24, certainty 1"),
    ],
)
def test_of_a_text_from_a_table_only_ours_is_translated(text, told):
    assert formats_of(language("fa"), 0, "IRR")["text"](text) == told
    assert formats_of(language("en"), 0, "IRR")["text"](text) == text


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("text", sorted(catalogue("fa")), ids=lambda text: text[:40])
def test_translations_have_the_fields_of_their_text(text):
    assert fields(catalogue("fa")[text]) == fields(text)


def test_headings_stay_headings():
    for text, translation in catalogue("fa").items():
        assert re.findall(r"^#+ ", text, re.M) == re.findall(r"^#+ ", translation, re.M), text


def test_names_stay_as_they_are_and_numbers_do_not():
    filled = language("fa")("{name}: {n:,} of 12, {day}", name="Spring 2024 (5%)", n=-1234.5,
                            day=datetime.date(2024, 8, 2))  # fmt: skip
    assert filled == "Spring 2024 (5%): \u200e−۱٬۲۳۴٫۵ of ۱۲, ۱۴۰۳/۰۵/۱۲"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(1200-1500)", "(۱۲۰۰-۱۵۰۰)"),
        ("2024-08-02", "۲۰۲۴-۰۸-۰۲"),
        ("12/5", "۱۲/۵"),
        ("5 -3", "۵ \u200e−۳"),
        ("A-1042, 1042-A", "A-1042, 1042-A"),
        ("12/5x", "12/5x"),
        ("`crmlab clean DIR --rows 20` 20", "`crmlab clean DIR --rows 20` ۲۰"),
    ],
)
def test_digits_of_a_number_are_turned_all_or_none_and_what_is_typed_stays(text, told):
    assert language("fa").digits(text) == told


def test_what_is_to_be_typed_is_alike_in_both_languages():
    for text, translation in catalogue("fa").items():
        assert set(re.findall("`[^`]*`", text)) == set(re.findall("`[^`]*`", translation)), text


@pytest.mark.parametrize(
    ("n", "said"),
    [(0, "0 lines are"), (np.int64(1), "1 line is"), (1.0, "1.0 line is"), (np.int64(2), "2 lines are")],
)
def test_one_is_not_many(n, said):
    assert language("en")("{n} {n:line is|lines are}", n=n) == said


def test_every_count_before_a_noun_has_both_its_forms():
    plural = re.compile(r"\{(\w+):,\}(?: \w+)? (?!\{)\w+s\b")
    assert [text for text in catalogue("fa") if plural.search(text)] == []


def test_unknown_language_is_refused():
    with pytest.raises(Exception, match="en, fa, not in 'de'"):
        language("de")
