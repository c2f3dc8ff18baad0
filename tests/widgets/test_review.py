"""The review of duplicates: what is asked, decisions kept, replayed and taken back, both languages."""

import re

import pandas as pd
import pytest

import crmlab as crm
from crmlab.cleansing import DuplicateFinder, find_duplicates
from crmlab.cleansing.duplicates.comparisons import comparisons_for
from crmlab.cleansing.duplicates.decisions import read_decisions
from crmlab.cleansing.duplicates.fields import ROLES, Field
from crmlab.errors import ParameterError, SourceError, WorkspaceError
from crmlab.locale import language
from crmlab.widgets import DuplicateReview
from crmlab.widgets.pair_view import PairView, marked

#: The sample plants few doubtful pairs; all that the finder knows of are asked.
ALL = (0.0, 1.0)


@pytest.fixture(scope="module")
def customers():
    return crm.sample(customers=150, seed=2, language="fa")["customers"].set_index("customer_id")


@pytest.fixture(scope="module")
def fitted(customers):
    return DuplicateFinder().fit(customers)


@pytest.fixture
def fitted_once(fitted, monkeypatch):
    """Reviews of the customers that do not wait for the finder each."""
    monkeypatch.setattr(DuplicateFinder, "fit", lambda *_, **__: fitted)


def press(review: DuplicateReview, *names: str) -> None:
    for name in names:
        assert not review.buttons[name].disabled, name
        review.buttons[name].click()


def text_of(review: DuplicateReview) -> str:
    """What can be read, without the buttons."""
    parts = (review._busy, review._head, review._table, review._mates)
    return re.sub(r"\s*<[^>]+>\s*", " ", " ".join(part.value for part in parts))


def rows(review: DuplicateReview) -> dict[str, tuple[str, str]]:
    """By field the class of its row and what its last cell says."""
    found = re.findall(r'<tr class="(\w+)"><th scope="row">(.*?)</th>.*?<td class="crm-says">(.*?)</td></tr>',
                       review._table.value)  # fmt: skip
    return {name: (kind, re.sub(r"\s*<[^>]+>\s*", " ", said).strip()) for kind, name, said in found}


def test_the_most_doubtful_pair_is_asked_first_and_decisions_are_kept(customers, fitted, fitted_once):
    review = DuplicateReview(customers, between=ALL)
    assert all(button.disabled for button in review.buttons.values())
    assert "Comparing the records" in text_of(review)
    doubtful = fitted.doubtful(None)
    first, second, third = list(zip(doubtful["one"], doubtful["other"], strict=True))
    assert (review.pair, review.left) == (first, 3)
    assert "Comparing the records" not in text_of(review)
    assert review.buttons["back"].disabled
    assert "0 pairs decided, 3 left" in text_of(review)
    press(review, "two", "unsure")
    assert review.pair == third
    assert "1 pair decided, 1 left, 1 put off" in text_of(review)
    press(review, "one")
    assert review.decisions.values.tolist() == [[*first, False], [*third, True]]
    assert (review.pair, review.left) == (None, 0)
    assert "Nothing is left to review." in text_of(review)
    assert review._table.value == review._mates.value == ""
    assert [name for name, button in review.buttons.items() if not button.disabled] == ["back"]
    press(review, "back")
    assert review.pair == third
    press(review, "back")
    assert review.pair == second
    press(review, "back")
    assert (review.pair, review.left) == (first, 3)
    assert review.decisions.empty
    assert review.buttons["back"].disabled


def test_a_file_keeps_decisions_from_one_review_to_the_next(customers, fitted_once, tmp_path):
    path = tmp_path / "decided.csv"
    review = DuplicateReview(customers, between=ALL, path=path)
    first = review.pair
    press(review, "one", "two")
    kept = review.decisions
    again = DuplicateReview(customers, between=ALL, path=path)
    assert again.decisions.equals(kept)
    assert again.left == 1
    assert "2 pairs decided, 1 left" in text_of(again)
    press(again, "back", "back")
    assert again.pair == first
    assert path.read_text().splitlines()[1] == f"{first[0]},{first[1]},yes"
    assert path.read_text().endswith(f"{first[0]},{first[1]},open\n")
    assert read_decisions(path).empty
    press(again, "two")
    third = DuplicateReview(customers, between=ALL, path=path)
    assert third.decisions.values.tolist() == [[*first, False]]
    assert third.left == 2


