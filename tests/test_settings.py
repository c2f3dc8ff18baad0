"""crmlab.toml: every entry, and one sentence for each mistake in it."""

import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from crmlab.errors import WorkspaceError
from crmlab.rules import Rule
from crmlab.settings import FILE, NEEDED, Settings, Source, read_settings

SOURCE = '[[source]]\ntable = "orders"\nfile = "orders.csv"\n'


def read(folder: Path, text: str) -> Settings:
    (folder / FILE).write_text(text, encoding="utf-8")
    return read_settings(folder)


def sentence(folder: Path, text: str) -> str:
    """What is said of a wrong file, without its path."""
    with pytest.raises(WorkspaceError) as error:
        read(folder, text)
    said = str(error.value)
    assert said.startswith(f"{folder / FILE}")
    assert "\n" not in said
    return said.removeprefix(f"{folder / FILE}").removeprefix(": ").strip()


ENTRIES = """
[workspace]
name = "فروشگاه"
language = "fa"
currency = "IRR"
decimals = 0
time_zone = "Asia/Tehran"
phone_region = "IR"
day_first = true
decimal = ","
missing = ["نامعلوم", 999]

[engine]
memory = "1GB"
threads = 2

[duplicates]
customers = "merge"
match_probability = 0.9

[reference]
places = "lists/divisions"
national_id_prefixes = "lists/prefixes.csv"
names = "lists/names.csv"
enrich = ["province", "age"]
as_of = "2024-08-02"

[[source]]
table = "customers"
file = "مشتریان.xlsx"
format = "excel"
encoding = "utf-8"
delimiter = ";"
header = false
sheet = 1
duplicates = "keep"

[source.columns]
customer_id = "کد مشتری"

[source.constants]
channel = "web"

[source.missing]
city = ["-", 0]

[[source]]
table = "surveys"
url = "postgresql://crm@host/shop"
query = "SELECT * FROM answers"
sheet = "دوم"

[source.answers]
"کیفیت" = "فروشگاه"

[[source]]
dataset = "cdnow"

[[rule]]
name = "child"
table = "surveys"
level = "error"
when = "years(customers.birth_date, time) < 18"
check = "score <= 5"

[[rule]]
table = "customers"
unique = ["email"]

[[rule]]
table = "surveys"
changes = {column = "department", of = "customer_id", at_most = 2, days = 365}
"""


def test_every_entry_is_read(tmp_path):
    found = read(tmp_path, ENTRIES)
    assert found == Settings(
        name="فروشگاه", language="fa", currency="IRR", decimals=0, time_zone="Asia/Tehran", phone_region="IR",
        day_first=True, decimal=",", missing=["نامعلوم", 999], memory="1GB", threads=2, customers="merge",
        match_probability=0.9, places="lists/divisions", national_id_prefixes="lists/prefixes.csv",
        names="lists/names.csv", enrich=["province", "age"], as_of="2024-08-02",
        sources=(
            Source(
                table="customers", file="مشتریان.xlsx", format="excel", encoding="utf-8", delimiter=";",
                header=False, sheet=1, duplicates="keep", columns={"customer_id": "کد مشتری"},
                constants={"channel": "web"}, missing={"city": ["-", 0]},
            ),
            Source(
                table="surveys", url="postgresql://crm@host/shop", query="SELECT * FROM answers", sheet="دوم",
                answers={"کیفیت": "فروشگاه"},
            ),
            Source(dataset="cdnow"),
        ),
        rules=(
            Rule(table="surveys", name="child", level="error",
                 when="years(customers.birth_date, time) < 18", check="score <= 5"),
            Rule(table="customers", unique=["email"]),
            Rule(table="surveys",
                 changes={"column": "department", "of": "customer_id", "at_most": 2, "days": 365}),
        ),
    )  # fmt: skip


def test_the_example_above_leaves_no_entry_out(tmp_path):
    found = read(tmp_path, ENTRIES)
    assert all(
        asdict(found)[f.name] != f.default for f in fields(Settings) if f.name not in ("phone_region",)
    )
    for f in fields(Rule):
        assert any(getattr(rule, f.name) not in (f.default, [], {}) for rule in found.rules), f.name
    for f in fields(Source):
        assert any(getattr(source, f.name) not in (f.default, {}) for source in found.sources), f.name


