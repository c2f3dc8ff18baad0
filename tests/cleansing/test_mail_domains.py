"""Misspelt mail domains: slips that people make are found, and what others own is left alone."""

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.provisional import get_top_level_domains

from crmlab.cleansing.contacts import check_email
from crmlab.cleansing.mail_domains import likely_domains, suggest_addresses

SLIPS = {
    "gmail.con": "gmail.com", "gmial.com": "gmail.com", "yaho.com": "yahoo.com", "hotmial.com":
    "hotmail.com", "gmail.co": "gmail.com", "gmail.cm": "gmail.com", "gmail.cmo": "gmail.com",
    "gmail.comm": "gmail.com", "gmai.com": "gmail.com", "gmaill.com": "gmail.com", "gnail.com":
    "gmail.com", "mgail.com": "gmail.com", "gmial.con": "gmail.com", "gamil.com": "gmail.com",
    "yahooo.com": "yahoo.com", "yhaoo.com": "yahoo.com", "yahoo.con": "yahoo.com", "yahooo.co.uk":
    "yahoo.co.uk", "yahoo.cm": "yahoo.com", "hotmai.fr": "hotmail.fr", "hotmail.ocm": "hotmail.com",
    "outlok.com": "outlook.com", "outloook.de": "outlook.de", "iclod.com": "icloud.com", "icloud.co":
    "icloud.com", "protonmial.com": "protonmail.com", "comcast.ent": "comcast.net", "t-onlin.de":
    "t-online.de", "yandex.vom": "yandex.com", "chmial.ir": "chmail.ir", "chmaill.ir": "chmail.ir",
    "chmail.ri": "chmail.ir", "chmail.it": "chmail.ir", "mailfaa.com": "mailfa.com", "mailfa.con":
    "mailfa.com", "mihanmial.ir": "mihanmail.ir", "shop.con": "shop.com", "firm.example.nte":
    "firm.example.net", "help.ogr": "help.org", "x.c0m": "x.com",
}  # fmt: skip

#: Houses of mail, firms and universities whose domains look like slips, or whose endings do.
REAL = [
    "gmail.com", "googlemail.com", "mail.com", "email.com", "ymail.com", "fmail.com", "zmail.com",
    "xmail.com", "hmail.com", "hitmail.com", "gmx.com", "gmx.de", "gmx.net", "gmx.at", "web.de",
    "aol.com", "aim.com", "msn.com", "live.com", "love.com", "me.com", "mac.com", "icloud.com",
    "inbox.com", "hey.com", "yahoo.com", "yahoo.co.uk", "yahoo.co.id", "yahoo.co.in", "yahoo.co.jp",
    "yahoo.co.nz", "yahoo.co.za", "yahoo.com.tr", "yahoo.fr", "yahoo.fi", "yahoo.ie", "yahoo.it",
    "yahoo.in", "yahoo.ro", "yahoo.no", "hotmail.com", "hotmail.fr", "hotmail.gr", "hotmail.it",
    "hotmail.nl", "hotmail.no", "outlook.com", "outlook.fr", "outlook.ie", "outlook.in", "outlook.co.id",
    "outlook.sa", "rocketmail.com", "rediffmail.com", "yandex.ru", "yandex.ua", "yandex.by", "yandex.com",
    "yandex.com.tr", "mail.ru", "bk.ru", "list.ru", "protonmail.com", "protonmail.ch", "proton.me",
    "pm.me", "prontomail.com", "zoho.com", "fastmail.com", "fastmail.fm", "hushmail.com", "hotbot.com",
    "hotpop.com", "comcast.net", "comcast.com", "verizon.net", "verizon.com", "charter.net", "cox.net",
    "wanadoo.fr", "wanadoo.es", "wanadoo.nl", "orange.fr", "laposte.net", "free.fr", "sfr.fr",
    "t-online.de", "online.de", "freenet.de", "libero.it", "libera.it", "alice.it", "chmail.ir",
    "mailfa.com", "iran.ir", "post.ir", "ut.ac.ir", "sharif.edu", "sharif.ir", "gail.com", "gail.co.in",
    "grail.com", "yazoo.com", "incloud.com", "cloud.com", "vahoo.com", "wahoo.com", "example.com",
    "example.org", "gmail.hu", "gmail.ru", "gmail.fr", "gmail.de", "firm.co", "firm.cm", "firm.om",
    "firm.cam", "firm.mom", "firm.net", "firm.next", "firm.new", "firm.pet", "firm.vet", "firm.bet",
    "firm.ong", "firm.eu", "firm.info", "firm.comsec", "firm.community",
]  # fmt: skip


