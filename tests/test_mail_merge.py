"""Files of a campaign: fields for a letter, one file per arm and channel, nobody who refused in any."""

import datetime

import pandas as pd
import pytest

import crmlab as crm
from crmlab.cleansing import consent_register
from crmlab.errors import ParameterError, TableError, WorkspaceError
from crmlab.export import merge_fields, write_mailing
from crmlab.mining.campaigns import Arm, Campaign, audience
from crmlab.mining.customers import affinity_scores, product_affinity, profile

CHANNELS = ("email", "sms", "post", "phone", "app")
REGION = {"en": "GB", "fa": "IR"}


@pytest.fixture(scope="module", params=["en", "fa"])
def shop(request):
    """Tables of a sample, its language, and the audience of a campaign with an arm per channel."""
    tables = crm.sample(customers=500, seed=6, language=request.param)
    tables.pop("truth")
    arms = tuple(Arm(f"arm {channel}", channel, 0.16, f"{channel} offer") for channel in CHANNELS)
    campaign = Campaign("M9", "Spring", "", "frequency >= 1", datetime.date(2025, 1, 5),
                        datetime.date(2025, 2, 1), "EUR", 2, arms, "control", 0.2)  # fmt: skip
    found = audience(profile(tables), campaign, tables["customers"], tables["consents"],
                     tables["campaign_events"], region=REGION[request.param])  # fmt: skip
    return tables, request.param, found


def written(shop, folder, people=None, register=None, **options):
    tables, language, found = shop
    if register is None:
        register = consent_register(tables["consents"], tables["customers"], region=REGION[language])
    told = write_mailing(found if people is None else people, folder, tables["customers"], register,
                         language=language, region=REGION[language], **options)  # fmt: skip
    texts = {file: pd.read_csv(folder / file, dtype="str", encoding="utf-8-sig") for file in told["file"]}
    return told, texts


def test_one_file_per_arm_and_channel_with_the_contact_it_takes(shop, tmp_path):
    found = shop[2]
    told, files = written(shop, tmp_path)
    assert told["file"].tolist() == sorted(path.name for path in tmp_path.iterdir())
    assert told["left_out"].eq(0).all()
    columns = {"email": ["email"], "sms": ["phone"], "phone": ["phone"], "app": [],
               "post": ["address", "postcode", "city", "province", "country"]}  # fmt: skip
    for row in told.itertuples():
        rows = files[row.file]
        assert row.file.endswith(f"-arm-{row.channel}-{row.channel}.csv")
        fields = ["customer_id", "arm", "channel", "name", "salutation", "offer"]
        assert rows.columns.tolist() == fields + columns[row.channel]
        assert len(rows) == row.customers
        assert rows["customer_id"].tolist() == found.index[found["arm"] == row.arm].tolist()
        assert rows["offer"].eq(f"{row.channel} offer").all()
        assert rows["salutation"].notna().all()
        if columns[row.channel]:
            assert rows[columns[row.channel][0]].notna().all()
    # Everybody who is included is in one file, but for the control group, which is in none.
    in_files = pd.concat(files.values())["customer_id"]
    assert in_files.is_unique
    assert {*in_files} == {*found.index[found["included"] & (found["arm"] != "control")]}


def test_nobody_who_refused_since_is_in_a_file(shop, tmp_path):
    """A third of those drawn refuse, by number, by their own contact, by that of another record, or all."""
    tables, language, found = shop
    everybody = found.index[found["included"]]
    customers = tables["customers"].set_index("customer_id")
    by_number, by_contact, by_other = everybody[::9], everybody[1::9], everybody[2::9]
    theirs = customers.loc[by_other]
    twins = pd.DataFrame({
        "customer_id": [f"twin of {name}" for name in by_other],
        "email": theirs["email"].str.upper().tolist(),
        "phone": theirs["phone"].str.replace("+", "00").tolist(),
    })  # fmt: skip
    said = pd.DataFrame({
        "customer_id": [*by_number, *[None] * len(by_contact) * 2, *twins["customer_id"]],
        "contact": [*[None] * len(by_number), *customers.loc[by_contact, "email"].str.title(),
                    *customers.loc[by_contact, "phone"], *[None] * len(twins)],
        "channel": None, "given": False, "time": pd.Timestamp("2025-01-04"), "source": "letter",
    })  # fmt: skip
    known = pd.concat([tables["customers"], twins])
    register = consent_register(pd.concat([tables["consents"], said]), known, region=REGION[language])
    told, files = written(shop, tmp_path, register=register)
    refused = {*by_number, *by_contact, *by_other}
    in_files = {*pd.concat(files.values())["customer_id"]}
    control = {*found.index[found["arm"] == "control"]}
    assert not in_files & refused
    assert in_files | refused | control >= {*everybody}
    assert told["left_out"].sum() >= len(refused - control)
    for rows in files.values():
        for contact in {"email", "phone"} & {*rows.columns}:
            gone = customers.loc[[*by_number, *by_contact, *by_other], contact].str.lower()
            assert not {*rows[contact].str.lower()} & {*gone}


