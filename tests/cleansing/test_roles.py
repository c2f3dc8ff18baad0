"""Which table a file is and which column is what."""

import pandas as pd
import pytest

from crmlab.cleansing.roles import match_headings, propose
from crmlab.tables import TABLES

CONTRACT = [
    (table.name, column.name, heading)
    for table in TABLES.values()
    for column in table.columns
    for heading in (column.name, *column.headings)
]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_in_the_words_of_the_contract_is_matched_to_itself(table):
    names = TABLES[table].names
    assert match_headings(pd.DataFrame(columns=names), table) == {name: name for name in names}


@pytest.mark.parametrize("table", TABLES)
def test_every_heading_of_the_contract_alone_finds_a_column_that_lists_it(table):
    for _, name, heading in (entry for entry in CONTRACT if entry[0] == table):
        found = match_headings(pd.DataFrame(columns=[heading]), table)
        assert list(found.values()) == [heading]
        (column,) = found
        assert column == name or heading in (column, *TABLES[table][column].headings)


@pytest.mark.parametrize(
    ("table", "headings", "expected"),
    [
        ("orders", ["Customer ID", "InvoiceDate", "x"],
         {"customer_id": "Customer ID", "time": "InvoiceDate"}),
        ("orders", ["CUSTOMER_NO", "order-date", "Qty", "Unit.Price", "Line Total"],
         {"customer_id": "CUSTOMER_NO", "time": "order-date", "quantity": "Qty", "unit_price": "Unit.Price",
          "amount": "Line Total"}),
        ("orders", ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
                    "Country"],
         {"order_id": "InvoiceNo", "customer_id": "CustomerID", "time": "InvoiceDate",
          "product_id": "StockCode", "quantity": "Quantity", "unit_price": "UnitPrice"}),
        ("orders", ["کد مشتری", "تاریخ خرید", "مبلغ کل", "تعداد", "شماره فاکتور"],
         {"order_id": "شماره فاکتور", "customer_id": "کد مشتری", "time": "تاریخ خرید", "quantity": "تعداد",
          "amount": "مبلغ کل"}),
        ("customers", ["نام", "نام خانوادگي", "تاريخ تولد", "تلفن\u200cهمراه", "كد ملی", "  ایمیل "],
         {"first_name": "نام", "last_name": "نام خانوادگي", "birth_date": "تاريخ تولد", "email": "  ایمیل ",
          "phone": "تلفن\u200cهمراه", "national_id": "كد ملی"}),
        ("customers", ["firstName", "lastName", "dateOfBirth", "e-mail", "zipCode"],
         {"first_name": "firstName", "last_name": "lastName", "birth_date": "dateOfBirth", "email": "e-mail",
          "postcode": "zipCode"}),
        ("customers", ["#ID:", "Given/Name"], {"customer_id": "#ID:", "first_name": "Given/Name"}),
        ("products", ["foo", "bar"], {}),
        ("products", [], {}),
        ("products", [1, 2.5, None, "SKU"], {"product_id": "SKU"}),
    ],
    ids=str,
)  # fmt: skip
def test_headings_in_english_and_persian(table, headings, expected):
    assert match_headings(pd.DataFrame(columns=pd.Index(headings, dtype=object)), table) == expected


def test_each_heading_is_used_once_and_the_best_fit_goes_first():
    found = match_headings(pd.DataFrame(columns=["amount", "total", "price", "unit_price"]), "orders")
    assert found == {"unit_price": "unit_price", "amount": "amount"}
    found = match_headings(pd.DataFrame(columns=["client", "customer id"]), "orders")
    assert found == {"customer_id": "customer id"}


NEAR_MISSES = [
    ("orders", "custmer id", "customer_id", ["7", "8"]),
    ("orders", "Customers ID", "customer_id", ["7", "8"]),
    ("orders", "invioce no", "order_id", ["7", "8"]),
    ("orders", "quantitiy", "quantity", ["7", "8"]),
    ("orders", "purchase dates", "time", ["2024-08-02", "2024-08-03"]),
    ("customers", "surnme", "last_name", ["Lee", "Doe"]),
    ("customers", "telephon", "phone", ["1", "2"]),
    ("customers", "تاریخ تولّدش", "birth_date", ["1360/01/01", "1361/02/02"]),
    ("customers", "نام خانوداگی", "last_name", ["کاظمی", "علوی"]),
]