@pytest.mark.parametrize(
    "text", ["", SOURCE, "[workspace]\n[engine]\n" + SOURCE, '[workspace]\ntime_zone = ""\n']
)
def test_what_is_not_said_has_a_default(tmp_path, text):
    found = read(tmp_path, text)
    assert (found.language, found.currency, found.memory, found.time_zone) == ("en", "EUR", "2GB", "")
    assert [source.duplicates for source in found.sources] == ["merge"] * text.count("[[source]]")


@pytest.mark.parametrize(
    ("source", "label"),
    [
        (Source(file="a/b.csv"), "a/b.csv"),
        (Source(dataset="cdnow"), "cdnow"),
        (Source(dataset="cdnow", file="copy.txt"), "copy.txt"),
        (
            Source(url="postgresql+pg8000://crm:s3cret@host/shop?password=s3cret", query="orders"),
            "postgresql+pg8000: orders",
        ),
    ],
)
def test_the_label_of_a_source_shows_no_password(source, label):
    assert source.label == label


def test_a_file_saved_with_a_mark_is_read(tmp_path):
    (tmp_path / FILE).write_text("\ufeff" + SOURCE, encoding="utf-8")
    assert len(read_settings(tmp_path).sources) == 1


# Mistakes


@pytest.mark.parametrize("folder", ["", "none", "file/below"])
def test_a_folder_without_the_file_is_no_workspace(tmp_path, folder):
    (tmp_path / "file").touch()
    path = tmp_path / folder
    with pytest.raises(WorkspaceError) as error:
        read_settings(path)
    assert str(error.value) == (
        f"{path} is not a workspace: it has no crmlab.toml. Make one from your files with "
        f"`crmlab init {path} FILE...`, or a sample with `crmlab data sample {path}`."
    )