def test_a_decision_that_cannot_be_kept_is_not_taken(customers, fitted_once, tmp_path):
    (tmp_path / "there").mkdir()
    path = tmp_path / "there" / "decided.csv"
    review = DuplicateReview(customers, between=ALL, path=path)
    first = review.pair
    press(review, "one")
    second = review.pair
    path.rename(tmp_path / "kept.csv")
    path.mkdir()
    for name in ("two", "back"):
        press(review, name)
        assert "decided.csv cannot be written" in text_of(review)
        assert review.pair == second
        assert review.decisions.values.tolist() == [[*first, True]]
    path.rmdir()
    (tmp_path / "kept.csv").rename(path)
    press(review, "back")
    assert "cannot be written" not in text_of(review)
    assert review.pair == first
    assert read_decisions(path).empty


def test_a_pair_that_follows_from_decisions_is_not_asked(customers, fitted, fitted_once):
    one, other = DuplicateReview(customers, between=ALL).pair
    third = next(label for label in customers.index if label not in (one, other))
    for same in (True, False):
        said = pd.DataFrame({"one": [third, other], "other": [one, third], "same": [True, same]})
        review = DuplicateReview(customers, between=ALL, decisions=said)
        assert review.left == 2
        assert (one, other) not in list(review._open())
    both_apart = said.assign(same=False)
    assert DuplicateReview(customers, between=ALL, decisions=both_apart).left == 3


def test_fields_are_told_apart_by_sign_and_word(customers, fitted, fitted_once):
    review = DuplicateReview(customers, between=ALL)
    why = fitted.explain(*review.pair)
    told = rows(review)
    assert {kind for kind, _ in told.values()} >= {"agree", "differ"}
    for row in why.dropna(subset="level").itertuples():
        kind, said = told[row.column.replace("_", " ").capitalize()]
        expected = {"equal": "= agrees", "different": "≠ differs"}.get(row.level, "≈ ")
        assert said.startswith(expected)
        assert kind == {"=": "agree", "≠": "differ", "≈": "alike"}[expected[0]]
        strong = "speaks" if abs(row.weight) >= 1 else "says little"
        assert strong in said
        assert ("one person" in said) == (row.weight >= 1)
        assert ("strongly" in said) == (abs(row.weight) >= 4)
    share = 1 / (1 + 2 ** -why["weight"].sum())
    assert f"probability of {share:.0%}" in text_of(review)
    assert all(str(customers.at[label, "last_name"]) in text_of(review) for label in review.pair)


def test_days_as_typed_have_persian_digits():
    typed = {"birth_date": ["1962-12-27", "1380/10/17"], "address": ["House 5", "2-4"]}
    records = pd.DataFrame(typed, index=["a", "b"])
    told = PairView(records, language("fa"))
    assert [told._shown("birth_date", value) for value in typed["birth_date"]] == ["۱۹۶۲-۱۲-۲۷", "۱۳۸۰/۱۰/۱۷"]
    assert [told._shown("address", value) for value in typed["address"]] == typed["address"]
    assert PairView(records, language("en"))._shown("birth_date", "1380/10/17") == "1380/10/17"


def test_what_a_move_takes_back_is_no_evidence():
    records = pd.DataFrame({"city": ["Leeds", "York"], "address": ["1 Hill", "9 Lane"]}, index=["a", "b"])
    why = pd.DataFrame(
        {"column": ["city", "address", None, None], "level": ["different", "different", None, None],
         "weight": [-3.0, -5.0, 5.0, -9.0]}, index=["city", "address", "moved", "prior"],
    )  # fmt: skip
    table = PairView(records, language("en")).compared("a", "b", why)
    assert "one person" not in re.sub(
        "<[^>]+>", " ", table.partition("The whole address")[2].partition("</tr>")[0]
    )
    assert "takes back some of that" in table
    assert table.count("speaks strongly for two people") == 1