@pytest.mark.parametrize(("table", "heading", "column", "values"), NEAR_MISSES, ids=lambda part: str(part))
def test_near_misses_are_found_only_when_they_are_asked_for(table, heading, column, values):
    frame = pd.DataFrame({heading: values})
    assert match_headings(frame, table) == {}
    assert match_headings(frame, table, close=True) == {column: heading}


def test_the_right_spelling_goes_before_a_near_miss():
    frame = pd.DataFrame({"custmer id": ["1"], "customer id": ["2"]})
    assert match_headings(frame, "orders", close=True) == {"customer_id": "customer id"}


@pytest.mark.parametrize(
    ("table", "heading", "values", "fits"),
    [
        ("orders", "date", ["2024-08-02", "2024-08-03"], True),
        ("orders", "date", ["1403/05/12", "bad", "1403/05/13"], True),
        ("orders", "date", ["02/08/2024", "03/08/2024"], True),
        ("orders", "date", ["01/31/2024", "02/28/2024", "03/30/2024"], True),
        ("orders", "date", ["2024-08-02T10:00:00Z", "2024-08-02T10:00:00+03:30"], True),
        ("orders", "date", ["red", "green"], False),
        ("orders", "total", ["1,200.50", "(3)"], True),
        ("orders", "total", ["۱٬۲۰۰", "۷"], True),
        ("orders", "total", ["red", "green", "7"], False),
        ("orders", "total", [1.5, 2.5], True),
        ("customers", "mail", ["ann@example.com", "none"], False),
        ("customers", "mail", ["ann@example.com", "bob@example.com", "none"], True),
        ("orders", "date", [None, None], True),
        ("orders", "total", ["", " "], True),
    ],
)
def test_contents_must_fit_the_heading(table, heading, values, fits):
    found = match_headings(pd.DataFrame({heading: values}), table, close=True)
    assert list(found.values()) == ([heading] if fits else [])


def propose_of(**columns: list):
    return propose(pd.DataFrame(columns))


def test_a_shop_export_is_orders():
    frame = pd.DataFrame(
        {
            "InvoiceNo": ["536365", "536366"], "StockCode": ["85123A", "71053"],
            "Description": ["HOLDER", "LANTERN"], "Quantity": ["6", "8"],
            "InvoiceDate": ["12/13/2010 8:26", "12/14/2010 8:28"], "UnitPrice": ["2.55", "3.39"],
            "CustomerID": ["17850", "13047"], "Country": ["United Kingdom", "France"],
        }
    )  # fmt: skip
    found = propose(frame)
    assert found.table == "orders"
    assert found.columns == {
        "order_id": "InvoiceNo", "customer_id": "CustomerID", "time": "InvoiceDate",
        "product_id": "StockCode", "quantity": "Quantity", "unit_price": "UnitPrice",
    }  # fmt: skip
    assert (found.unused, found.missing, found.answers) == (["Description", "Country"], [], [])


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("orders", {"کد مشتری": ["1", "2"], "تاریخ": ["1403/05/12", "1403/05/13"], "مبلغ": ["۱۲٬۵۰۰", "۷"]}),
        ("customers", {"نام": ["علی", "زهرا"], "نام خانوادگی": ["کاظمی", "علوی"], "تلفن": ["1", "2"],
                       "شهر": ["تهران", "قم"]}),
        ("customers", {"First Name": ["Ann"], "Surname": ["Lee"], "E-mail": ["a@b.co"], "Town": ["York"]}),
        ("products", {"SKU": ["a", "b"], "Title": ["A", "B"], "List price": ["1", "2"], "Stock": ["1", "2"]}),
        ("tickets", {"Ticket": ["1", "1"], "Timestamp": ["2024-08-02", "2024-08-03"],
                     "Status": ["open", "closed"], "Priority": ["1", "2"]}),
        ("opportunities", {"opportunity_id": ["1"], "deal stage": ["Won"], "close value": ["5"],
                           "engage date": ["2024-08-02"]}),
        ("surveys", {"response": ["1"], "measure": ["nps"], "rating": ["9"], "scale min": ["0"],
                     "scale max": ["10"]}),
        ("campaign_events", {"campaign": ["1"], "customer": ["7"], "event": ["sent"], "variant": ["A"]}),
        ("consents", {"customer": ["7"], "opt in": ["yes"], "date": ["2024-08-02"], "channel": ["email"]}),
        ("leads", {"submitted at": ["2024-08-02"], "full name": ["Ann Lee"], "interest": ["x"],
                   "message": ["hello"], "lead status": ["new"]}),
        ("staff", {"staff": ["1"], "full name": ["Ann"], "position": ["x"], "office": ["York"]}),
    ],
)  # fmt: skip
def test_small_files_of_every_kind(table, columns):
    found = propose_of(**columns)
    assert found.table == table
    assert (found.unused, found.missing) == ([], [])


