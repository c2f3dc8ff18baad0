"""Customers merged into persons: nothing lost, all of it told, decisions kept, numbers that stay."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_people import pairwise, people

import crmlab as crm
from crmlab.cleansing import clean, history
from crmlab.cleansing.clean import Conventions
from crmlab.cleansing.duplicates.decisions import add_decision, read_decisions
from crmlab.cleansing.duplicates.naming import in_order
from crmlab.cleansing.duplicates.persons import find_persons, merge_persons, renumber
from crmlab.cli import main
from crmlab.errors import SourceError, WorkspaceError

CONVENTIONS = Conventions(region="IR")


def customers(persons: int = 150, seed: int = 1, persian: bool = True) -> tuple[pd.DataFrame, pd.Series]:
    frame, truth = people(persons, seed, persian)
    frame = frame.rename(columns={"mobile": "phone"})
    rng = np.random.default_rng(seed)
    frame["email"] = pd.Series([f"p{n}@example.com" for n in truth]).mask(rng.random(len(frame)) < 0.5)
    frame["address"] = pd.Series([f"Street {n}" for n in rng.integers(0, 99, len(frame))])
    frame["phone"] = frame["phone"].mask(rng.random(len(frame)) < 0.1, "?")
    frame.insert(0, "customer_id", [f"K{n}" for n in range(1, len(frame) + 1)])
    return frame, pd.Series(truth, frame["customer_id"])


def lineage(raw: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"source": "people.csv", "row": range(1, len(raw) + 1)})


def merged(raw: pd.DataFrame, **options):
    cleaned = clean(raw, "customers", CONVENTIONS, lineage(raw))
    persons = find_persons(cleaned, raw, lineage(raw), **options)
    return persons, merge_persons(cleaned, persons, lineage(raw))


def replayed(raw: pd.DataFrame, ledger: pd.DataFrame, number: str) -> dict[str, object]:
    """The golden record made of the raw ones by what the ledger tells, and nothing else."""
    told = history(ledger, "customers", number)
    record = raw.set_index("customer_id").loc[number].dropna().to_dict()
    own = f"people.csv:{int(number[1:])}"
    for entry in told.itertuples():
        if entry.column == "*" or not (entry.record == own or entry.action == "merged"):
            continue
        if entry.action in ("repaired", "blanked", "filled", "merged"):
            if isinstance(entry.before, str):
                assert str(record.get(entry.column)) == entry.before
            else:
                assert entry.column not in record
            record.pop(entry.column, None)
            if isinstance(entry.after, str):
                record[entry.column] = entry.after
    return record


@pytest.fixture(scope="module")
def made():
    raw, truth = customers()
    return raw, truth, *merged(raw)


def test_rows_in_are_clean_set_aside_or_merged(made):
    raw, truth, persons, result = made
    assert len(raw) == len(result.frame) + len(result.quarantine) + result.merged
    assert result.merged == len(persons.merged) > 30
    assert set(result.frame["customer_id"]) | set(persons.merged.index) == set(raw["customer_id"])
    person = persons.identities.set_index("customer_id")["person_id"]
    precision, recall, _ = pairwise(person[truth.index], truth)
    assert precision > 0.97
    assert recall > 0.9


def test_the_ledger_alone_leads_from_raw_to_golden(made):
    raw, _, persons, result = made
    golden = result.frame.set_index("customer_id")
    for number in persons.book["person_id"].unique():
        told = replayed(raw, result.ledger, number)
        expected = {name: str(value) for name, value in golden.loc[number].dropna().items()}
        expected["birth_date"] = expected.get("birth_date", "").removesuffix(" 00:00:00")
        assert told == {name: value for name, value in expected.items() if value}


def test_every_golden_value_is_one_of_the_persons_and_none_is_lost(made):
    raw, _, persons, result = made
    plain = clean(raw, "customers", CONVENTIONS, lineage(raw)).frame
    person = persons.identities.set_index("customer_id")["person_id"]
    groups = plain.assign(person=person[plain["customer_id"]].to_numpy()).groupby("person")
    address = ["address", "city", "province", "postcode", "country"]
    for number, record in result.frame.set_index("customer_id").iterrows():
        group = groups.get_group(number)
        for name, value in record.items():
            there = group[name].dropna()
            assert value in set(there) if pd.notna(value) else there.empty or name in address
        whole = {tuple(map(str, row)) for row in group[address].itertuples(index=False)}
        assert tuple(map(str, record[address])) in whole


def test_a_new_record_changes_no_number_and_finds_its_person(made):
    raw, truth, persons, _ = made
    again = raw.iloc[[0, 5, 9]].assign(customer_id=["A1", "A2", "A3"], address="moved")
    persons_now, result = merged(pd.concat([again, raw], ignore_index=True), identities=persons.identities)
    before = persons.identities.set_index("customer_id")["person_id"]
    now = persons_now.identities.set_index("customer_id")["person_id"]
    assert now[before.index].equals(before)
    assert now[["A1", "A2", "A3"]].tolist() == before[raw["customer_id"].iloc[[0, 5, 9]]].tolist()
    assert len(result.frame) == before.nunique()


def test_a_person_keeps_the_number_of_a_record_that_is_gone(made):
    raw, _, persons, _ = made
    gone = persons.book["person_id"].iloc[0]
    rest = raw[raw["customer_id"] != gone].reset_index(drop=True)
    persons_now, result = merged(rest, identities=persons.identities)
    assert gone in set(result.frame["customer_id"])
    assert persons_now.identities.equals(persons.identities)
    told = history(result.ledger, "customers", gone)
    assert ((told["column"] == "customer_id") & (told["after"] == gone)).sum() == 1
    back, _ = merged(raw, identities=persons_now.identities)
    assert back.identities.equals(persons.identities)


def test_decisions_are_replayed_whatever_was_known(made):
    raw, _, persons, _ = made
    one, other = persons.book.groupby("person_id")["customer_id"].apply(list).iloc[0][:2]
    alone = raw["customer_id"][~raw["customer_id"].isin(persons.book["customer_id"])].tolist()
    decisions = pd.DataFrame(
        {"one": [one, alone[0], "nobody"], "other": [other, alone[7], one], "same": [False, True, True]}
    )
    for identities in (None, persons.identities):
        now = merged(raw, decisions=decisions, identities=identities)[0].identities
        person = now.set_index("customer_id")["person_id"]
        assert person[one] != person[other]
        assert person[alone[0]] == person[alone[7]] == alone[0]
    # A later word on the same two takes the place of the first.
    later = pd.DataFrame({"one": [other], "other": [one], "same": [True]})
    now = merged(raw, decisions=pd.concat([decisions, later]), identities=now)[0].identities
    person = now.set_index("customer_id")["person_id"]
    assert person[one] == person[other]


def test_rows_in_another_order_give_the_same_persons(made):
    raw, _, persons, result = made
    mixed = raw.sample(frac=1, random_state=5).reset_index(drop=True)
    persons_mixed, result_mixed = merged(mixed, threads=1)
    pd.testing.assert_frame_equal(persons_mixed.book, persons.book)
    pd.testing.assert_frame_equal(persons_mixed.identities, persons.identities)
    pd.testing.assert_frame_equal(
        result_mixed.frame.sort_values("customer_id", ignore_index=True),
        result.frame.sort_values("customer_id", ignore_index=True),
    )


def test_other_tables_name_the_person(made):
    raw, _, persons, _ = made
    orders = pd.DataFrame({"order_id": range(len(raw)), "customer_id": raw["customer_id"],
                           "time": "2024-01-05", "amount": "1.00"})  # fmt: skip
    cleaned = clean(orders, "orders", CONVENTIONS, lineage(orders))
    result = renumber(cleaned, persons, lineage(orders))
    person = persons.identities.set_index("customer_id")["person_id"]
    assert result.frame["customer_id"].tolist() == person[raw["customer_id"]].tolist()
    told = result.ledger[result.ledger["rule"] == "number of a merged customer"]
    assert dict(zip(told["before"], told["after"], strict=True)) == persons.merged.to_dict()
    assert told["row"].tolist() == [raw["customer_id"].tolist().index(one) + 1 for one in told["before"]]


def test_reasons_name_columns_of_the_table(made):
    _, _, persons, _ = made
    told = ", ".join([*persons.book["why"], *persons.book["against"]])
    columns = {"first_name", "last_name", "birth_date", "phone", "city", "postcode", "email", "address"}
    assert set(told.split(", ")) - {""} <= columns
    assert persons.book["why"].ne("").mean() > 0.9
    assert persons.book["against"].ne("").any()


@settings(max_examples=8)
@given(st.integers(2, 25), st.integers(0, 10**6))
def test_nothing_is_lost_whoever_comes(count, seed):
    raw, _ = customers(count, seed % 97, bool(seed % 2))
    persons, result = merged(raw)
    assert len(raw) == len(result.frame) + len(result.quarantine) + result.merged
    assert result.frame["customer_id"].is_unique
    assert set(persons.book["customer_id"]) <= set(raw["customer_id"])
    assert set(persons.merged) <= set(result.frame["customer_id"])


def test_numbers_stand_in_their_order():
    names = pd.Series(["10", "9", "b", "a", "100"])
    assert names.iloc[in_order(names)].tolist() == ["9", "a", "b", "10", "100"]


TOML = """[workspace]
phone_region = "IR"