def test_the_same_input_gives_the_same_bytes(shop, tmp_path):
    written(shop, tmp_path / "one")
    written(shop, tmp_path / "two", people=shop[2].sample(frac=1, random_state=1))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    # Written again into the same folder, the files are replaced.
    written(shop, tmp_path / "one")


def test_products_that_suit_are_named(shop, tmp_path):
    tables, language, found = shop
    orders = tables["orders"]
    affinity = affinity_scores(orders, product_affinity(orders))
    fields = merge_fields(found, tables["customers"], affinity, tables["products"], language)
    assert fields.columns.tolist()[-3:] == ["product_1", "product_2", "product_3"]
    names = tables["products"].set_index("product_id")["name"]
    first = affinity.set_index("customer_id")["product_1"].reindex(fields.index).map(names)
    assert first.notna().any()
    pd.testing.assert_series_equal(fields["product_1"], first.astype("str"), check_names=False)
    bought = orders.groupby("customer_id")["product_id"].agg(set)
    numbers = merge_fields(found, tables["customers"], affinity)["product_1"].dropna()
    assert not any(product in bought[customer] for customer, product in numbers.items())
    _, files = written(shop, tmp_path, affinity=affinity, products=tables["products"])
    assert "product_1" in next(iter(files.values())).columns


def test_salutations_are_in_the_language_of_the_shop(shop):
    tables, language, found = shop
    fields = merge_fields(found, tables["customers"], language=language)
    formal = ("Dear M", "Dear D") if language == "en" else ("جناب آقای", "سرکار خانم")
    gender = tables["customers"].set_index("customer_id")["gender"].reindex(fields.index)
    assert fields.loc[gender.isin(["male", "female"]), "salutation"].str.startswith(formal).all()
    unknown = fields[gender.isna()]
    assert len(unknown)
    assert unknown.apply(lambda row: row["name"] in row["salutation"], axis=1).all()


def test_files_of_another_list_are_not_left_beside(shop, tmp_path):
    (tmp_path / "1-old-email.csv").write_text("customer_id\n")
    with pytest.raises(WorkspaceError, match=r"1-old-email\.csv\), in which may be customers who opted out"):
        written(shop, tmp_path)


@pytest.mark.parametrize(("change", "error", "said"), [
    ({"people": pd.DataFrame({"arm": ["x"]})}, TableError, "Audiences need a column included"),
    ({"register": pd.DataFrame({"given": [True]})}, ParameterError, "register is what"),
    ({"affinity": pd.DataFrame({"customer_id": ["a"]})}, TableError, "need a column product_1"),
    ({"affinity": pd.DataFrame({"customer_id": ["a"], "product_1": ["p"]}), "products": pd.DataFrame()},
     TableError, "Products need a column product_id"),
])  # fmt: skip
def test_what_is_wrong_is_said(shop, tmp_path, change, error, said):
    with pytest.raises(error, match=said):
        written(shop, tmp_path, **change)


def test_customers_of_two_rows_and_a_folder_that_cannot_be(shop, tmp_path):
    tables, _, found = shop
    twice = pd.concat([tables["customers"], tables["customers"].head(1)])
    with pytest.raises(TableError, match="Customers have one row each"):
        merge_fields(found, twice)
    with pytest.raises(ParameterError, match="no salutation in 'de'"):
        merge_fields(found, tables["customers"], language="de")
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        written(shop, tmp_path / "file")