def test_a_folder_in_place_of_the_file_is_one_sentence(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(WorkspaceError, match=r"crmlab\.toml cannot be read: Is a directory\.$"):
        read_settings(tmp_path)


def test_bad_toml_is_one_sentence_with_its_line(tmp_path):
    assert sentence(tmp_path, '[workspace]\nname = "shop\n') == (
        "is not valid TOML: Illegal character '\\n' (at line 2, column 13)."
    )
    assert sentence(tmp_path, "[workspace]\na = 1\na = 2\n").startswith("is not valid TOML: ")


def test_a_file_that_is_not_utf8_is_one_sentence(tmp_path):
    (tmp_path / FILE).write_bytes('[workspace]\nname = "Müller"\n'.encode("cp1252"))
    with pytest.raises(WorkspaceError, match=r"crmlab\.toml is not UTF-8 text; save it as UTF-8\.$"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[workspce]\n",
            "unknown part [workspce]; did you mean 'workspace'? "
            "Known: duplicates, engine, reference, rule, source, workspace.",
        ),
        (
            "currency = 'EUR'\n",
            "unknown part [currency]. Known: duplicates, engine, reference, rule, source, workspace.",
        ),
        (
            "[workspace]\ncurency = 'EUR'\n",
            "[workspace] has no entry 'curency'; did you mean 'currency'? Known: ",
        ),
        (
            "[engine]\nthread = 2\n",
            "[engine] has no entry 'thread'; did you mean 'threads'? Known: memory, threads.",
        ),
        ("[workspace]\nthreads = 2\n", "[workspace] has no entry 'threads'. Known: currency, "),
        ("[engine]\nname = 'x'\n", "[engine] has no entry 'name'. Known: memory, threads."),
        (
            SOURCE + "delimeter = ';'\n",
            "[[source]] has no entry 'delimeter'; did you mean 'delimiter'? Known: ",
        ),
        (
            SOURCE + "[source.column]\na = 'b'\n",
            "[[source]] has no entry 'column'; did you mean 'columns'? Known: ",
        ),
        (
            SOURCE.replace("orders", "oders"),
            "the source 'oders.csv' needs the table it feeds, not 'oders'; did you mean 'orders'? Known: ",
        ),
    ],
)
def test_an_unknown_name_suggests_the_nearest(tmp_path, text, said):
    assert sentence(tmp_path, text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[workspace]\nname = 5\n", "name in [workspace] is to be text."),
        ("[workspace]\ndecimals = true\n", "decimals in [workspace] is to be a whole number."),
        ("[workspace]\ndecimals = 2.0\n", "decimals in [workspace] is to be a whole number."),
        ("[workspace]\nday_first = 1\n", "day_first in [workspace] is to be true or false."),
        ("[workspace]\nday_first = 'true'\n", "day_first in [workspace] is to be true or false."),
        ("[workspace]\nmissing = 'x'\n", "missing in [workspace] is to be a list."),
        ("[workspace]\nname = 2024-08-02\n", "name in [workspace] is to be text."),
        ("[engine]\nmemory = 2\n", "memory in [engine] is to be text."),
        ("[engine]\nthreads = '2'\n", "threads in [engine] is to be a whole number."),
        ("[engine]\nthreads = false\n", "threads in [engine] is to be a whole number."),
        (SOURCE + "header = 1\n", "header in [[source]] is to be true or false."),
        (SOURCE + "sheet = true\n", "sheet in [[source]] is to be text or a whole number."),
        (SOURCE + "sheet = 1.5\n", "sheet in [[source]] is to be text or a whole number."),
        (SOURCE + "columns = 'a'\n", "columns in [[source]] is to be a table."),
        (SOURCE + "columns = ['a']\n", "columns in [[source]] is to be a table."),
        (
            SOURCE + "[source.columns]\ntime = ['a']\n",
            "the source 'orders.csv': time in [source.columns] is to be one value.",
        ),
        (
            SOURCE + "[source.constants]\nchannel = ['web']\n",
            "the source 'orders.csv': channel in [source.constants] is to be one value.",
        ),
        (
            SOURCE + "[source.answers]\nq = {a = 1}\n",
            "the source 'orders.csv': q in [source.answers] is to be one value.",
        ),
        ("workspace = 5\n", "workspace is a part that begins with [workspace], in one pair of brackets."),
        ("[[workspace]]\n", "workspace is a part that begins with [workspace], in one pair of brackets."),
        ("[[engine]]\n", "engine is a part that begins with [engine], in one pair of brackets."),
        (
            SOURCE.replace("[[source]]", "[source]"),
            "each source begins with [[source]], in two pairs of brackets.",
        ),
        ("source = ['a']\n", "each source begins with [[source]], in two pairs of brackets."),
    ],
)
def test_a_wrong_type_is_one_sentence(tmp_path, text, said):
    assert sentence(tmp_path, text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[workspace]\nlanguage = 'de'\n", "language in [workspace] is to be one of en, fa, not 'de'."),
        (
            "[workspace]\ncurrency = 'Euro'\n",
            "currency in [workspace] is to be an ISO code of three letters such as EUR, not 'Euro'.",
        ),
        (
            "[workspace]\ncurrency = '€'\n",
            "currency in [workspace] is to be an ISO code of three letters such as EUR, not '€'.",
        ),
        ("[workspace]\ndecimals = -1\n", "decimals in [workspace] is to be a number from 0 to 6, not -1."),
        ("[workspace]\ndecimal = ';'\n", "decimal in [workspace] is to be '.' or ',', not ';'."),
        (
            "[workspace]\nphone_region = 'Iran'\n",
            "phone_region in [workspace] is to be an ISO code of two letters such as IR, not 'Iran'.",
        ),
        (
            "[workspace]\ntime_zone = 'Tehran'\n",
            "there is no time zone 'Tehran'; did you mean 'Asia/Tehran'?",
        ),
        (
            "[workspace]\ntime_zone = 'Asia'\n",
            "there is no time zone 'Asia'; write it as 'Europe/London' or 'Asia/Tehran'.",
        ),
        (
            "[workspace]\ntime_zone = '../UTC'\n",
            "there is no time zone '../UTC'; write it as 'Europe/London' or 'Asia/Tehran'.",
        ),
        (
            "[workspace]\ntime_zone = '+03:30'\n",
            "there is no time zone '+03:30'; write it as 'Europe/London' or 'Asia/Tehran'.",
        ),
        ("[engine]\nthreads = 0\n", "threads in [engine] is to be a number from 1, not 0."),
        (
            SOURCE + "duplicates = 'drop'\n",
            "duplicates in [[source]] is to be 'merge' or 'keep', not 'drop'.",
        ),
        (
            "[[source]]\ntable = 'orders'\n",
            "the source '(without a name)' needs one of file, url or dataset.",
        ),
        ("[[source]]\nfile = 'a.csv'\n", "the source 'a.csv' needs the table it feeds, not ''. Known: "),
        (
            "[[source]]\ntable = 'orders'\nurl = 'sqlite:///a.db'\n",
            "the source 'sqlite: ' needs a query: a SELECT statement or a table's name.",
        ),
    ],
)
def test_an_impossible_value_is_one_sentence(tmp_path, text, said):
    assert sentence(tmp_path, text).startswith(said)