def test_further_records_of_the_persons_are_shown(customers, fitted, fitted_once):
    clusters = fitted.result_["cluster_id"]
    review = DuplicateReview(customers, between=ALL)
    one, other = review.pair
    third = next(label for label in customers.index if clusters[label] not in set(clusters[[one, other]]))
    assert third not in review._mates.value
    said = pd.DataFrame({"one": [third], "other": [one], "same": [True]})
    review = DuplicateReview(customers, between=ALL, decisions=said)
    assert review.pair == (one, other)
    assert review._further(one, other)[third] == [one]
    assert "Further records of these people" in text_of(review)
    assert third in review._mates.value
    for label in (one, other):
        mates = set(clusters.index[clusters == clusters[label]]) - {one, other}
        assert mates <= set(review._further(one, other))


def test_the_review_speaks_persian(customers, fitted_once):
    review = DuplicateReview(customers.assign(channel=None, email=None), between=ALL, language="fa")
    assert review.pair
    assert "crm-rtl" in review.box._dom_classes
    said = text_of(review)
    for label in customers.index:
        said = said.replace(label, "")
    assert re.findall("[A-Za-z]+", said) == []
    for button in review.buttons.values():
        assert re.search("[A-Za-z]", button.description + button.tooltip) is None
    press(review, "one", "unsure", "two")
    assert "۲ جفت تعیین شده، ۰ جفت مانده، ۱ جفت کنار گذاشته" in text_of(review)


def test_every_level_is_told_in_persian():
    names = [role.replace(" ", "_").replace("-", "") for role in ROLES[:-1]]
    fields = [Field(name, name, role) for name, role in zip(names, ROLES[:-1], strict=True)]
    levels = {level.name for c in comparisons_for(fields, [*names, "further"]) for level in c.levels}
    assert len(levels) > 12
    assert {name for name in levels if not language("fa").knows(name)} == set()


def test_what_stands_in_records_is_shown_as_text():
    assert marked("<b>", "Reza") == ("&lt;b&gt;", "Reza")
    assert marked("Anne <a>", "Ann <a>") == ("Ann<mark>e</mark> &lt;a&gt;", "Ann &lt;a&gt;")
    assert marked("", "Ann") == ("–", "Ann")


@pytest.mark.parametrize("names", [["Ann Lee"], []])
def test_where_nobody_can_be_there_twice_nothing_is_asked(names):
    review = DuplicateReview(pd.DataFrame({"name": pd.Series(names, dtype="str")}))
    assert (review.pair, review.left) == (None, 0)
    assert "There is nothing to review." in text_of(review)
    assert all(button.disabled for button in review.buttons.values())
    review.decide(True)
    review.back()
    assert review.decisions.empty


def test_numbered_records_and_those_that_are_gone(tmp_path):
    path = tmp_path / "decided.csv"
    path.write_text("same,note,other,one\nno,seen,7,12")
    people = pd.DataFrame({"name": ["Ann Lee", "Ann Lee", "Bob Ray"],
                           "phone": ["5550101", "5559632", "5550177"]})  # fmt: skip
    review = DuplicateReview(people, between=ALL, path=path)
    assert review.pair == (0, 1)
    press(review, "two")
    assert path.read_text() == "same,note,other,one\nno,seen,7,12\nno,,1,0\n"
    assert review.decisions.values.tolist() == [["12", "7", False], [0, 1, False]]
    found = find_duplicates(people, decisions=review.decisions)["cluster_id"]
    assert found[0] != found[1]
    again = DuplicateReview(people, between=ALL, path=path)
    assert again.decisions.equals(review.decisions)
    assert again.pair is None
    press(again, "back")
    assert again.pair == (0, 1)