@pytest.mark.parametrize(("domain", "meant"), SLIPS.items())
def test_slips_are_found(domain, meant):
    assert likely_domains({domain: 1}) == {domain: meant}


def test_what_others_own_is_left_alone():
    assert likely_domains(dict.fromkeys(REAL, 1)) == {}


def test_no_ending_that_exists_is_taken_for_a_slip():
    endings = [ending.lower() for ending in get_top_level_domains()]
    assert len(endings) > 1000
    assert likely_domains({f"firm.{ending}": 1 for ending in endings}) == {}


@settings(deadline=None)
@given(st.sampled_from(["gmail.com", "yahoo.co.uk", "hotmail.fr", "protonmail.ch", "chmail.ir"]), st.data())
def test_any_slip_behind_the_first_letter_is_found(domain, data):
    name, _, ending = domain.partition(".")
    place = data.draw(st.integers(1, len(name) - 2))
    letter = data.draw(st.sampled_from("qwxj"))
    before, here, after = name[:place], name[place], name[place + 1 :]
    slips = [before + after, before + letter + here + after, before + letter + after]
    slip = data.draw(st.sampled_from([*slips, before + after[0] + here + after[1:]]))
    # Two equal letters may change places; gail.com is somebody's own.
    expected = {} if slip in (name, "gail") else {f"{slip}.{ending}": domain}
    assert likely_domains({f"{slip}.{ending}": 1}) == expected


def test_a_house_of_the_column_itself_is_learned():
    counts = {"firmware-house.ir": 9_000, "firmware-huose.ir": 2, "firmware-house.it": 2, "gmail.com": 999}
    assert likely_domains(counts) == {"firmware-huose.ir": "firmware-house.ir"}
    # The order of the rows does not matter: of two that are as near, the more frequent was meant.
    more = counts | {"firmware-horse.ir": 8_000, "firmware-hosue.com": 1, "firmware-hoise.ir": 1}
    meant = {"firmware-huose.ir": "firmware-house.ir", "firmware-hoise.ir": "firmware-house.ir"}
    assert likely_domains(more) == likely_domains(dict(reversed(more.items()))) == meant
    # Neither of two frequent domains is a slip of the other, nor is one that is not so rare.
    assert likely_domains(counts | {"firmware-huose.ir": 2_000}) == {}
    assert likely_domains(counts | {"firmware-huose.ir": 90 + 91}) == {}
    # In a short name, or a short column, one letter is no more than chance.
    assert likely_domains({"abcde.ir": 9_000, "abcdf.ir": 2}) == {}
    assert likely_domains({"firmware-house.ir": 40, "firmware-huose.ir": 1}) == {}
    # What many have is their own, whatever it looks like; an ending that does not exist is nobody's.
    assert likely_domains({"gmall.com": 9_000, "gmail.con": 900}) == {"gmail.con": "gmail.com"}


def test_addresses_are_suggested_and_never_changed():
    texts = ["Ann@Gmail.CON", "ann@gmail.com", None, "ann@gmial", "a+b@hotmial.com", "ann@gmial.com"]
    found = check_email(pd.Series(texts, index=list("abcdef")))
    assert found["value"].fillna("").tolist() == [
        "Ann@gmail.con", "ann@gmail.com", "", "", "a+b@hotmial.com", "ann@gmial.com"
    ]  # fmt: skip
    assert found["suggestion"].fillna("").tolist() == [
        "Ann@gmail.com", "", "", "", "a+b@hotmail.com", "ann@gmail.com"
    ]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from([*SLIPS, *REAL]), max_size=30))
def test_what_is_suggested_is_itself_no_slip_and_rows_keep_their_place(domains):
    addresses = pa.array([f"ann{n}@{domain}" for n, domain in enumerate(domains)], pa.large_string())
    better = suggest_addresses(addresses)
    assert better.to_pylist() == [
        f"ann{n}@{SLIPS[domain]}" if domain in SLIPS else None for n, domain in enumerate(domains)
    ]
    assert suggest_addresses(better).null_count == len(domains)