SCALE = "[[source]]\ntable = 'surveys'\nfile = 's.csv'\n[source.constants]\nmetric = {}\n{}"


@pytest.mark.parametrize(
    ("metric", "low", "high", "said"),
    [
        ("'csat'", "5", "1", "scale_low in [source.constants] is to be below scale_high, not 5 and 1."),
        ("'item'", "'5'", "5.0", "scale_low in [source.constants] is to be below scale_high, not 5 and 5."),
        ("'csat'", "1", "'five'", "scale_high in [source.constants] is to be a number, not 'five'."),
        *(
            (metric, "1", "5",
             "the metric nps in [source.constants] is defined on eleven steps, 0 to 10 or coded 1 to 11, not "
             "on 1 to 5; give questions on other scales the metric csat or item.")
            for metric in ("'nps'", "'NPS'", "'Net Promoter Score'")
        ),
        ("'csat'", "0", "100",
         "the metric csat in [source.constants] counts the top boxes of up to eleven steps, not of 0 to 100; "
         "give these questions the metric item."),
    ],
)  # fmt: skip
def test_an_impossible_scale_is_one_sentence(tmp_path, metric, low, high, said):
    text = SCALE.format(metric, f"scale_low = {low}\nscale_high = {high}\n")
    assert sentence(tmp_path, text) == f"the source 's.csv': {said}"


@pytest.mark.parametrize(
    ("metric", "ends"),
    [("'nps'", "scale_low = 0\nscale_high = 10\n"), ("'nps'", "scale_low = '۱'\nscale_high = 11\n"),
     ("'csat'", "scale_low = 0\nscale_high = 1\n"), ("'nps'", "scale_high = 10\n"), ("'nps'", "")],
)  # fmt: skip
def test_a_possible_scale_is_read(tmp_path, metric, ends):
    assert read(tmp_path, SCALE.format(metric, ends)).sources[0].table == "surveys"


RULE = SOURCE + '[[rule]]\ntable = "orders"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RULE, "a rule of orders: it needs one of check, unique and changes."),
        (RULE + "chek = 'a > 1'\n", "[[rule]] has no entry 'chek'; did you mean 'check'? Known: "),
        (RULE + "check = 5\n", "check in [[rule]] is to be text."),
        (RULE + "unique = 'order_id'\n", "unique in [[rule]] is to be a list."),
        (RULE + "changes = 2\n", "changes in [[rule]] is to be a table."),
        (RULE + "level = 'fatal'\n", "level in [[rule]] is to be one of warn, error, stop, not 'fatal'."),
        (
            RULE.replace("orders", "oders").replace("oders", "orders", 2) + "check = 'quantity > 0'\n",
            "a rule of oders: it needs the table it is for, not 'oders'; did you mean 'orders'? Known: ",
        ),
        (
            RULE + "name = 'small'\ncheck = 'amout < 5'\n",
            "the rule 'small': 'amout < 5': orders has no column 'amout'; did you mean 'amount'? Known: ",
        ),
        (
            RULE + "check = 'amount below 5'\n",
            "a rule of orders: 'amount below 5': 'below' is not an operator. Known: ",
        ),
        (
            RULE + "check = \"time < '2024-01-01'\"\n",
            "a rule of orders: \"time < '2024-01-01'\": time (time) and '2024-01-01' (text) cannot be",
        ),
        (
            RULE + "unique = ['order']\n",
            "a rule of orders: orders has no column 'order'; did you mean 'order_id'?",
        ),
        (
            (RULE + "check = 'quantity > 0'\n").replace("[[rule]]", "[rule]"),
            "each rule begins with [[rule]], in two pairs of brackets.",
        ),
        (
            (RULE + "check = 'quantity > 0'\n") * 2,
            "two rules of orders are called 'quantity > 0'; give them other names.",
        ),
    ],
)
def test_a_wrong_rule_is_one_sentence(tmp_path, text, said):
    assert sentence(tmp_path, text).startswith(said)