[duplicates]
customers = "{way}"

[[source]]
table = "customers"
file = "people.csv"

[[source]]
table = "orders"
file = "orders.csv"
"""


@pytest.fixture
def shop(tmp_path):
    raw, _ = customers(60)
    raw.to_csv(tmp_path / "people.csv", index=False)
    orders = pd.DataFrame({"order_id": range(len(raw)), "customer_id": raw["customer_id"],
                           "time": "2024-01-05", "amount": "1.00"})  # fmt: skip
    orders.to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "crmlab.toml").write_text(TOML.format(way="merge"))
    return tmp_path


def test_a_workspace_keeps_finds_or_merges(shop):
    workspace = crm.open_workspace(shop)
    counts = workspace.clean()
    rows = len(pd.read_csv(shop / "people.csv"))
    assert counts.loc["customers", "merged"] == rows - len(workspace.customers) > 10
    assert set(workspace.values("orders", "customer_id")) <= set(workspace.customers["customer_id"])
    assert (workspace.rules["violations"] == 0).all()
    book = workspace.persons
    content = (shop / "clean" / "customers.parquet").read_bytes()
    workspace.clean()
    assert (shop / "clean" / "customers.parquet").read_bytes() == content
    assert workspace.persons.equals(book)

    (shop / "crmlab.toml").write_text(TOML.format(way="find"))
    assert len(workspace.customers) == rows
    assert workspace.persons.equals(book)
    assert "merged" not in set(workspace.ledger["action"])

    (shop / "crmlab.toml").write_text(TOML.format(way="keep"))
    assert len(workspace.customers) == rows
    assert workspace.persons.empty


def test_a_decision_makes_a_workspace_clean_again(shop):
    workspace = crm.open_workspace(shop)
    one, other = workspace.persons["customer_id"][:2]
    assert workspace.persons["person_id"].iloc[1] == one
    add_decision(shop / "decisions.csv", one, other, same=False)
    assert {one, other} <= set(workspace.customers["customer_id"])
    assert read_decisions(shop / "decisions.csv").values.tolist() == [[one, other, False]]
    add_decision(shop / "decisions.csv", one, other, same=True)
    assert other not in set(workspace.customers["customer_id"])


def test_a_file_written_by_hand_is_read_and_gone_on_with(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text("\ufeffone,other,same\nNA,b,YES\nb,NA,no\nc,d,بله", encoding="utf-8")
    add_decision(path, "d", "c", None)
    add_decision(path, "e", "f", True)
    assert read_decisions(path).values.tolist() == [["b", "NA", False], ["e", "f", True]]
    add_decision(path, "c", "d", False)
    assert read_decisions(path).values.tolist()[-1] == ["c", "d", False]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_file_out_of_a_spreadsheet_is_read_and_gone_on_with(tmp_path, separator):
    path = tmp_path / "decisions.csv"
    path.write_text('one,other,same,why\na,b,yes,"one, and the same"\n,,,\n'.replace(",", separator), "utf-8")
    add_decision(path, "c", "d", False)
    found = read_decisions(path)
    assert found.values.tolist() == [["a", "b", True], ["c", "d", False]]
    assert found.index.tolist() == [2, 4]


def test_decisions_on_customers_nobody_knows_are_told(shop):
    def said() -> str:
        return CliRunner().invoke(main, ["clean", str(shop)]).output

    crm.open_workspace(shop).clean()
    known = crm.open_workspace(shop).persons["customer_id"][:2]
    path = shop / "decisions.csv"
    path.write_text("one,other,same\n{},{},yes\n".format(*known))
    assert "customer number" not in said()
    add_decision(path, known[0], "nobody", True)
    assert (
        f"{path}: 1 decision names a customer number that no record has or had; the first is in line 3."
        in said()
    )
    add_decision(path, "nobody", "else", True)
    assert f"{path}: 2 decisions name" in said()
    # Customers who are gone were decided on rightly.
    people = pd.read_csv(shop / "people.csv", dtype="str")
    people[~people["customer_id"].isin(known)].to_csv(shop / "people.csv", index=False)
    assert f"{path}: 2 decisions name" in said()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one,other,same\na,b,perhaps\n", "line 2: two customer numbers and yes or no"),
        ("one,other,same\na,,yes\n", "line 2"),
        ("one,others,same\na,b,yes\n", "lacks the column 'other'; did you mean 'others'"),
        (
            "",
            r"decisions\.csv is empty; its first line is to be one,other,same\. Without decisions, remove it",
        ),
        ("one,other,same\na,b,yes\n\n\nc,c,no\n", "line 5: both customer numbers are the same"),
        ("one;other;same\n;;\na;b;perhaps\n", "line 3: two customer numbers and yes or no"),
    ],
)
def test_wrong_decisions_are_one_sentence(shop, text, said):
    (shop / "decisions.csv").write_text(text)
    with pytest.raises(SourceError, match=said):
        crm.open_workspace(shop).clean()


def test_customers_without_anything_to_tell_them_apart(shop):
    pd.DataFrame({"customer_id": ["a", "b", "c"], "registered_at": "2024-01-05"}).to_csv(
        shop / "people.csv", index=False
    )
    with pytest.raises(WorkspaceError, match='cannot be told apart.*customers = "keep"'):
        crm.open_workspace(shop).clean()
