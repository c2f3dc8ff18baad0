"""A first crmlab.toml: from a look at one's own files, or for a public set; what is written must work."""

import hashlib
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import crmlab as crm
from crmlab.contract import Column, Table
from crmlab.describe import describe_files, write_description, write_public_workspace
from crmlab.errors import ParameterError, SourceError, WorkspaceError
from crmlab.loaders.public import PUBLIC_SETS
from crmlab.settings import read_settings
from crmlab.tables import TABLES
from crmlab.workspace import open_workspace


def cell(column: Column, row: int) -> str:
    """A value that fits a column."""
    if column.kind == "category":
        return list(column.allowed)[row % len(column.allowed)]
    return {
        "id": f"{column.name[:2]}{row}",
        "text": f"word {row}",
        "name": "Ali Karimi",
        "email": f"a{row}@example.com",
        "phone": f"0912123450{row}",
        "date": f"2024-01-{row + 1:02d}",
        "time": f"2024-01-{row + 1:02d} 10:30",
        "integer": str(row + 1),
        "number": str(row % 5 + 1),
        "money": f"{row + 1}.50",
        "boolean": ["yes", "no"][row % 2],
    }[column.kind]


def headings(contract: Table, persian: bool) -> dict[str, str]:
    """Column to a heading people give it: its own name, or its first Persian one."""
    found: dict[str, str] = {}
    for column in contract.columns:
        others = [heading for heading in column.headings if re.search("[\u0600-\u06ff]", heading)]
        free = [heading for heading in others if heading not in found.values()] if persian else []
        found[column.name] = free[0] if free else column.name.replace("_", " ").title()
    return found


@pytest.fixture
def write(tmp_path):
    """Write a file of text, or eight rows of a table, beside the workspace folder."""

    def write(name: str, content: str | dict | pd.DataFrame) -> Path:
        path = tmp_path / "files" / name
        path.parent.mkdir(exist_ok=True)
        if not isinstance(content, str):
            content = pd.DataFrame(content).to_csv(index=False)
        path.write_text(content, encoding="utf-8")
        return path

    return write


# Looking


@pytest.mark.parametrize(
    ("name", "persian"),
    [*((name, True) for name in TABLES), ("orders", False)],
)
def test_a_file_of_each_table_is_recognised_described_and_cleaned(write, tmp_path, name, persian):
    contract = TABLES[name]
    heads = headings(contract, persian)
    rows = {heads[column.name]: [cell(column, row) for row in range(8)] for column in contract.columns}
    path = write(f"{contract.name}.csv", rows)
    (found,) = describe_files([path])
    assert (found.proposal.table, found.proposal.columns) == (contract.name, heads)
    assert (found.records, found.open_questions, found.remarks) == (8, False, [])
    assert found.heading == f"{contract.name}.csv: {contract.name}"
    assert found.rows == [[column, heading] for column, heading in heads.items()]
    target = write_description(tmp_path / "shop", [found])
    assert target == tmp_path / "shop" / "crmlab.toml"
    (source,) = read_settings(tmp_path / "shop").sources
    assert (source.table, source.columns, source.file) == (
        contract.name,
        heads,
        f"../files/{contract.name}.csv",
    )
    counts = open_workspace(tmp_path / "shop").clean()
    assert counts.loc[contract.name].tolist() == [8, 8, 0, 0]


def test_a_file_that_no_table_fits_says_so(write):
    (found,) = describe_files([write("weather.csv", "wind,rain\n3,4\n5,6\n")])
    assert found.heading == "weather.csv: not recognised"
    assert found.rows == []
    assert found.open_questions
    assert found.remarks == [
        "No table fits. Name it and its columns in crmlab.toml, or leave the file out.",
        "Not used: wind, rain.",
    ]


def test_what_is_missing_unused_or_cannot_be_read_is_remarked(write):
    (found,) = describe_files([write("orders.csv", 'customer,qty,total,"my\nown"\na,1,5,x\nb\nc,2,6,y\n')])
    assert found.proposal.table == "orders"
    assert found.open_questions
    assert found.remarks == [
        "Not found, but needed: time. Fill them in in crmlab.toml.",
        "Not used: my own.",
        "1 record cannot be read; cleansing will set such records aside.",
    ]