def test_the_rules_of_the_readme_are_rules(tmp_path):
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = (
        block for block in re.findall(r"```toml\n(.*?)```", readme.read_text(encoding="utf-8"), re.S)
        if "[[rule]]" in block
    )  # fmt: skip
    assert len(read(tmp_path, example).rules) == 5


def test_rules_know_the_further_columns_that_sources_name(tmp_path):
    columns = "[source.columns]\nbonus = 'Bonus'\n[source.constants]\nshop = 'main'\n"
    rule = "[[rule]]\ntable = 'orders'\ncheck = \"bonus = 'x' and shop = 'main'\"\n"
    assert len(read(tmp_path, SOURCE + columns + rule).rules) == 1
    assert "orders has no column 'bonus'" in sentence(tmp_path, SOURCE + rule)
    # What columns a public data set brings is known once it is read.
    assert len(read(tmp_path, "[[source]]\ndataset = 'cdnow'\n" + rule).rules) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[[source]]\ntable = 'orders'\nurl = ['postgresql://crm:s3cret@host/shop']\nquery = 'orders'\n",
        "[[source]]\ntable = 'orders'\nurl = 'postgresql://crm:s3cret@host/shop'\n",
        "[[source]]\ntable = 'oders'\nurl = 'postgresql://crm:s3cret@host/shop'\nquery = 'orders'\n",
        "[[source]]\nurl = 'postgresql://crm:s3cret@host/shop'\nqueri = 'orders'\n",
        "[[source]]\nurl = 'postgresql://crm:s3cret@host/shop\n",
    ],
)
def test_no_mistake_shows_a_password(tmp_path, text):
    assert "s3cret" not in sentence(tmp_path, text)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ('[source.columns]\namout = "Total"', "amout in [source.columns] is no column of orders; "
         "did you mean 'amount'?"),
        ('[source.constants]\nchanel = "web"', "chanel in [source.constants] is no column of orders; "
         "did you mean 'channel'?"),
        ('[source.constants]\nchannel = "wep"', "channel in [source.constants] is one of web, email, "),
    ],
)  # fmt: skip
def test_names_that_are_nearly_a_column_and_values_it_does_not_allow_are_refused(tmp_path, part, sentence):
    (tmp_path / "crmlab.toml").write_text(f"[[source]]\nfile = 'a.csv'\ntable = 'orders'\n{part}\n")
    with pytest.raises(WorkspaceError) as error:
        read_settings(tmp_path)
    assert sentence in str(error.value)


def test_further_columns_keep_their_names(tmp_path):
    text = "[[source]]\nfile = 'a.csv'\ntable = 'orders'\n[source.columns]\ncashier = 'Kasse'\n"
    (tmp_path / "crmlab.toml").write_text(text)
    assert read_settings(tmp_path).sources[0].columns == {"cashier": "Kasse"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'enrich = ["provence"]',
            "enrich in [reference] knows no column 'provence'; did you mean 'province'?",
        ),
        ('enrich = ["province"]', "to derive province, [reference] needs the entry places."),
        ('enrich = ["age"]', "to derive age, [reference] needs the entry as_of."),
        ('enrich = [["age"]]', "enrich in [reference] knows no column ['age']; did you mean 'age'?"),
        ('enrich = "age"', "enrich in [reference] is to be a list."),
        ("as_of = 2024-08-02", "as_of in [reference] is to be text."),
        (
            'as_of = "today"',
            "as_of in [reference] is to be a day such as '2024-08-02', in quotation marks, not ",
        ),
        (
            'enrich = ["household_id"]',
            "enrich in [reference] derives columns of customers, which no [[source]] ",
        ),
    ],
)
def test_a_wrong_entry_of_reference_is_one_sentence(tmp_path, text, said):
    assert sentence(tmp_path, f"[reference]\n{text}\n{SOURCE}").startswith(said)


def test_the_columns_to_be_derived_are_those_of_enrichment():
    from crmlab.cleansing.enrichment import DERIVED

    assert list(NEEDED) == [column for columns in DERIVED.values() for column in columns]


@pytest.mark.parametrize("number", ["1", "0.0", "1.5", "'much'"])
def test_a_match_probability_lies_between_0_and_1(tmp_path, number):
    with pytest.raises(WorkspaceError, match="match_probability in .duplicates. is to be a number"):
        read(tmp_path, f"[duplicates]\nmatch_probability = {number}\n" + SOURCE)
