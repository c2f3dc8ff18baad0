"""The report on quality: of tables with every fault, of none that is clean, and of persons merged."""

import ast
import json
from pathlib import Path

import pandas as pd
import pytest

import crmlab as crm
from crmlab.reporting import run_report
from crmlab.reporting.plan import find_notebook, plan_report
from crmlab.workspace import Workspace

SETTINGS = """[[source]]
table = "customers"
file = "customers.csv"
[[source]]
table = "orders"
file = "orders.csv"
[[rule]]
name = "no order above 500"
table = "orders"
check = "amount <= 500"
level = "error"
"""
CUSTOMERS = """customer_id,first_name,email,registered_at
1,Ada,ada@example.org,2024-01-05
2,Bo,not an address,2024-02-05
3,Cy,n/a,2031-02-05
"""
ORDERS = """order_id,customer_id,time,amount
1,1,2024-01-06,5
1,1,2024-01-06,5
2,9,2024-03-07,6
3,2,2024-03-09,600
,,never,
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Path:
    """A workspace with a fault of every kind."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "crmlab.toml").write_text(SETTINGS)
    (folder / "customers.csv").write_text(CUSTOMERS)
    (folder / "orders.csv").write_text(ORDERS)
    return folder


@pytest.fixture(scope="module")
def run(faulty, tmp_path_factory):
    return run_report("quality", faulty, {"as_of": "2024-04-01"}, out=tmp_path_factory.mktemp("reports"))


def table_of(run, name: str) -> pd.DataFrame:
    return pd.read_csv(run.folder / "tables" / f"{name}.csv")


def test_every_planted_fault_is_in_the_report(run):
    rows = table_of(run, "rows").set_index("table")
    assert rows.loc["orders", ["rows_in", "clean", "set_aside", "merged"]].tolist() == [5, 2, 2, 1]
    reasons = table_of(run, "reasons").set_index(["column", "rule"])["cells"]
    assert reasons["amount", "no order above 500"] == 1
    assert reasons["time", "not a date"] == 1
    gaps = table_of(run, "gaps").set_index(["table", "column"])
    assert gaps.loc[("customers", "email"), ["before", "after"]].tolist() == pytest.approx([2 / 3, 1 / 3])
    invalid = table_of(run, "invalid").set_index(["table", "column"])
    assert invalid.loc[("customers", "email"), ["before", "after"]].tolist() == [0.5, 1.0]
    unique = table_of(run, "uniqueness").set_index("table")
    assert unique.loc["orders", ["before", "after"]].tolist() == [0.8, 1.0]
    kept = table_of(run, "rules").set_index("rule")
    assert kept.loc["no order above 500", ["before", "after"]].tolist() == pytest.approx([2 / 3, 1])
    assert kept.loc["customer_id in customers.customer_id", ["before", "after"]].tolist() == [0.5, 0.5]
    timely = table_of(run, "timeliness").set_index("table")
    assert timely.loc["customers", ["age", "later"]].tolist() == [56, 1]
    assert timely.loc["orders", ["age", "without"]].tolist() == [25, 1]
    assert run.headline == {
        "Clean rows": 5, "Completeness": 1 - 2 / 20, "Validity": 1.0, "Uniqueness": 1.0, "Consistency": 0.75,
    }  # fmt: skip


def test_what_stood_in_the_cells_is_in_no_file(run):
    for path in run.folder.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "not an address" not in text
            assert "ada@example.org" not in text


def test_both_engines_give_the_same_report(run, faulty, tmp_path):
    other = run_report("quality", faulty, {"as_of": "2024-04-01"}, out=tmp_path, engine="papermill")
    for name in ("report.ipynb", "report.html", "tables/ledger.csv", "tables/dimensions.csv"):
        assert (other.folder / name).read_bytes() == (run.folder / name).read_bytes(), name


def test_a_table_of_which_nothing_is_clean_is_reported_too(tmp_path):
    (tmp_path / "crmlab.toml").write_text('[[source]]\ntable = "products"\nfile = "products.csv"\n')
    (tmp_path / "products.csv").write_text("product_id,unit_price\n,3\n,4\n")
    run = run_report("quality", tmp_path, out=tmp_path / "reports")
    assert table_of(run, "rows")["clean"].tolist() == [0]
    assert run.headline == dict.fromkeys(run.headline) | {"Clean rows": 0}
    assert "There are no data for this." not in run.page.read_text(encoding="utf-8")


def test_a_report_that_names_no_table_depends_on_all_that_cleansing_leaves(faulty, tmp_path):
    before = plan_report("quality", faulty, out=tmp_path)
    assert set(before.made_from["inputs"]) >= {"customers", "orders", "ledger", "quarantine", "rules"}
    own = tmp_path / "own"
    own.mkdir()
    for path in faulty.glob("*.*"):
        (own / path.name).write_bytes(path.read_bytes())
    # Another record of no use: the clean tables are the same, what is in the quarantine is not.
    (own / "orders.csv").write_text(ORDERS.replace("never", "not yet"))
    after = plan_report("quality", own, out=tmp_path)
    changed = {name for name, digest in before.made_from["inputs"].items()
               if after.made_from["inputs"][name] != digest}  # fmt: skip
    assert changed == {"quarantine"}
    named = plan_report("segmentation", own, out=tmp_path)
    assert list(named.made_from["inputs"]) == ["orders", "customers"]  # what it reads where it is there


def shown(workspace: Path, **given: object) -> dict[str, object]:
    """What the cells of the notebook show, by the name of the exhibit, computed here."""
    names, found = {}, {}
    for cell in json.loads(find_notebook("quality").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= {"workspace": workspace} | given
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
        if getattr(value, "name", ""):
            found[value.name] = value
    return found


PERSONS = pd.DataFrame({
    "customer_id": ["1", "2", "3"], "person_id": ["1", "1", "1"], "score": [0.99, 0.97, 0.7],
    "why": ["phone, birth_date", "birth_date, phone", "last_name"], "against": ["", "", "city, address"],
})  # fmt: skip


def test_persons_are_shown_by_size_certainty_and_reason_and_by_no_number(faulty, monkeypatch):
    assert {"persons", "scores", "why"}.isdisjoint(shown(faulty))
    monkeypatch.setattr(Workspace, "persons", PERSONS)
    found = shown(faulty)
    assert found["persons"].frame.to_numpy().tolist() == [[3, 1, 3]]
    assert found["why"].frame["why"].tolist() == ["birth_date, phone", "last_name"]
    unique = found["uniqueness"].frame.set_index("table")
    assert unique.loc["customers", ["alike", "before", "after"]].tolist() == pytest.approx([2, 1 / 3, 1 / 3])
    persian = shown(faulty, language="fa")["why"].data["text/html"]
    assert "تاریخ تولد، تلفن" in persian
    assert "نشانی، شهر" in persian
    public = shown(faulty, public=2)
    assert public["scores"].frame["records"].tolist() == [0, 0, 0]
    assert all(public[name].frame is None for name in ("persons", "why"))
    for exhibit in (*found.values(), *public.values()):
        assert exhibit.frame is None or not {"customer_id", "person_id"} & set(exhibit.frame)


def test_the_default_day_is_that_of_the_newest_record(faulty):
    found = shown(faulty)["timeliness"].frame
    assert found.attrs["as_of"].isoformat() == "2031-02-05"
    assert crm.open_workspace(faulty).persons.empty