@pytest.mark.parametrize(
    ("answers", "scale"), [([1, 3, 5, 4], (1, 5)), ([1, 7, 5, 4], (1, 7)), ([0, 10, 9, 4], (0, 10))]
)
def test_a_survey_with_a_column_per_question_gets_its_scale(write, tmp_path, answers, scale):
    columns = {"customer": list("abcd"), "date": ["2024-01-05"] * 4}
    path = write("survey.csv", columns | dict.fromkeys(["Staff", 'Price "net"', "فروشگاه"], answers))
    (found,) = describe_files([path])
    assert found.proposal.table == "surveys"
    assert [(group.metric, group.low, group.high) for group in found.answers] == [("item", *scale)]
    assert found.proposal.answers == ["Staff", 'Price "net"', "فروشگاه"]
    assert found.rows[-1] == ["an answer (score)", "فروشگاه"]
    assert found.remarks == [
        f"3 questions on a scale from {scale[0]} to {scale[1]}, taken as item (a rating of one thing): check "
        "both; what asks for satisfaction is csat."
    ]
    write_description(tmp_path / "shop", [found])
    workspace = open_workspace(tmp_path / "shop")
    surveys = crm.collect(workspace.surveys)
    assert len(surveys) == 12
    assert sorted(surveys["score"]) == sorted(answers * 3)
    assert set(surveys["question"]) == {"Staff", 'Price "net"', "فروشگاه"}
    assert set(zip(surveys["scale_low"], surveys["scale_high"], strict=True)) == {scale}


def test_the_survey_of_the_readme_is_recognised_by_its_questions(write, tmp_path):
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (block,) = [
        block for block in re.findall(r"```toml\n(.*?)```", readme, re.S) if "[source.answers]" in block
    ]
    (source,) = tomllib.loads(block)["source"]
    heads = [*source["columns"].values(), *source["answers"]]
    # Two questions, and answers that say little.
    answers = {head: ["c1", "c2", "c3"] if head == "Client" else ["2024-01-05"] * 3 for head in heads[:2]}
    answers |= dict.fromkeys(heads[2:], [4, 5, 5])
    (found,) = describe_files([write("answers.csv", answers)])
    assert (found.proposal.table, found.proposal.columns) == ("surveys", source["columns"])
    assert found.proposal.answers == list(source["answers"])
    assert not found.open_questions
    write_description(tmp_path / "shop", [found])
    surveys = crm.collect(open_workspace(tmp_path / "shop").surveys)
    assert set(zip(surveys["metric"], surveys["scale_low"], surveys["scale_high"], strict=True)) == {
        ("item", 1, 5)
    }
    assert len(surveys) == 6


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("survey.csv", {"who": ["a"], "Delivery": ["good"]}),
        ("answers.csv", {"who": ["a"], "How was it?": ["good"]}),
        ("نظرسنجی.csv", {"مشتری": ["الف"], "تاریخ": ["1403/05/12"], "ارسال": ["خوب"]}),
    ],
)
def test_what_may_be_a_survey_is_told_where_its_questions_go(write, name, columns):
    (found,) = describe_files([write(name, columns)])
    assert "[source.answers]" in " ".join(found.remarks)


def test_customers_with_whole_names_are_told_that_these_are_not_taken_apart(write):
    clients = {"Client": ["1"], "Name": ["Anna Berg"], "E-mail": ["a@example.com"], "Joined": ["2024-01-05"]}
    (found,) = describe_files([write("clients.csv", clients)])
    assert found.proposal.columns == {"customer_id": "Client", "email": "E-mail", "registered_at": "Joined"}
    assert found.remarks == [
        "Not used: Name.", "Name: whole names are not taken apart; customers have first_name and last_name.",
    ]  # fmt: skip
    (leads,) = describe_files([write("leads.csv", clients | {"Submitted at": ["2024-01-05"]})])
    assert leads.proposal.columns["full_name"] == "Name"
    assert not any("taken apart" in remark for remark in leads.remarks)