@pytest.mark.parametrize("table", TABLES)
def test_headings_of_the_contract_propose_its_table(table):
    assert propose(pd.DataFrame(columns=TABLES[table].names), f"{table}.csv").table == table


def test_near_misses_are_proposed():
    found = propose_of(**{"custmer id": ["1"], "invoce date": ["2024-08-02"], "totl": ["5"], "total": ["5"]})
    assert found.table == "orders"
    assert found.columns == {"customer_id": "custmer id", "time": "invoce date", "amount": "total"}
    assert found.unused == ["totl"]


@pytest.mark.parametrize(
    "digits", [str.maketrans({}), str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")], ids=["ascii", "persian"]
)
@pytest.mark.parametrize("top", [5, 7, 10])
def test_a_wide_survey_has_one_column_per_question(top, digits):
    answers = [str(score).translate(digits) for score in (1, 2, 3, 4, top)]
    frame = pd.DataFrame(
        {
            "response": ["a", "b", "c", "d", "e"],
            "date": ["1403/05/12"] * 5,
            "How easy was it?": answers,
            "How quick was it?": answers[::-1],
            "از خدمات راضی بودید؟": [answers[0], None, answers[2], answers[3], answers[4]],
            "remark": ["fine", None, "", "bad", "good"],
        }
    )
    found = propose(frame)
    assert found.table == "surveys"
    assert found.answers == ["How easy was it?", "How quick was it?", "از خدمات راضی بودید؟"]
    assert found.columns == {"response_id": "response", "time": "date", "comment": "remark"}
    assert (found.unused, found.missing) == ([], [])


@pytest.mark.parametrize(
    "values",
    [["1", "1", "1"], ["1", "2", "1"], ["1", "2", "3"], ["11", "5", "7"], ["1.5", "2", "5"], ["-1", "2", "5"],
     ["a", "b", "c"], [None, None, None]],
    ids=str,
)  # fmt: skip
def test_columns_that_are_no_ratings(values):
    frame = pd.DataFrame({"q1": values, "q2": values, "q3": values})
    assert propose(frame).answers == []


@pytest.mark.parametrize(
    "columns",
    [
        {"foo": ["1"], "bar": ["2"]},
        {"temperature": ["20.5"], "humidity": ["0.4"], "sensor": ["a"]},
        {"column 1": ["x"]},
        {},
    ],
    ids=["words", "weather", "one column", "nothing"],
)
def test_a_file_that_is_none_of_the_tables(columns):
    found = propose_of(**columns)
    assert (found.table, found.columns, found.answers) == ("", {}, [])
    assert found.unused == list(columns)


def test_what_is_missing_is_said():
    found = propose_of(**{"customer id": ["1"], "total": ["5"], "quantity": ["1"]})
    assert found.table == "orders"
    assert found.missing == ["time"]


def test_the_name_of_the_file_decides_between_tables_that_fit_alike():
    frame = pd.DataFrame({"email": ["ann@example.com"], "phone": ["1"], "date": ["2024-08-02"]})
    assert propose(frame).table == propose(frame, "Leads 2024.csv").table == "leads"
    assert propose(frame, "customers.csv").table == propose(frame, "CustomerList").table == "customers"


def test_the_frame_is_not_changed():
    frame = pd.DataFrame({"customer id": ["1"], "date": ["2024-08-02"], "total": ["5"]})
    before = frame.copy()
    propose(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_a_column_that_numbers_the_rows_is_the_number_of_customers():
    people = pd.DataFrame({"rec_id": ["r1", "r2", "r3"], "cluster": ["7", "7", "8"],
                           "surname": ["Li", "Li", "Ray"],
                           "email": ["a@b.com", "b@b.com", "c@b.com"]})  # fmt: skip
    assert propose(people).columns["customer_id"] == "rec_id"
    assert "customer_id" not in propose(people.assign(rec_id=["r1", "r1", "r3"])).columns
    assert "customer_id" not in propose(people.assign(rec_id=["r1", None, "r3"])).columns
    assert "customer_id" not in propose(people.rename(columns={"rec_id": "notes"})).columns