def test_limits_leave_pairs_out(customers, fitted, fitted_once):
    doubtful = fitted.doubtful(None)["probability"]
    assert fitted.doubtful(2)["probability"].equals(doubtful.head(2))
    assert (doubtful - 0.5).abs().is_monotonic_increasing
    assert DuplicateReview(customers, between=(0.8, 0.9)).left == doubtful.between(0.8, 0.9).sum() == 1


TOML = """[workspace]
language = "fa"
phone_region = "IR"

[duplicates]
customers = "merge"

[[source]]
table = "customers"
file = "people.csv"
"""


@pytest.fixture(scope="module")
def workspace(customers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    customers.to_csv(folder / "people.csv")
    (folder / "crmlab.toml").write_text(TOML)
    found = crm.open_workspace(folder)
    found.clean()
    return found


def test_a_workspace_is_cleaned_as_was_decided(workspace):
    review = DuplicateReview(workspace, between=ALL)
    assert "crm-rtl" in review.box._dom_classes
    together = workspace.persons.set_index("customer_id")["person_id"]
    asked = {}
    while review.pair:
        # The contrary of what was found, so that it can be seen who is followed.
        one, other = review.pair
        asked[review.pair] = one in together and together[one] == together.get(other)
        press(review, "two" if asked[review.pair] else "one")
    assert set(asked.values()) == {True, False}
    kept = read_decisions(workspace.path / "decisions.csv").reset_index(drop=True)
    assert kept.equals(review.decisions)
    assert "جدول‌ها بار بعد که خوانده شوند از آن‌ها پیروی می‌کنند" in text_of(review)
    person = workspace.persons.set_index("customer_id")["person_id"]
    for (one, other), were_one in asked.items():
        now_one = person.get(one, one) == person.get(other, other)
        assert now_one is not were_one
        assert {one, other} <= set(workspace.customers["customer_id"]) or now_one
    # Opened again, there is nothing to ask until a decision is taken back.
    again = DuplicateReview(workspace, between=ALL)
    assert again.pair is None
    last = list(asked)[-1]
    press(again, "back")
    assert again.pair == last
    assert len(read_decisions(workspace.path / "decisions.csv")) == len(asked) - 1
    assert again.decisions.equals(read_decisions(workspace.path / "decisions.csv").reset_index(drop=True))


def test_what_cannot_be_reviewed_is_one_sentence(customers, workspace, tmp_path, monkeypatch):
    with pytest.raises(ParameterError, match="the lower one first"):
        DuplicateReview(customers, between=(0.9, 0.1))
    with pytest.raises(ParameterError, match="of its own"):
        DuplicateReview(workspace, path=tmp_path / "x.csv")
    with pytest.raises(ParameterError, match="not in 'de'"):
        DuplicateReview(customers, language="de")
    with pytest.raises(ParameterError, match="lack the column 'same'"):
        DuplicateReview(customers, decisions=pd.DataFrame({"one": ["a"], "other": ["b"]}))
    with pytest.raises(ParameterError, match="leave decisions= out"):
        DuplicateReview(customers, decisions=pd.DataFrame(), path=tmp_path / "x.csv")
    (tmp_path / "wrong.csv").write_text("one,other,same\na,b,perhaps\n")
    with pytest.raises(SourceError, match="line 2"):
        DuplicateReview(customers, path=tmp_path / "wrong.csv")
    twice = pd.DataFrame({"name": ["Ann", "Bob"]}, index=[1, "1"])
    with pytest.raises(ParameterError, match="label twice"):
        DuplicateReview(twice, path=tmp_path / "x.csv")
    nobody = DuplicateReview(pd.DataFrame({"id": [1, 2, 3]}))
    with pytest.raises(ParameterError, match="says who anybody is"):
        _ = nobody.pair
    assert "Comparing" not in text_of(nobody)
    (tmp_path / "crmlab.toml").write_text("[workspace]\n")
    with pytest.raises(WorkspaceError, match="has no customers"):
        _ = DuplicateReview(crm.open_workspace(tmp_path)).pair
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    with pytest.raises(ParameterError, match=r"Reviews need .*pip install crmlab\[lab\]"):
        DuplicateReview(customers)