def test_questions_of_several_scales_become_sources_of_their_own(write, tmp_path):
    answers = {
        "customer": list("abcdef"), "date": ["2024-01-05"] * 6,
        "How satisfied were you?": [1, 5, 4, 3, 2, 5], "Was the shop clean?": [0, 5, 4, 3, 2, 5],
        "Was it easy?": [1, 7, 4, 3, 6, 5],
        "How likely are you to recommend us?": [0, 10, 9, 8, 7, 3],
    }  # fmt: skip
    (found,) = describe_files([write("survey.csv", answers)])
    assert [(group.metric, group.low, group.high, len(group.headings)) for group in found.answers] == [
        ("csat", 1, 5, 1), ("item", 0, 5, 1), ("ces", 1, 7, 1), ("nps", 0, 10, 1),
    ]  # fmt: skip
    write_description(tmp_path / "shop", [found])
    surveys = crm.collect(open_workspace(tmp_path / "shop").surveys)
    assert surveys.groupby("metric").size().to_dict() == {"ces": 6, "csat": 6, "item": 6, "nps": 6}
    assert surveys.groupby("metric")["scale_high"].unique().str[0].to_dict() == {
        "ces": 7.0, "csat": 5.0, "item": 5.0, "nps": 10.0,
    }  # fmt: skip


def groups_of(found) -> list[tuple]:
    return [(group.metric, group.low, group.high, group.headings) for group in found.answers]


def test_oddjob_is_taken_by_its_headings_and_nothing_of_it_is_set_aside(write, tmp_path, public_data):
    raw = pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")
    (found,) = describe_files([write("survey.csv", raw)])
    assert groups_of(found) == [
        ("nps", 1, 11, ["nps"]),
        ("csat", 1, 7, ["sat1", "sat2", "sat3", "overall_sat"]),
        ("item", 1, 7, ["loy1", "loy2", "loy3", "loy4", "loy5", "com1", "com2", "com3", "reputation"]),
    ]
    assert found.remarks[-1] == (
        "46 columns hold whole numbers up to 100 (e1, e2, e3, e4, e5, ... (46 in all)): if they are ratings, "
        'name them in [source.answers] of a further [[source]] of this file, with metric = "item", or '
        '"expectation" for what was expected.'
    )
    target = write_description(tmp_path / "shop", [found])
    assert '"nps"  # one of nps, csat, ces, item, expectation\n' in target.read_text(encoding="utf-8")
    counts = open_workspace(tmp_path / "shop").clean()
    assert counts.loc["surveys"].tolist() == [len(raw) * 14, len(raw) * 14, 0, 0]


@pytest.mark.parametrize(
    ("heading", "answers", "group"),
    [
        ("nps", [11, 10, 1, 11], ("nps", 1, 11)),
        ("NPS score", [8, 9, 10, 9], ("nps", 0, 10)),
        ("recommend", [1, 4, 5, 3], ("item", 1, 5)),
        ("CSAT", ["۵", "۴", "۱", "۳"], ("csat", 1, 5)),
        ("رضایت از تحویل", [1, 4, 7, 3], ("csat", 1, 7)),
        ("Was the staff kind?", [1, 4, 5, 3], ("item", 1, 5)),
    ],
)
def test_a_heading_says_what_a_question_measures(write, heading, answers, group):
    (found,) = describe_files([write("survey.csv", {"Client": list("abcd"), "Date": ["2024-01-05"] * 4,
                                                    heading: answers})])  # fmt: skip
    assert groups_of(found) == [(*group, [heading])]


def test_numbers_beyond_the_scale_are_told(write):
    answers = [1, 3, 5, 4, 2] * 8
    columns = {
        "date": ["2024-01-05"] * 40,
        "Price": answers,
        "Range": answers,
        "Staff": [*answers[:-2], 99, -1],
    }
    (found,) = describe_files([write("survey.csv", columns)])
    assert found.remarks[-1] == (
        "Staff holds numbers beyond this scale: -1, 99. Cleansing would set these answers aside: correct the "
        "scale, or name what means no answer in [source.missing]."
    )


