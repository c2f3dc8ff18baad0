"""Databases: SQLite, and a PostgreSQL server that the test starts itself."""

import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import crmlab as crm
from crmlab.cleansing import consent_register
from crmlab.errors import SourceError, TableError, WorkspaceError
from crmlab.loaders.databases import database_file, read_database

PASSWORD = "s3cret-word"


def values(frame: pd.DataFrame) -> list[list]:
    """Rows with None for what is missing."""
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.astype("object").to_numpy()]


def types(frame: pd.DataFrame) -> list[str]:
    return frame.dtypes.astype("str").tolist()


def sentence(url: str, query: str = "t") -> str:
    """What is said of a database that cannot be read: one line, and no password."""
    with pytest.raises(SourceError) as error:
        read_database(url, query)
    said = str(error.value)
    assert "\n" not in said
    assert PASSWORD not in said
    return said


# SQLite


@pytest.fixture
def shop(tmp_path) -> Path:
    """An SQLite database with a table `t` and some with odd names."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript('''
        CREATE TABLE t (id INTEGER, name TEXT, amount REAL, day TEXT, photo BLOB, mixed);
        INSERT INTO t VALUES
            (4611686018427387905, 'علی', 12.5, '2024-08-02', x'ff00', 1),
            (NULL, NULL, NULL, NULL, NULL, NULL),
            (3, 'O''Neil', 2, '1403/05/12', 'text', 'x');
        CREATE TABLE "order" (a); INSERT INTO "order" VALUES ('order');
        CREATE TABLE "order lines" (a); INSERT INTO "order lines" VALUES ('lines');
        CREATE TABLE "سفارش ها" (a); INSERT INTO "سفارش ها" VALUES ('fa');
        CREATE TABLE "a.b" (a); INSERT INTO "a.b" VALUES ('dot');
        CREATE TABLE "5""" (a); INSERT INTO "5""" VALUES ('quote');
        CREATE TABLE "select" (a); INSERT INTO "select" VALUES ('word');
        CREATE VIEW seen AS SELECT name FROM t;
        CREATE TABLE empty (a INTEGER, b TEXT);
    ''')
    connection.commit()
    connection.close()
    return path


def test_a_table_of_sqlite_with_gaps_long_numbers_and_bytes(shop):
    found = read_database(f"sqlite:///{shop}", "t")
    assert values(found.frame) == [
        [4611686018427387905, "علی", 12.5, "2024-08-02", "ff00", "1"],
        [None, None, None, None, None, None],
        [3, "O'Neil", 2.0, "1403/05/12", "text", "x"],
    ]
    assert types(found.frame) == ["Int64", "str", "float64", "str", "str", "str"]
    assert found.rows.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("order", "order"), ("order lines", "lines"), ("سفارش ها", "fa"), ("a.b", "dot"), ('5"', "quote"),
        ("select", "word"), (" order ", "order"), ("main.order", "order"),
    ],
)  # fmt: skip
def test_the_name_of_a_table_is_quoted(shop, name, cell):
    assert values(read_database(f"sqlite:///{shop}", name).frame) == [[cell]]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT id FROM t WHERE id = 3", [[3]]),
        ("select\tid\nfrom\tt\nwhere id=3", [[3]]),
        ("WITH x AS (SELECT 1 AS a) SELECT a FROM x", [[1]]),
        ("VALUES (1, 'x')", [[1, "x"]]),
        ("-- all of them\nSELECT count(*) FROM t", [[3]]),
        ("SELECT ':name', '10:30', 'a\\:b', '50%', '%(x)s'", [[":name", "10:30", "a\\:b", "50%", "%(x)s"]]),
        ("SELECT name FROM t WHERE name LIKE '%Neil'", [["O'Neil"]]),
        ("SELECT 1, 1", [[1, 1]]),
        ("SELECT 9e999", [[float("inf")]]),
    ],
)
def test_a_query_is_sent_as_it_stands(shop, query, rows):
    found = read_database(f"sqlite:///{shop}", query).frame
    assert values(found) == rows
    assert found.columns.is_unique


def test_a_view_and_an_empty_table(shop):
    assert len(read_database(f"sqlite:///{shop}", "seen").frame) == 3
    found = read_database(f"sqlite:///{shop}", "empty").frame
    assert found.columns.tolist() == ["a", "b"]
    assert types(found) == ["str", "str"]
    assert len(found) == 0


def test_a_relative_file_starts_from_the_given_folder_and_an_absolute_one_does_not(
    shop, tmp_path, monkeypatch
):
    monkeypatch.chdir("/")
    for url, folder in (("sqlite:///shop.db", tmp_path), (f"sqlite:///{shop}", "/elsewhere"),
                        ("sqlite+pysqlite:///shop.db", tmp_path)):  # fmt: skip
        assert values(read_database(url, "order", folder).frame) == [["order"]]
        assert database_file(url, folder) == shop
    monkeypatch.chdir(tmp_path)
    assert values(read_database("sqlite:///shop.db", "order").frame) == [["order"]]


def test_a_database_that_is_not_a_file_has_none():
    assert database_file("sqlite://", "/x") is None
    assert database_file("postgresql://host/shop", "/x") is None
    assert values(read_database("sqlite://", "SELECT 1").frame) == [[1]]


def test_a_missing_file_is_not_created(tmp_path):
    assert sentence(f"sqlite:///{tmp_path}/none.db") == f"There is no SQLite database {tmp_path}/none.db."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("nothing", "cannot be read: no such table: nothing."),
        ("SELECT x FROM t", "cannot be read: no such column: x."),
        ("SELECT FROM t", 'cannot be read: near "FROM": syntax error.'),
        ("EXPLAIN nonsense", 'cannot be read: near "nonsense": syntax error.'),
    ],
)
def test_a_bad_query_is_one_sentence(shop, query, said):
    assert sentence(f"sqlite:///{shop}", query) == f"sqlite:///{shop} {said}"


@pytest.mark.parametrize("query", ["", "  "])
def test_no_query_is_one_sentence(shop, query):
    assert sentence(f"sqlite:///{shop}", query) == (
        f"Say what to read from sqlite:///{shop}: query is a SELECT statement or a table's name."
    )


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE t",
        "DELETE FROM t",
        "CREATE TABLE new (a)",
        "UPDATE t SET id = 1",
        "INSERT INTO empty VALUES (1, 2)",
    ],
)
def test_a_query_cannot_change_the_database(shop, query):
    before = shop.read_bytes()
    said = sentence(f"sqlite:///{shop}", query)
    assert said == f"sqlite:///{shop} cannot be read: attempt to write a readonly database."
    assert shop.read_bytes() == before
    assert [path.name for path in shop.parent.iterdir()] == ["shop.db"]


def test_a_statement_without_rows_is_one_sentence(shop):
    assert sentence(f"sqlite:///{shop}", "BEGIN TRANSACTION") == (
        f"The query on sqlite:///{shop} gives no rows; it is to be a SELECT statement."
    )


def test_what_is_no_database_is_one_sentence(tmp_path):
    (tmp_path / "text.db").write_text("a,b\n" * 1000)
    said = sentence(f"sqlite:///{tmp_path}/text.db")
    assert said == f"sqlite:///{tmp_path}/text.db cannot be read: file is not a database."
    assert sentence(f"sqlite:///{tmp_path}").endswith("cannot be read: unable to open database file.")


# URLs


@pytest.mark.parametrize(
    "url", ["shop.db", f"crm:{PASSWORD}@host/shop", f"postgresql://crm:{PASSWORD}@host:port/shop", "", "://"]
)
def test_a_wrong_url_is_one_sentence(url):
    assert sentence(url) == "The database URL is not of the form dialect://user:password@host:port/database."


def test_a_password_with_an_at_sign_is_not_shown_as_the_host():
    said = sentence("postgresql+pg8000://crm:half@s3cret-word@127.0.0.1:1/shop")
    assert said == "The password in the database URL holds an @; write it as %40."


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        ("mysql", "No driver for 'mysql' is installed (No module named 'MySQLdb'); install one with pip."),
        ("nonsense", "No driver for 'nonsense' is installed (Can't load plugin: "),
        ("postgresql+psycopg2", "No driver for 'postgresql' is installed (No module named 'psycopg2'); pip "),
    ],
)
def test_a_missing_driver_is_one_sentence(dialect, said):
    assert sentence(f"{dialect}://crm:{PASSWORD}@host/shop").startswith(said)


def test_postgresql_without_its_driver_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pg8000", None)
    said = sentence(f"postgresql://crm:{PASSWORD}@host/shop")
    assert said.startswith("No driver for 'postgresql' is installed (")
    assert said.endswith("; pip install 'crmlab[postgres]'.")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+pg8000"])
def test_no_server_is_one_sentence(scheme):
    said = sentence(f"{scheme}://crm:{PASSWORD}@127.0.0.1:1/shop?application_name={PASSWORD}")
    assert said.startswith("postgresql+pg8000://crm:***@127.0.0.1:1/shop cannot be read: ")


# PostgreSQL


def find_server() -> Path | None:
    """Folder of PostgreSQL's programs, as packages install them."""
    named = shutil.which("initdb")
    folders = [Path(named).resolve().parent] if named else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a PostgreSQL server of our own, on the loopback only, gone after the tests."""
    programs = find_server()
    if programs is None:
        pytest.skip("no PostgreSQL server; install one with: apt-get install postgresql")
    who = {}
    folder = Path(tempfile.mkdtemp(prefix="crmlab-postgres-"))
    (folder / "password").write_text(PASSWORD)
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        nobody = pwd.getpwnam("nobody")
        who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for path in (folder, folder / "password"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    options = ["--username=crm", f"--pwfile={folder}/password", "--auth=scram-sha-256", "--encoding=UTF8",
               "--no-locale", "--no-sync"]  # fmt: skip
    made = subprocess.run(
        [programs / "initdb", *options, folder / "data"], cwd=folder, capture_output=True, text=True, **who
    )
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [programs / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-F"]
    command += ["-k", folder]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **who)
    try:
        yield _fill(f"postgresql+pg8000://crm:{PASSWORD}@127.0.0.1:{port}/postgres", process, folder / "log")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        shutil.rmtree(folder)


def _fill(url: str, process: subprocess.Popen, log: Path) -> str:
    """Wait for the server and give it its tables."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            connection = engine.connect()
            break
        except sqlalchemy.exc.SQLAlchemyError:
            time.sleep(0.1)
    for statement in (
        """CREATE TABLE orders (id bigint, name text, amount numeric(12, 2), ordered timestamp,
           sent timestamptz, paid boolean, day date, photo bytea, form jsonb, key uuid)""",
        """INSERT INTO orders VALUES
           (9007199254740993, 'علی\u200cرضا کریمی', 12.50, '2024-08-02 12:30:05.25',
            '2024-08-02 12:30+03:30', true, '2024-08-02', '\\xff00', '{"a": 1}',
            '00000000-0000-0000-0000-000000000001'),
           (2, 'Müller', -0.10, '2024-01-01', '2024-01-01 00:00+00', false, '1999-12-31', 'abc', 'null',
            NULL),
           (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
        "CREATE SCHEMA sales",
        'CREATE TABLE sales."Order Lines" (a int)',
        "CREATE TABLE sales.lines (a int)",
        "INSERT INTO sales.lines VALUES (7)",
        'CREATE TABLE "order" (a int)',
    ):
        connection.exec_driver_sql(statement)
    connection.commit()
    connection.close()
    engine.dispose()
    return url


def test_a_table_of_postgresql(server):
    frame = read_database(server, "orders").frame
    assert dict(zip(frame.columns, types(frame), strict=True)) == {
        "id": "Int64", "name": "str", "amount": "str", "ordered": "datetime64[us]",
        "sent": "datetime64[us, UTC]", "paid": "boolean", "day": "datetime64[us]", "photo": "str",
        "form": "str", "key": "str",
    }  # fmt: skip
    assert values(frame) == [
        [
            9007199254740993, "علی\u200cرضا کریمی", "12.50", pd.Timestamp("2024-08-02 12:30:05.25"),
            pd.Timestamp("2024-08-02 09:00", tz="UTC"), True, pd.Timestamp("2024-08-02"), "ff00", '{"a": 1}',
            "00000000-0000-0000-0000-000000000001",
        ],
        [
            2, "Müller", "-0.10", pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01", tz="UTC"), False,
            pd.Timestamp("1999-12-31"), "abc", None, None,
        ],
        [None] * 10,
    ]  # fmt: skip


def test_a_plain_url_takes_the_driver_of_the_extra(server):
    assert values(read_database(server.replace("+pg8000", ""), "sales.lines").frame) == [[7]]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT name FROM orders WHERE name LIKE '%کریمی%'", [["علی\u200cرضا کریمی"]]),
        ("SELECT '12:30'::text, 7 % 4, ':id', 1::int", [["12:30", 3, ":id", 1]]),
        ("SELECT sum(amount) FROM orders", [["12.40"]]),
        ("order", []),
        ('SELECT * FROM sales."Order Lines"', []),
    ],
)
def test_a_query_on_postgresql_is_sent_as_it_stands(server, query, rows):
    assert values(read_database(server, query).frame) == rows


@pytest.mark.parametrize(
    ("change", "query", "said"),
    [
        (None, "nothing", 'relation "nothing" does not exist.'),
        (None, "SELECT FROM FROM orders", 'syntax error at or near "FROM".'),
        (("s3cret", "s3cret-word-not"), "orders", 'password authentication failed for user "crm".'),
        (("crm:", "eve:"), "orders", 'password authentication failed for user "eve".'),
        (("/postgres", "/nothing"), "orders", 'database "nothing" does not exist.'),
        (("/postgres", "/postgres?nonsense=s3cret-word"), "orders",
         "connect() got an unexpected keyword argument 'nonsense'."),
    ],
)  # fmt: skip
def test_what_the_server_says_is_one_sentence(server, change, query, said):
    url = server
    if change:
        scheme, rest = server.split("//")
        url = f"{scheme}//{rest.replace(*change)}"
    assert sentence(url, query).endswith(f" cannot be read: {said}")


@pytest.mark.parametrize("query", ["DELETE FROM orders", "DROP TABLE orders", "TRUNCATE orders"])
def test_a_query_cannot_change_the_server(server, query):
    assert sentence(server, query).endswith(" gives no rows; it is to be a SELECT statement.")
    assert len(read_database(server, "orders").frame) == 3


# Back into PostgreSQL


@pytest.fixture
def connection(server):
    from urllib.parse import urlsplit

    import pg8000

    url = urlsplit(server)
    opened = pg8000.connect(url.username, url.hostname, "postgres", url.port, url.password)
    yield opened
    opened.close()


def test_scores_are_written_back_replaced_and_upserted(server, connection):
    scores = pd.DataFrame(
        {"score %": [0.5, None], "customer_id": ["b", "a"], "active": [True, False],
         "seen": pd.to_datetime(["2024-05-01 12:30", None]), "segment": pd.Categorical(["وفادار", None])}
    )  # fmt: skip
    for autocommit in (False, True):
        connection.autocommit = autocommit
        assert crm.write_back(scores, connection, table="sales.scores", as_of="2024-12-31").rows == 2
        found = read_database(server, "SELECT * FROM sales.scores").frame
        assert values(found) == [
            ["a", None, 0, None, None, pd.Timestamp("2024-12-31")],
            ["b", 0.5, 1, pd.Timestamp("2024-05-01 12:30"), "وفادار", pd.Timestamp("2024-12-31")],
        ]
    new = pd.DataFrame({"customer_id": ["b", "c"], "score %": [0.75, 1.0]})
    said = consent_register(pd.DataFrame({"customer_id": ["a"], "given": [False], "time": pd.Timestamp(0)}))
    old = pd.DataFrame({"customer_id": ["a"], "score %": [0.1]})
    out = crm.write_back(pd.concat([new, old]), connection, table="sales.scores", mode="upsert",
                         channel="email", register=said)  # fmt: skip
    assert out.left_out["customer_id"].tolist() == ["a"]
    found = read_database(server, 'SELECT customer_id, "score %", active FROM sales.scores').frame
    assert values(found) == [["b", 0.75, 1], ["c", 1.0, None]]


def test_what_cannot_be_written_back_leaves_the_table_as_it_was(server, connection):
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE few (customer_id text, score double precision CHECK (score < 1))")
    cursor.execute("INSERT INTO few VALUES ('Ann Lee', 0.5)")
    connection.commit()
    for mode in ("replace", "upsert"):
        with pytest.raises(WorkspaceError, match="The table few cannot be written: ") as said:
            crm.write_back(pd.Series({"Bob Ray": 2.0}, name="score").rename_axis("customer_id"), connection,
                           table="few", mode=mode)  # fmt: skip
        assert "Bob" not in str(said.value)
        assert values(read_database(server, "few").frame) == [["Ann Lee", 0.5]]
    with pytest.raises(TableError, match="other columns"):
        crm.write_back(pd.DataFrame({"customer_id": ["a"]}), connection, table="few")
