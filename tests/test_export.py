"""What is written back: one row per customer in files and databases, without who may not be contacted."""

import datetime
import sqlite3

import duckdb
import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.cleansing import consent_register
from crmlab.errors import ParameterError, TableError, WorkspaceError
from crmlab.tables import IDENTIFIERS

SCORES = pd.DataFrame(
    {
        "score": [0.25, np.nan, 1 / 3],
        "segment": pd.Categorical(["At risk", None, "وفادار"], ["وفادار", "At risk"]),
        "customer_id": ["c", "a", "b"],
        "active": [True, False, True],
        "orders": pd.array([3, None, 1], dtype="Int64"),
        "last": pd.to_datetime(["2024-05-01", None, "2024-06-01"]),
        "seen": pd.to_datetime(["2024-05-01 12:30", None, "2024-06-01 00:00"]),
        "share %": [1.0, 2.0, 3.0],
    }
)
TEXT = [
    ("a", None, None, 0, None, None, None, 2.0),
    ("b", 1 / 3, "وفادار", 1, 1, "2024-06-01", "2024-06-01T00:00:00", 3.0),
    ("c", 0.25, "At risk", 1, 3, "2024-05-01", "2024-05-01T12:30:00", 1.0),
]
MOMENTS = [
    (*row[:5], row[5] and datetime.date.fromisoformat(row[5]),
     row[6] and datetime.datetime.fromisoformat(row[6]), row[7]) for row in TEXT
]  # fmt: skip
CONNECT = {
    "sqlite": lambda: sqlite3.connect(":memory:"),
    "duckdb": duckdb.connect,
    "ibis on duckdb": crm.connect,
}


@pytest.fixture(params=CONNECT)
def database(request):
    """An open connection, and how to ask it."""
    connection = CONNECT[request.param]()
    plain = getattr(connection, "con", connection)
    yield connection, lambda query: plain.execute(query).fetchall()
    plain.close()


def test_a_file_has_the_key_first_and_the_same_bytes_in_any_order(tmp_path):
    path = tmp_path / "scores.csv"
    written = crm.write_back(SCORES, path, as_of="2024-12-31", run="r-1")
    assert written.rows == 3
    assert written.columns == ["customer_id", *SCORES.columns.drop("customer_id"), "as_of", "run_id"]
    assert path.read_text(encoding="utf-8") == (
        "customer_id,score,segment,active,orders,last,seen,share %,as_of,run_id\n"
        "a,,,False,,,,2.0,2024-12-31,r-1\n"
        "b,0.3333333333333333,وفادار,True,1,2024-06-01,2024-06-01T00:00:00,3.0,2024-12-31,r-1\n"
        "c,0.25,At risk,True,3,2024-05-01,2024-05-01T12:30:00,1.0,2024-12-31,r-1\n"
    )
    for name in ("scores.csv", "scores.parquet"):
        crm.write_back(SCORES, tmp_path / name)
        first = (tmp_path / name).read_bytes()
        crm.write_back(SCORES.sample(frac=1, random_state=1), tmp_path / name)
        assert (tmp_path / name).read_bytes() == first
    crm.write_back(SCORES, path, bom=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfcustomer_id,")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["scores.csv", "scores.parquet"]


def test_a_parquet_file_has_plain_columns(tmp_path):
    import pyarrow.parquet as pq

    crm.write_back(SCORES, tmp_path / "scores.parquet")
    found = pq.read_table(tmp_path / "scores.parquet")
    kinds = {field.name: str(field.type) for field in found.schema}
    assert kinds["segment"] in ("string", "large_string")
    assert (kinds["active"], kinds["orders"], kinds["score"]) == ("bool", "int64", "double")
    assert found.column("customer_id").to_pylist() == ["a", "b", "c"]


def test_a_table_is_made_and_replaced(database):
    connection, ask = database
    for _ in range(2):
        assert crm.write_back(SCORES, connection, table="scores").rows == 3
        rows = ask("SELECT * FROM scores")
        assert rows == (TEXT if isinstance(connection, sqlite3.Connection) else MOMENTS)
    crm.write_back(SCORES[:1], connection, table="scores")
    assert ask("SELECT customer_id FROM scores") == [("c",)]
    crm.write_back(SCORES[:0], connection, table="scores")
    assert ask("SELECT count(*) FROM scores") == [(0,)]


def test_upserting_updates_adds_and_keeps(database):
    connection, ask = database
    crm.write_back(SCORES[["customer_id", "score"]], connection, table="scores")
    ask("ALTER TABLE scores ADD COLUMN note TEXT") if not isinstance(connection, sqlite3.Connection) else (
        connection.execute("ALTER TABLE scores ADD COLUMN note TEXT")
    )
    getattr(connection, "con", connection).execute("UPDATE scores SET note = 'x'")
    if isinstance(connection, sqlite3.Connection):
        connection.commit()
    new = pd.Series({"b": 5.0, "d": np.nan}, name="score").rename_axis("customer_id")
    assert crm.write_back(new, connection, table="scores", mode="upsert").rows == 2
    expected = [("a", None, "x"), ("b", 5.0, "x"), ("c", 0.25, "x"), ("d", None, None)]
    assert ask("SELECT * FROM scores ORDER BY customer_id") == expected


def test_more_rows_than_one_statement_takes(database):
    connection, ask = database
    many = pd.DataFrame({"customer_id": np.arange(40_000)[::-1], "score": 0.5})
    crm.write_back(many, connection, table="many")
    assert ask("SELECT count(*), min(customer_id), max(customer_id), sum(score) FROM many") == [
        (40_000, 0, 39_999, 20_000.0)
    ]


def test_what_fails_leaves_everything_as_it_was(database, tmp_path):
    connection, ask = database
    crm.write_back(SCORES[["customer_id", "score"]], connection, table="scores")
    before = ask("SELECT * FROM scores")
    with pytest.raises(TableError, match="it has customer_id, score; to be written are customer_id, segm"):
        crm.write_back(SCORES[["customer_id", "segment"]], connection, table="scores")
    with pytest.raises(TableError, match="has other columns"):
        crm.write_back(SCORES, connection, table="scores", mode="upsert")
    plain = getattr(connection, "con", connection)
    plain.execute("CREATE TABLE few (customer_id TEXT, score DOUBLE CHECK (score < 0.3))")
    plain.execute("INSERT INTO few VALUES ('z', 0.1)")
    plain.commit()
    for mode in ("replace", "upsert"):
        with pytest.raises(WorkspaceError, match="The table few cannot be written: ") as said:
            crm.write_back(SCORES[["customer_id", "score"]], connection, table="few", mode=mode)
        assert "\n" not in str(said.value)
        assert ask("SELECT * FROM few") == [("z", 0.1)]
    assert ask("SELECT * FROM scores") == before
    assert crm.write_back(SCORES[["customer_id", "score"]], connection, table="scores").rows == 3


REGISTER = consent_register(
    pd.DataFrame({"customer_id": ["a", None, "b"], "contact": [None, "c@x.org", None],
                  "channel": ["email", None, "phone"], "given": False,
                  "time": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])})
)  # fmt: skip