@pytest.mark.parametrize(
    ("heads", "comment"),
    [
        (("Client", "Date", "Satisfaction"), None),
        (("مشتری", "تاریخ", "رضایت از تحویل", "نظر"), "نظر"),
        (("مشتری", "تاریخ", "رضایت", "نظر"), "نظر"),
    ],
)
def test_one_question_about_satisfaction_is_a_survey(write, tmp_path, heads, comment):
    cells = (list("abcd"), ["2024-01-05"] * 4, [5, 4, 1, 3], ["good", "late", "bad", "well"])
    (found,) = describe_files([write("answers.csv", dict(zip(heads, cells, strict=False)))])
    assert (found.proposal.table, found.proposal.columns.get("comment")) == ("surveys", comment)
    assert groups_of(found) == [("csat", 1, 5, [heads[2]])]
    assert (found.proposal.unused, found.open_questions) == ([], False)
    write_description(tmp_path / "shop", [found])
    surveys = crm.collect(open_workspace(tmp_path / "shop").surveys)
    assert sorted(surveys["score"]) == [1, 3, 4, 5]


def test_a_rating_beside_what_tells_another_table_makes_no_survey(write):
    clients = {"Client": ["1", "2", "3"], "E-mail": ["a@b.co", "c@d.co", "e@f.co"], "City": ["Rome"] * 3,
               "NPS": [9, 10, 3]}  # fmt: skip
    sales = {"Client": ["1", "2", "3"], "Date": ["2024-01-05"] * 3, "Total": [5, 6, 7],
             "Satisfaction": [5, 1, 3]}  # fmt: skip
    found = describe_files([write("a.csv", clients), write("b.csv", sales)])
    assert [file.proposal.table for file in found] == ["customers", "orders"]


def test_amounts_in_toman_are_told_by_their_heading(write, tmp_path):
    sales = {"شماره فاکتور": [1, 2], "کد مشتری": ["الف", "ب"], "تاریخ": ["1403/05/12"] * 2,
             "مبلغ (تومان)": [12000, 15000]}  # fmt: skip
    (found,) = describe_files([write("sales.csv", sales)])
    assert found.proposal.columns["amount"] == "مبلغ (تومان)"
    write_description(tmp_path / "shop", [found])
    workspace = open_workspace(tmp_path / "shop")
    assert (workspace.settings.currency, workspace.decimals) == ("IRT", 0)
    assert crm.collect(workspace.orders)["amount"].tolist() == [12000, 15000]


def test_sales_without_any_amount_leave_a_question_open(write):
    (found,) = describe_files([write("sales.csv", {"customer": ["a"], "date": ["2024-01-05"], "qty": [1]})])
    assert (found.proposal.missing, found.open_questions) == (["amount"], True)


@pytest.mark.parametrize("content", ["", "a,b\n\x00,1\n"])
def test_a_file_that_cannot_be_read_is_one_sentence(write, content):
    good = write("good.csv", "customer,date,total\na,2024-01-05,5\n")
    with pytest.raises(SourceError, match=r"^bad\.csv is "):
        describe_files([good, write("bad.csv", content)])
    with pytest.raises(SourceError, match=r"^There is no file .*none\.csv\.$"):
        describe_files([good.with_name("none.csv")])


# Writing

ODD = [
    'say "so"',
    "back\\slash",
    "two\nlines",
    "tab\there",
    "عنوان",
    "#hash",
    "a = 'b'",
    "]]",
    "del\x7fete",
    "é\r",
]


@pytest.fixture(scope="module")
def odd_file(tmp_path_factory) -> Path:
    """A file of orders with headings that are hard to write."""
    path = tmp_path_factory.mktemp("odd") / "orders.csv"
    columns = {"customer": ["a"], "date": ["2024-01-05"], "total": ["5"]} | {odd: [f"<{odd}>"] for odd in ODD}
    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\r\n")
    return path


