"""Records of one person: found without labels, the same in any order, explained, and kept when rows come."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_people import pairwise, people

from crmlab.cleansing import DuplicateFinder, find_duplicates, golden_records
from crmlab.cleansing.duplicates.blocking import keys_for
from crmlab.cleansing.duplicates.fields import prepare, recognise
from crmlab.cleansing.duplicates.linkage import average_link
from crmlab.cleansing.duplicates.naming import new_names
from crmlab.errors import ParameterError


@pytest.fixture(scope="module", params=[False, True], ids=["latin", "persian"])
def fitted(request):
    frame, truth = people(persian=request.param)
    return frame, truth, DuplicateFinder().fit(frame)


def test_planted_duplicates_are_found_without_settings(fitted):
    frame, truth, finder = fitted
    precision, recall, _ = pairwise(finder.result_["cluster_id"], truth)
    assert precision > 0.98
    assert recall > 0.95
    assert finder.result_.index.equals(frame.index)
    alone = ~finder.result_["cluster_id"].duplicated(keep=False)
    assert finder.result_["score"].isna().equals(alone)
    assert finder.result_["score"].dropna().between(0, 1).all()


def test_order_of_rows_and_number_of_threads_change_nothing(fitted):
    frame, _, finder = fitted
    mixed = find_duplicates(frame.sample(frac=1, random_state=3), threads=1)
    pd.testing.assert_frame_equal(mixed.sort_index(), finder.result_)


def test_new_rows_change_no_old_cluster_and_find_their_person():
    frame, truth = people(persons=600, seed=5)
    old, new = frame.iloc[:700], frame.iloc[700:]
    finder = DuplicateFinder().fit(old)
    before = finder.result_.copy()
    found = finder.add(new)
    pd.testing.assert_frame_equal(finder.result_.loc[old.index], before)
    assert found.index.equals(new.index)
    assert pairwise(finder.result_["cluster_id"], truth)[2] > 0.95
    strangers = ~found["cluster_id"].isin(before["cluster_id"])
    assert (~strangers).any()
    with pytest.raises(ParameterError, match="there already"):
        finder.add(new)
    with pytest.raises(ParameterError, match="lack the columns mobile"):
        finder.add(new.drop(columns="mobile").set_axis(range(5000, 5000 + len(new))))


def test_an_explanation_adds_up_to_the_decision(fitted):
    frame, truth, finder = fitted
    clusters = finder.result_["cluster_id"]
    twice = clusters[clusters.duplicated(keep=False)]
    one, other = twice.index[twice == twice.iloc[0]][:2]
    why = finder.explain(one, other)
    assert why["weight"].sum() > 0
    stranger = frame.index[(frame["last_name"] != frame.at[one, "last_name"]) & (clusters != clusters[one])][
        0
    ]
    assert finder.explain(one, stranger)["weight"].sum() < 0
    assert why.index[0] == "prior"
    assert why.at["prior", "weight"] < 0
    compared = why.dropna(subset="level")
    assert set(compared["column"]) <= set(frame)
    assert (compared.index[compared["weight"].notna()] == compared.index).all()
    assert ((compared["level"] == "equal") == (compared["one"] == compared["other"])).all()
    again = finder.explain(other, one)
    pd.testing.assert_frame_equal(again.rename(columns={"one": "other", "other": "one"})[list(why)], why)
    with pytest.raises(ParameterError, match="No record has the index label"):
        finder.explain(one, "nobody")


def test_roles_are_told_from_headings_and_contents():
    frame = pd.DataFrame({
        "id": range(30), "Vorname": ["Ann"] * 30, "last name": ["Lee"] * 30, "x": ["a@b.org", "c@d.org"] * 15,
        "تاریخ تولد": ["1370/01/02"] * 30, "sex": ["f", "m"] * 15, "score": range(30),
    })  # fmt: skip
    found = {field.column: field.role for field in recognise(frame, {"Vorname": "given name"})}
    assert found == {"Vorname": "given name", "last name": "family name", "x": "e-mail",
                     "تاریخ تولد": "birth date", "sex": "category"}  # fmt: skip


def test_whole_names_are_taken_apart_and_told_from_their_parts():
    frame = pd.DataFrame({
        "first_name": ["thomas", "tom"], "surname": ["clifford", "clifford"],
        "full_name": ["thomas clifford of chudleigh", "tom clifford, 1st baron"],
    })  # fmt: skip
    fields = recognise(frame)
    assert [field.role for field in fields] == ["given name", "family name", "full name"]
    assert prepare(frame, fields)["further"].tolist() == [["chudleigh"], []]
    alone = prepare(frame[["full_name"]], recognise(frame[["full_name"]]))
    assert alone["given_name"].tolist() == ["thomas", "tom"]


def test_jalali_birth_dates_keep_their_calendar():
    days = ["1370/01/12", "1370/12/01", "1403-13-45", None]
    frame = pd.DataFrame({"dob": days, "last_name": list("abcd")})
    prepared = prepare(frame, recognise(frame))["birth_date"]
    assert prepared.tolist()[:3] == ["1370-01-12", "1370-12-01", "1403-13-45"]
    assert prepared.isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: find_duplicates(pd.DataFrame({"id": range(3)})), "No column of the records says"),
        (lambda: find_duplicates(people(20)[0], {"city": "town"}), "There is no role 'town'"),
        (lambda: find_duplicates(people(20)[0], {"town": "place"}), "There is no column 'town'"),
        (lambda: find_duplicates(pd.concat([people(20)[0]] * 2)), "holds a label twice"),
    ],
)
def test_wrong_calls_are_one_sentence(call, said):
    with pytest.raises(ParameterError, match=said):
        call()


def test_keys_need_their_fields():
    assert [key.name for key in keys_for(["text"])] == ["text"]
    names = {key.name for key in keys_for(["given_name", "family_name", "birth_date", "phone", "phone_2"])}
    assert {"phone", "phone_2", "names", "born|given 1"} <= names
    assert not any("postcode" in name for name in names)


def test_average_link_breaks_the_chain_that_single_links_make():
    # 0-1 and 1-2 are alike, 0 and 2 are not: connected components would join all three.
    a, b = np.array([0, 0, 1]), np.array([1, 2, 2])
    weights = np.array([[10.0, np.nan], [-20.0, -5.0], [9.0, np.nan]])
    assert average_link(a, b, weights, 3, -2.0, -6.0).tolist() == [0, 0, 2]
    known = np.array([0, -1, 2])
    assert average_link(a, b, weights, 3, -2.0, -6.0, known).tolist() == [0, 0, 2]
    assert average_link(a, b, np.abs(weights), 3, -2.0, -6.0, known).tolist() == [0, 0, 2]
    assert average_link(a, b, np.abs(weights), 3, -2.0, -6.0).tolist() == [0, 0, 0]


def test_unscored_pairs_speak_against():
    a, b, weights = np.array([0, 1]), np.array([1, 2]), np.array([[9.0], [8.9]])
    assert average_link(a, b, weights, 3, -2.0, -20.0).tolist() == [0, 0, 2]
    assert average_link(a, b, weights, 3, -2.0, -1.0).tolist() == [0, 0, 0]


def test_golden_records_take_the_common_then_the_newest_value_and_say_from_where():
    records = pd.DataFrame(
        {"city": ["Rome", "Roma", None, "Oslo"], "phone": [None, "1", "2", None],
         "written": pd.to_datetime(["2024-01-01", "2023-01-01", "2024-06-01", "2020-01-01"])},
        index=["r1", "r2", "r3", "r4"],
    )  # fmt: skip
    clusters = pd.Series(["p", "p", "p", "q"], index=records.index)
    golden = golden_records(records, clusters, newest="written")
    assert golden.records.loc["p", ["city", "phone"]].tolist() == ["Rome", "2"]
    assert golden.origin.loc["p", ["city", "phone"]].tolist() == ["r1", "r3"]
    assert golden.origin.loc["q", "phone"] is pd.NA or pd.isna(golden.origin.loc["q", "phone"])
    assert golden.records.dtypes.equals(records.dtypes)
    shuffled = golden_records(records.iloc[::-1], clusters.iloc[::-1], newest="written")
    pd.testing.assert_frame_equal(shuffled.records, golden.records)
    with pytest.raises(ParameterError, match="indexed like the records"):
        golden_records(records, clusters.reset_index(drop=True))


def _febrl(folder: Path, number: str) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_csv(folder / "er-febrl" / f"febrl{number}.csv", skipinitialspace=True, dtype="str")
    return frame.drop(columns="rec_id"), frame["rec_id"].str.extract(r"rec-(\d+)")[0]


def test_febrl3_without_settings(public_data):
    frame, truth = _febrl(public_data, "3")
    assert pairwise(find_duplicates(frame)["cluster_id"], truth)[2] >= 0.999


def test_raw_persian_records_without_settings(public_data):
    frame = pd.read_parquet(public_data / "er-persian-synthetic" / "persian_10k_raw.parquet")
    precision, _, f1 = pairwise(
        find_duplicates(frame.drop(columns="cluster"))["cluster_id"], frame["cluster"]
    )
    assert precision >= 0.999
    assert f1 >= 0.985


def test_a_lookup_finds_the_known_records_and_adds_nothing():
    frame, truth = people(600, seed=5)
    old, new = frame.iloc[:700], frame.iloc[700:]
    finder, other = DuplicateFinder().fit(old), DuplicateFinder().fit(old)
    first = finder.lookup(new)
    pd.testing.assert_frame_equal(finder.lookup(new), first)
    assert list(first.columns) == ["record", "known", "score"]
    assert not first.duplicated(["record", "known"]).any()
    best = first.drop_duplicates("record")
    assert (truth[best["record"]] == truth[best["known"]]).mean() > 0.98
    assert len(best) > 0.9 * len(new)
    in_order = first.groupby("record")["score"].apply(lambda scores: scores.is_monotonic_decreasing)
    assert in_order.all()
    assert first["score"].between(0.5, 1).all()
    assert set(finder.lookup(new, least=0.99)["score"] >= 0.99) == {True}
    # Alone or with others, with all columns or those that say something: the answer is the same.
    one = new[new.index == best["record"].iloc[3]]
    alone = finder.lookup(one.dropna(axis=1).assign(beyond="x"))
    expected = first[first["record"] == one.index[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected)
    # What is added afterwards is as if nobody had asked, and explained as it was scored.
    pd.testing.assert_frame_equal(finder.add(new), other.add(new))
    for row in alone.itertuples():
        weight = finder.explain(row.record, row.known)["weight"].sum()
        assert row.score == pytest.approx(1 / (1 + 2.0**-weight), abs=1e-5)


def test_a_lookup_of_nothing_finds_nothing(fitted):
    _, _, finder = fitted
    nobody = finder.lookup(pd.DataFrame([{"first_name": "zebulon"}]))
    assert nobody.empty
    assert finder.lookup(pd.DataFrame([{"colour": "red"}])).empty


@pytest.mark.parametrize("persian", [False, True])
def test_people_recorded_once_are_left_apart(persian):
    frame, _ = people(2000, seed=3, persian=persian)
    assert DuplicateFinder().fit(frame[:2000]).result_["cluster_id"].is_unique


def test_columns_that_go_together_teach_nothing_of_persons():
    rng = np.random.default_rng(4)
    frame, _ = people(500, seed=4)
    frame = frame[:500].assign(city=rng.choice(["york", "hull", "leeds"], 500))
    frame["province"] = frame["city"].map({"york": "north", "hull": "east", "leeds": "west"})
    frame["national_id"] = pd.Series(rng.integers(10**9, 10**10, 500).astype(str)).mask(rng.random(500) < 0.9)
    assert DuplicateFinder().fit(frame).result_["cluster_id"].is_unique


def test_golden_records_take_the_common_name_and_how_it_began():
    records = pd.DataFrame({
        "first_name": ["Nasser", "Nsaser", "Nasser", "Ann"], "channel": ["web", "shop", "post", None],
        "registered_at": pd.to_datetime(["2023-01-01", "2023-06-07", "2024-01-01", "2020-01-01"]),
        "city": ["Rome", "Bonn", "Oslo", "Graz"],
    })  # fmt: skip
    cluster = pd.Series(["p", "p", "q", "r"])
    began = ["registered_at", "channel"]
    golden = golden_records(
        records, cluster, "registered_at", [began], records[["first_name"]], began
    ).records
    assert golden.loc["p", ["first_name", "city", "channel"]].tolist() == ["Nasser", "Bonn", "web"]
    assert golden.loc["p", "registered_at"] == pd.Timestamp("2023-01-01")
    assert golden.loc["r", "registered_at"] == pd.Timestamp("2020-01-01")
    assert pd.isna(golden.loc["r", "channel"])


def test_records_alike_bear_names_of_their_own_whenever_they_come():
    prints = np.array([7, 9, 7], dtype="uint64")
    first, later = new_names(prints), new_names(prints, earlier=prints)
    assert len({*first, *later}) == 6
    assert first.tolist() == ["P0000000000000007", "P0000000000000009", "P0000000000000007-1"]


def test_one_record_or_none_is_nobodys_duplicate():
    nobody = pd.DataFrame({"name": pd.Series([], dtype="str")})
    alone = pd.DataFrame({"name": ["Ann Lee"]})
    for records in (nobody, alone):
        finder = DuplicateFinder().fit(records)
        assert finder.result_["score"].isna().all()
        assert (finder.doubtful().empty, finder.reasons().empty) == (True, True)
        more = finder.add(pd.DataFrame({"name": ["Ann Lee", "Ann Lee"]}, index=[7, 8]))
        assert more["cluster_id"].nunique() == 1


def test_what_cannot_be_asked_is_said():
    with pytest.raises(ParameterError, match="dob alone cannot tell who anybody is"):
        DuplicateFinder().fit(pd.DataFrame({"dob": ["1980-01-02", "1981-03-04"]}))
    with pytest.raises(ParameterError, match="seen no records yet"):
        DuplicateFinder().explain(0, 1)


def test_asking_for_more_joins_fewer_and_more_surely(fitted):
    frame, truth, finder = fitted
    sure = find_duplicates(frame, match_probability=1 - 1e-6)
    assert sure["cluster_id"].nunique() > finder.result_["cluster_id"].nunique()
    assert pairwise(sure["cluster_id"], truth)[0] >= pairwise(finder.result_["cluster_id"], truth)[0]
    assert sure["score"].min() > finder.result_["score"].min()
    with pytest.raises(ParameterError, match="between 0 and 1"):
        find_duplicates(frame, match_probability=1)