def test_whoever_opted_out_is_left_out_and_told(tmp_path):
    path = tmp_path / "list.csv"
    written = crm.write_back(SCORES, path, channel="email", register=REGISTER)
    assert written.left_out.values.tolist() == [["a", "opted out on 2024-01-01"]]
    people = pd.DataFrame({"customer_id": ["c", "b", "e"], "email": ["C@x.org", "b@x.org", "e@x.org"]})
    with_people = crm.write_back(SCORES, path, channel="email", register=REGISTER, customers=people)
    assert with_people.left_out.values.tolist() == [
        ["a", "opted out on 2024-01-01"], ["c", "opted out on 2024-02-01"]
    ]  # fmt: skip
    assert pd.read_csv(path)["customer_id"].tolist() == ["b"]
    # The same by contacts that stand in the scores, under another name of the key.
    scores = SCORES.assign(email=SCORES["customer_id"] + "@X.org").rename(columns={"customer_id": "member"})
    by_member = crm.write_back(scores, path, "member", channel="email", register=REGISTER)
    assert by_member.left_out["reason"].tolist() == with_people.left_out["reason"].tolist()
    assert by_member.identifiers_left_out == ["email"]
    asked = crm.write_back(SCORES, path, channel="email", register=REGISTER, ask_first=True)
    assert asked.left_out["reason"].tolist() == ["opted out on 2024-01-01"] + 2 * ["no permission given"]
    assert crm.write_back(SCORES, path).left_out.empty


def test_where_nobody_is_refused_nobody_is_left_out(tmp_path, database):
    connection, ask = database
    for target, table in ((tmp_path / "list.csv", ""), (connection, "list")):
        out = crm.write_back(SCORES, target, table=table, channel="sms", register=REGISTER)
        assert (out.rows, out.left_out.values.tolist()) == (3, [])
        assert out.left_out.columns.tolist() == ["customer_id", "reason"]


def test_a_permission_by_one_contact_will_do_unless_there_is_a_refusal(tmp_path):
    said = pd.DataFrame(
        {"contact": ["b@x.org", "c@x.org"], "given": True, "time": pd.Timestamp("2024-01-01")}
    )
    people = pd.DataFrame({"customer_id": ["b", "c"], "email": ["b@x.org", "c@x.org"]})
    out = crm.write_back(SCORES, tmp_path / "list.csv", channel="email", customers=people, ask_first=True,
                         register=consent_register(said))  # fmt: skip
    assert out.left_out.values.tolist() == [["a", "no permission given"]]