def test_headings_of_any_kind_that_are_not_used_do_no_harm(odd_file, tmp_path):
    (found,) = describe_files([odd_file])
    assert found.proposal.unused == [odd.strip() for odd in ODD]
    assert all("\n" not in remark for remark in found.remarks)
    write_description(tmp_path, [found])
    assert crm.collect(open_workspace(tmp_path).orders)["customer_id"].tolist() == ["a"]


def test_headings_of_any_kind_are_written_so_that_they_are_found_again(odd_file, tmp_path):
    (found,) = describe_files([odd_file])
    for odd in ODD:
        proposal = found.proposal._replace(columns=found.proposal.columns | {"promotion": odd.strip()})
        target = write_description(tmp_path, [replace(found, proposal=proposal)], force=True)
        (source,) = tomllib.loads(target.read_text(encoding="utf-8"))["source"]
        assert source["columns"]["promotion"] == odd.strip()
        assert open_workspace(tmp_path).raw("orders")["promotion"].tolist() == [f"<{odd}>"]


@pytest.mark.parametrize("name", ['the "shop"', "back\\slash", "فروشگاه", "it's #1"])
def test_folders_of_any_name_are_written_so_that_they_can_be_read(write, tmp_path, name):
    path = write("orders.csv", "customer,date,total\na,2024-01-05,5\n")
    moved = tmp_path / name / path.name
    moved.parent.mkdir()
    path.rename(moved)
    write_description(tmp_path / name, describe_files([moved]))
    workspace = open_workspace(tmp_path / name)
    assert (workspace.name, workspace.settings.sources[0].file) == (name, "orders.csv")
    assert len(crm.collect(workspace.orders)) == 1


def test_a_file_that_no_table_fits_is_a_comment(write, tmp_path):
    described = describe_files([write("weather.csv", "wind,rain\n3,4\n")])
    target = write_description(tmp_path / "shop", described)
    assert '# file = "../files/weather.csv"' in target.read_text(encoding="utf-8")
    assert open_workspace(tmp_path / "shop").tables == []


def test_a_needed_column_that_was_not_found_is_a_comment_to_fill_in(write, tmp_path):
    target = write_description(
        tmp_path / "shop", describe_files([write("orders.csv", "customer,day x,total\na,2024-01-05,5\n")])
    )
    text = target.read_text(encoding="utf-8")
    assert '# time = ""  # needed, not found' in text
    target.write_text(text.replace('# time = ""', 'time = "day x"'), encoding="utf-8")
    assert len(crm.collect(open_workspace(tmp_path / "shop").orders)) == 1


@pytest.mark.parametrize(
    ("city", "language", "currency", "zone"),
    [("تهران", "fa", "IRR", "Asia/Tehran"), ("رشت", "fa", "IRR", "Asia/Tehran"), ("Rome", "en", "EUR", "")],
)
def test_the_language_of_the_files_is_that_of_the_workspace(write, tmp_path, city, language, currency, zone):
    described = describe_files([write("customers.csv", f"customer,city\n1,{city}\n2,{city}\n")])
    write_description(tmp_path / "shop", described)
    settings = read_settings(tmp_path / "shop")
    assert (settings.language, settings.currency, settings.time_zone) == (language, currency, zone)


def test_a_description_is_not_overwritten_unless_forced(write, tmp_path):
    described = describe_files([write("orders.csv", "customer,date,total\na,2024-01-05,5\n")])
    target = write_description(tmp_path / "shop", described)
    target.write_text("# mine\n")
    with pytest.raises(ParameterError) as error:
        write_description(tmp_path / "shop", described)
    assert str(error.value) == f"{target} is there already; --force replaces it."
    assert target.read_text() == "# mine\n"
    write_description(tmp_path / "shop", described, force=True)
    assert "[[source]]" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/crmlab"])
