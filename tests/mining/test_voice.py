"""Comments of surveys and tickets, their topics against scores, and verbatim comments without persons."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.satisfaction import (
    CommentTopics,
    comment_topics,
    comments,
    csat,
    mask_personal,
    representative_comments,
    topic_scores,
    topic_shares,
)

SURVEYS = pd.DataFrame({
    "response_id": list("123456"),
    "time": pd.to_datetime(["2024-01-03", "2024-01-09", None, "2024-04-03", "2024-04-09", "2024-04-10"]),
    "metric": "csat", "score": [1, 5, 2, None, 4, 3], "scale_low": 1.0, "scale_high": 5.0,
    "comment": ["too late", "  ", "دیر رسید", "слишком поздно", None, "10/10"],
    "respondent": ["external", None, "external", "external", "external", "internal"],
})  # fmt: skip
TICKETS = pd.DataFrame({
    "ticket_id": ["T1", "T1", "T2", "T3"], "status": ["opened", "closed", "opened", "opened"],
    "time": pd.to_datetime(["2024-02-01", "2024-02-05", "2024-02-02", "2024-02-03"]),
    "comment": ["wrong bill", "wrong bill", None, "torn parcel"],
})  # fmt: skip


def test_comments_of_both_tables_and_what_is_left_out():
    found = comments(SURVEYS, TICKETS)
    assert found[["source", "id", "language"]].values.tolist() == [
        ["survey", "1", "en"], ["survey", "3", "fa"], ["ticket", "T1", "en"], ["ticket", "T3", "en"]
    ]  # fmt: skip
    assert found["score"].fillna(-1).tolist() == [1, 2, -1, -1]
    assert found.attrs == {"empty": 3, "other_script": 1, "no_letters": 0}
    inside = comments(SURVEYS, respondent="internal")
    assert (len(inside), inside.attrs["no_letters"]) == (0, 1)


def test_a_table_of_the_engine_gives_the_same_comments():
    pd.testing.assert_frame_equal(
        comments(SURVEYS, TICKETS), comments(crm.as_table(SURVEYS), crm.as_table(TICKETS))
    )


def test_a_comment_beside_several_answers_of_a_form_is_one():
    form = pd.DataFrame({
        "response_id": ["R1", "R1", "R2", "R2", None, None], "metric": ["nps", "csat"] * 3,
        "score": [3, 1, 9, 5, 2, 2], "scale_low": 0, "scale_high": 10,
        "comment": ["too late"] * 2 + ["fine", "quick"] + ["too late"] * 2,
    })  # fmt: skip
    found = comments(form)
    assert sorted(found["comment"]) == ["fine", "quick", "too late", "too late", "too late"]
    assert found.loc[found["id"] == "R1", "metric"].tolist() == ["csat"]
    assert found.attrs["empty"] == 0


@pytest.mark.parametrize("blank", [None, "", "  \u200c "])
def test_an_empty_column_of_comments_is_counted(blank):
    found = comments(SURVEYS.assign(comment=pd.Series([blank] * 6, dtype="str")))
    assert (len(found), found.attrs["empty"] + found.attrs["no_letters"]) == (0, 5)
    with pytest.raises(ParameterError, match="None of the 0 comments has words"):
        comment_topics(found)


def test_comments_in_a_third_script_are_counted():
    found = comments(SURVEYS.assign(comment="слишком поздно"))
    assert (len(found), found.attrs["other_script"]) == (0, 5)


def test_impossible_tables_are_refused():
    with pytest.raises(TableError, match="Survey answers need a column comment; there are: response_id"):
        comments(SURVEYS.drop(columns="comment"))
    with pytest.raises(ParameterError, match="Comments are text; the column comment holds int64 values"):
        comments(SURVEYS.assign(comment=7))
    with pytest.raises(ParameterError, match="give a table of either"):
        comments()
    with pytest.raises(TableError, match="Comments need a column comment"):
        comment_topics(pd.DataFrame({"text": ["late"]}))


def test_one_comment_has_no_topics():
    with pytest.raises(ParameterError, match="No word stands in 2 or more of the 1 comments"):
        comment_topics(comments(SURVEYS[:1]))


@pytest.fixture(scope="module", params=["en", "fa"])
def sample(request):
    return crm.sample(language=request.param)


@pytest.fixture(scope="module")
def complaints(sample):
    every = comments(tickets=sample["tickets"])
    return comment_topics(every[every["kind"] == "complaint"])


def test_planted_complaint_topics_are_found(sample, complaints):
    from sklearn.metrics import adjusted_mutual_info_score

    planted = sample["truth"]["tickets"].set_index("ticket_id")["topic"]
    found = complaints.comments.set_index("id")["topic"]
    assert len(found) == len(planted)
    assert found.notna().all()
    assert adjusted_mutual_info_score(planted.loc[found.index], found) >= 0.9
    # Each planted topic has one found, nine in ten of whose first words are mostly written about it.
    texts = complaints.comments["comment"].str.lower()
    main = planted.loc[found.index].to_numpy()
    words = complaints.topics.words
    share = {
        (topic, name): np.mean([
            (texts.str.contains(word, regex=False) & (main == name)).sum()
            > 0.5 * texts.str.contains(word, regex=False).sum()
            for word in words.loc[words["topic"] == topic, "word"]
        ])
        for topic in complaints.labels.index
        for name in planted.unique()
    }  # fmt: skip
    best = pd.Series(share).groupby(level=1).max()
    assert (best >= 0.9).all(), best


def test_representative_comments_are_of_their_topic(sample, complaints):
    shown = representative_comments(complaints, count=2)
    assert shown.groupby("topic")["rank"].agg(list).tolist() == [[1, 2]] * len(complaints.labels)
    assert shown["nearness"].between(0, 1).all()
    own = complaints.comments.loc[shown.index, "topic"]
    assert own.tolist() == shown["topic"].tolist()
    one = representative_comments(complaints, topic=1, count=2)
    pd.testing.assert_frame_equal(one, shown[shown["topic"] == 1])
    with pytest.raises(ParameterError, match="There are topics 1 to .*, none is 99"):
        representative_comments(complaints, topic=99)


def test_topics_of_the_sample_are_set_against_scores(sample):
    found = comment_topics(comments(sample["surveys"]), n_topics=4)
    table = topic_scores(found)
    assert table["measure"].unique().tolist() == ["height", "nps", "csat", "ces"]
    heights = table[table["measure"] == "height"]
    said = found.comments[found.comments["score"].notna() & found.comments["topic"].notna()]
    assert heights["n"].sum() == len(said)
    assert ((heights["low"] <= heights["value"]) & (heights["value"] <= heights["high"])).all()
    for _, row in table[table["measure"] == "csat"].iterrows():
        chosen = said[(said["metric"] == "csat") & (said["topic"] == row["topic"])]
        plain = csat(chosen["score"])
        assert (row["value"], row["low"], row["high"], row["n"]) == pytest.approx(
            (plain.value, plain.low, plain.high, plain.n)
        )


def test_shares_of_topics_over_time_add_up(complaints):
    table = topic_shares(complaints, period="Q")
    by_quarter = table.groupby("period")
    assert by_quarter["share"].sum().to_numpy() == pytest.approx(1)
    assert by_quarter.size().eq(len(complaints.labels)).all()
    assert table["comments"].sum() == complaints.comments["topic"].notna().sum()
    assert (table["low"] <= table["share"]).all()
    said = complaints.comments
    undated = said.assign(time=said["time"].mask(np.arange(len(said)) < 7))
    assert topic_shares(CommentTopics(undated, complaints.topics)).attrs["undated"] == 7


def test_scores_beyond_their_scale_are_refused(sample):
    said = comments(sample["surveys"])
    found = comment_topics(said.assign(score=said["score"] + 20), n_topics=2)
    with pytest.raises(ParameterError, match="scores beside comments lie outside their scale"):
        topic_scores(found)


MASKED = [
    ("mail me: joe.doe+x@mail.example.co.uk!", "mail me: [@]!"),
    ("ایمیل من ali@site.ir است", "ایمیل من [@] است"),
    ("joe (at) mail (dot) com or @joe_d", "[@] or [@]"),
    ("see https://x.y/z?q=1 or www.site.ir/a", "see [www] or [www]"),
    ("at t.me/joe or shop.example.com", "at [www] or [www]"),
    ("call +98 (21) 8890-1234 now", "call [#] now"),
    ("شماره ۰۹۱۲ ۳۴۵ ۶۷ ۸۹ است", "شماره [#] است"),
    ("شماره ٠٩١٢٣٤٥٦٧٨٩ است", "شماره [#] است"),
    ("\u202a+98\u200e 912 345 6789\u202c", "\u202a[#]\u202c"),
    ("card 6037-9975-1234-5678, again 6037 9975 1234 5678.", "card [#], again [#]."),
    ("IBAN IR820540102680020817909002 and کد ملی 0012345679", "IBAN [#] and کد ملی [#]"),
    ("customer C00023, ticket T-00123, order#45678", "customer [#], ticket [#], order#[#]"),
    ("phone 021,889,012,34", "phone [#]"),
]  # fmt: skip


#: What says nothing of a person.
UNMASKED = [
    "paid 1,250,000 for 3 pieces in 2024, iPhone 15 and A54",
    "قیمت ۱٬۲۵۰٬۰۰۰ تومان، ۲ عدد",
    "late. No answer.",
]


@pytest.mark.parametrize(("given_text", "expected"), [*MASKED, *zip(UNMASKED, UNMASKED, strict=True)])
def test_personal_data_are_masked(given_text, expected):
    assert mask_personal(pd.Series([given_text])).item() == expected


def test_given_names_are_masked_in_whatever_letters_and_case():
    said = pd.Series(["Thanks SARA, O'Neil was rude", "آقاي كاظمي و علی‌رضا گفتند", None, "Sarah saw it"])
    found = mask_personal(said, names=["Sara O'Neil", "علی‌رضا کاظمی", None])
    assert found.fillna("-").tolist() == [
        "Thanks [...], O'[...] was rude", "آقاي [...] و [...]\u200c[...] گفتند", "-", "Sarah saw it"
    ]  # fmt: skip


@given(
    st.text(alphabet="0123456789", min_size=7, max_size=16),
    st.sampled_from(["", " ", "-", " - ", ".", "\u200c", "\u200e", "\u00a0", "/"]),
    st.sampled_from([0x30, 0x660, 0x6F0]),
    st.text(alphabet="abc دسش.!؟ ", max_size=10),
)
def test_no_long_number_is_left_in_any_digits(digits, between, zero, around):
    number = between.join(chr(zero + int(digit)) for digit in digits)
    found = mask_personal(pd.Series([f"{around} {number} {around}"])).item()
    assert not any(sign.isdecimal() for sign in found)


def test_representative_comments_are_masked():
    said = pd.DataFrame(
        {"comment": ["parcel late, call Sara 09123456789", "parcel late", "bill wrong", "wrong bill"] * 4}
    )
    shown = representative_comments(comment_topics(said, n_topics=2), names=["Sara"])
    assert shown["comment"].str.contains(r"call \[\.\.\.\] \[#\]").sum() == 1
    assert not shown["comment"].str.contains("Sara|0912").any()