def test_a_table_loses_those_who_opted_out_meanwhile(database):
    connection, ask = database
    crm.write_back(SCORES, connection, table="list")
    out = crm.write_back(SCORES, connection, table="list", mode="upsert", channel="email", register=REGISTER)
    assert (out.rows, len(out.left_out)) == (2, 1)
    assert ask("SELECT customer_id FROM list ORDER BY customer_id") == [("b",), ("c",)]


def test_columns_that_say_who_a_person_is_stay_here_unless_named(tmp_path):
    scores = SCORES[["customer_id"]].assign(**dict.fromkeys(sorted(IDENTIFIERS), "x"))
    path = tmp_path / "scores.csv"
    written = crm.write_back(scores, path, identifiers=["email"])
    assert path.read_text().splitlines()[0] == "customer_id,email"
    assert set(written.identifiers_left_out) == IDENTIFIERS - {"email"}
    with pytest.raises(ParameterError, match="no column 'phones'"):
        crm.write_back(scores, path, identifiers=["phones"])


def test_a_table_of_the_engine_is_written_as_a_frame_is(tmp_path):
    for scores, name in ((SCORES[["customer_id", "score"]], "a.csv"), (None, "b.csv")):
        crm.write_back(crm.as_table(SCORES[["customer_id", "score"]]) if scores is None else scores,
                       tmp_path / name)  # fmt: skip
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (
            pd.DataFrame({"customer": ["a"]}),
            "no column 'customer_id', nor an index of that name, to know customers by; they have: customer",
        ),
        (pd.DataFrame({"customer_id": ["a", None]}), "missing in 1 row, first at 1"),
        (pd.DataFrame({"customer_id": ["x", "a", "b", "a"]}), r"more than once \(2 rows, first at 1\)"),
        (pd.DataFrame({"customer_id": pd.Series([1, "a"], dtype=object)}), "text in some rows and a number"),
        (pd.DataFrame({"customer_id": ["a"], "s": [[1, 2]]}), "column s holds mixed values"),
        (pd.DataFrame({"customer_id": ["a"], "t": [pd.Timedelta(1)]}), "column t holds timedelta64"),
        (pd.DataFrame([["a", 1, 2]], columns=["customer_id", "s", "S"]), "two columns that are called 's'"),
    ],
)
def test_what_is_not_one_plain_row_per_customer_is_one_sentence(scores, said, tmp_path):
    with pytest.raises(TableError, match=said):
        crm.write_back(scores, tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("x.xlsx", {}, r"path of a .csv or .parquet file"),
        ("postgresql://crm@host/shop", {}, "an open connection"),
        (3, {}, "a connection of sqlite3, DuckDB, pg8000"),
        ("x.csv", {"mode": "append"}, "'replace' or 'upsert'"),
        ("x.csv", {"mode": "upsert"}, "for databases"),
        ("x.parquet", {"bom": True}, "for CSV files"),
        ("x.csv", {"channel": "email"}, "needs channel= and register="),
        ("x.csv", {"register": REGISTER}, "needs channel= and register="),
        ("x.csv", {"register": REGISTER, "channel": "emial"}, "did you mean 'email'"),
        ("x.csv", {"register": SCORES, "channel": "email"}, r"consent_register\(ws\.consents\) returns"),
        ("x.csv", {"as_of": "2024-13-01"}, "as_of"),
        (sqlite3.connect(":memory:"), {}, "Name the table"),
        (sqlite3.connect(":memory:"), {"table": "a.b.c"}, "Name the table"),
    ],
)
def test_wrong_calls_are_one_sentence(target, options, said, tmp_path):
    with pytest.raises(ParameterError, match=said):
        crm.write_back(SCORES, tmp_path / target if str(target)[:2] == "x." else target, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(WorkspaceError, match="cannot be written: No such file or directory"):
        crm.write_back(SCORES, tmp_path / "nowhere" / "x.csv")
    (tmp_path / "shop.db").touch()
    with (
        sqlite3.connect(f"file:{tmp_path}/shop.db?mode=ro", uri=True) as connection,
        pytest.raises(WorkspaceError, match="The table scores cannot be written: attempt to write a rea"),
    ):
        crm.write_back(SCORES, connection, table="scores")
    connection.close()
    with pytest.raises(
        WorkspaceError, match="The table scores cannot be written: Cannot operate on a closed"
    ):
        crm.write_back(SCORES, connection, table="scores")