def test_a_folder_that_cannot_be_written_is_one_sentence(write, tmp_path, place):
    if place.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc: this system is not Linux")
    described = describe_files([write("orders.csv", "customer,date,total\na,2024-01-05,5\n")])
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match=r"^The folder .* cannot be written: .*\. Choose another one\.$"):
        write_description(tmp_path / place, described)


# Public sets

CONTENT = b"customer_id,date,number_of_cds,dollar_value\n1,19970101,1,11.77\n2,19970112,5,77.00\n"


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """The set cdnow with two lines, as a copy."""
    copy = tmp_path / "copies" / "cdnow" / "small.csv"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path / "copies"))
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setitem(
        PUBLIC_SETS, "cdnow", replace(PUBLIC_SETS["cdnow"], file="small.csv", sha256=(digest,))
    )
    return copy


def test_a_workspace_of_a_public_set_holds_its_file_and_its_origin(small, tmp_path, monkeypatch):
    folder = tmp_path / "cds"
    assert write_public_workspace("cdnow", folder) == folder
    assert sorted(path.name for path in folder.iterdir()) == ["crmlab.toml", "small.csv"]
    text = (folder / "crmlab.toml").read_text(encoding="utf-8")
    assert text.startswith(
        "# CDNOW purchase histories: 23,570 customers new in the first quarter of 1997.\n"
        "# Fader and Hardie (2001), Interfaces 31(3), S94-S107. Published for research and teaching.\n"
    )
    monkeypatch.delenv("CRMLAB_DATA")
    small.unlink()
    workspace = open_workspace(folder)
    assert (workspace.name, workspace.settings.currency) == ("CDNOW purchase histories", "USD")
    assert crm.collect(workspace.orders)["amount"].tolist() == [1177, 7700]


@pytest.mark.parametrize("name", list(PUBLIC_SETS))
def test_a_workspace_of_each_public_set_opens(public_data, tmp_path, name):
    workspace = open_workspace(write_public_workspace(name, tmp_path / name))
    assert workspace.tables == [table for table in TABLES if table in PUBLIC_SETS[name].tables]


def test_a_workspace_of_a_public_set_overwrites_none(small, tmp_path):
    write_public_workspace("cdnow", tmp_path / "cds")
    (tmp_path / "cds" / "small.csv").unlink()
    with pytest.raises(ParameterError) as error:
        write_public_workspace("cdnow", tmp_path / "cds")
    assert str(error.value) == f"{tmp_path / 'cds' / 'crmlab.toml'} is there already; choose another folder."
    assert [path.name for path in (tmp_path / "cds").iterdir()] == ["crmlab.toml"]


def test_a_public_set_that_cannot_be_had_leaves_nothing_behind(small, tmp_path):
    small.write_bytes(CONTENT + b"x")
    with pytest.raises(SourceError, match="is not the published file"):
        write_public_workspace("cdnow", tmp_path / "cds")
    with pytest.raises(ParameterError, match="There is no public data set called 'cdnov'"):
        write_public_workspace("cdnov", tmp_path / "cds")
    assert not (tmp_path / "cds").exists()


def test_a_public_set_into_a_folder_that_cannot_be_written_is_one_sentence(small, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        WorkspaceError, match=r"^The folder .*file/below cannot be written: Not a directory\."
    ):
        write_public_workspace("cdnow", tmp_path / "file" / "below")


def test_customers_that_other_files_speak_of_need_their_number(tmp_path):
    (tmp_path / "people.csv").write_text("first_name,last_name,email\nAnn,Lee,a@b.com\nBob,Ray,b@c.com\n")
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,time,amount\n1,5,2024-01-02,3\n2,6,2024-01-03,4\n"
    )
    (alone,) = describe_files([tmp_path / "people.csv"])
    people, orders = describe_files([tmp_path / "people.csv", tmp_path / "orders.csv"])
    assert not alone.open_questions
    assert (people.open_questions, orders.open_questions) == (True, False)
    assert "Not found: customer_id" in people.remarks[0]
    write_description(tmp_path, [people, orders])
    assert '# customer_id = ""  # needed, not found' in (tmp_path / "crmlab.toml").read_text()
