"""Definitions of campaigns: read, written, checked line by line, shown as a card and as ways."""

import datetime
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError
from crmlab.locale import language
from crmlab.mining.campaigns import (
    Arm,
    Campaign,
    CompletionRule,
    Exclusions,
    Indicator,
    card,
    rule_steps,
    starter,
)
from crmlab.mining.campaigns.completion_rule import EVENTS, find_loop
from crmlab.mining.campaigns.definition_file import span
from crmlab.mining.customers import profile
from crmlab.tables import CHANNELS

DAY = datetime.timedelta(days=1)
TEXT = starter("Spring", started_at=datetime.date(2025, 4, 15))


def read(tmp_path, text: str) -> Campaign:
    path = tmp_path / "spring.toml"
    path.write_text(text, encoding="utf-8")
    return Campaign.read(path)


def test_the_starter_is_a_campaign(tmp_path):
    found = read(tmp_path, TEXT)
    assert (found.name, found.campaign_id, found.currency, found.decimals) == ("Spring", "Spring", "EUR", 2)
    assert (found.started_at, found.ended_at) == (datetime.date(2025, 4, 15), datetime.date(2025, 5, 12))
    assert found.budget == 500_000
    assert found.arms == (
        Arm("offer a", "email", 0.4, "10 per cent off the next order", 1),
        Arm("offer b", "email", 0.4, "free delivery", 1),
    )
    assert (found.control, found.control_share, found.seed) == ("control", 0.2, 1)
    assert found.exclusions == Exclusions(2, 30, ("open_tickets > 0",))
    assert found.rules == (
        CompletionRule("unsubscribed", "stop"),
        CompletionRule(
            "clicked", "phone", 3 * DAY, "converted", link="B", delay=DAY / 6, cost_per_contact=300
        ),
        CompletionRule("bounced", "post", cost_per_contact=100),
        CompletionRule("sent", "sms", 5 * DAY, "opened", cost_per_contact=5),
    )
    assert found.indicators == (
        Indicator("response", 0.06, 28, event="converted"),
        Indicator("revenue per customer", 400, 28, measure="revenue"),
    )


def test_the_persian_starter_says_the_same(tmp_path):
    ours, theirs = read(tmp_path, TEXT), read(tmp_path, starter("بهار", "fa"))
    assert (theirs.name, theirs.currency, theirs.decimals, theirs.budget) == ("بهار", "IRT", 0, 50_000_000)
    costless = [[vars(rule) | {"cost_per_contact": 0} for rule in one.rules] for one in (ours, theirs)]
    assert costless[0] == costless[1]
    assert [line.split("=")[0] for line in TEXT.splitlines() if "=" in line and line[0] != "#"] == [
        line.split("=")[0] for line in starter("بهار", "fa").splitlines() if "=" in line and line[0] != "#"
    ]


@pytest.mark.parametrize("language_code", ["en", "fa"])
def test_a_definition_is_written_and_read_back(tmp_path, language_code):
    found = read(tmp_path, starter('A "name" \\ with # signs', language_code))
    found.write(tmp_path / "again.toml")
    assert Campaign.read(tmp_path / "again.toml") == found


_NAMES = st.text(min_size=1, max_size=8).filter(str.strip)


@given(
    _NAMES, _NAMES, st.integers(0, 10**12), st.lists(st.floats(1e-3, 1), min_size=1, max_size=4),
    st.timedeltas(DAY / 86400, 400 * DAY), st.sampled_from([0, 2, 3]),
)  # fmt: skip
@settings(max_examples=40)
def test_any_definition_is_written_and_read_back(tmp_path_factory, name, offer, money, sizes, wait, decimals):
    total = sum(sizes) + 0.5
    wait = datetime.timedelta(seconds=wait // datetime.timedelta(seconds=1))
    made = Campaign(
        name, name, offer, "recency > 3", datetime.date(2025, 1, 1), datetime.date(2025, 1, 1), "EUR",
        decimals,
        tuple(Arm(f"arm {n}", "sms", size / total, offer, money) for n, size in enumerate(sizes)), "control",
        0.5 / total, money, Exclusions(conditions=("city = 'Ürümqi\"'",)),
        (CompletionRule("clicked", "phone", wait, link=offer, delay=wait, cost_per_contact=money),),
        (Indicator(name, sizes[0], 9, event="opened"), Indicator(f"{name}.", money, 9, measure="profit")),
        money,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("campaigns") / "made.toml"
    made.write(path)
    assert Campaign.read(path) == made


def test_arms_without_a_share_have_equal_parts_of_what_is_left(tmp_path):
    found = read(tmp_path, TEXT.replace("share = 0.4\n", ""))
    assert [arm.share for arm in found.arms] == [0.4, 0.4]


def test_other_spellings_of_channels_and_events(tmp_path):
    text = TEXT.replace('"phone"', '"call"').replace('"clicked"', '"کلیک"').replace('"email"', '"E-Mail"')
    assert read(tmp_path, text) == read(tmp_path, TEXT)


def test_days_of_the_other_calendar_and_lengths_in_words(tmp_path):
    found = read(tmp_path, TEXT.replace("2025-04-15", '"۱۴۰۴/۰۱/۲۶"').replace('"3 days"', '"۷۲ ساعت"'))
    assert found.started_at == datetime.date(2025, 4, 15)
    assert found.rules[1].within == 3 * DAY


@pytest.mark.parametrize(
    ("text", "length"),
    [("1 week", 7 * DAY), ("90 minutes", DAY / 16), ("2days", 2 * DAY), (5, 5 * DAY), ("۳ هفته", 21 * DAY),
     ("1 Hour", DAY / 24)],
)  # fmt: skip
def test_lengths_of_time(text, length):
    assert span(text) == length


@pytest.mark.parametrize("text", ["", "soon", "three days", "-1 days", "1.5 days", "3 months", "3 days ago"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(
        ParameterError, match='is a whole number of weeks, days, hours, minutes, seconds, such as "3 days"'
    ):
        span(text)


MISTAKES = [
    # One change of the starter, and the sentence about it.
    ("[campaign]", "[campain]", "there is no part [campain] of a campaign; did you mean 'campaign'?"),
    ("[control]\n", "", "the part [control] is missing."),
    ("[[arm]]", "[arm]", "is not valid TOML: "),
    (
        "[exclusions]",
        "[[exclusions]]",
        "exclusions is a part that begins with [exclusions], in one pair of brackets.",
    ),
    ('goal = "more purchases"', "goal = more", "is not valid TOML: "),
    ("budget = 5000", "budgt = 5000", "[campaign] has no entry 'budgt'; did you mean 'budget'?"),
    ("budget = 5000", 'budget = "5000"', "[campaign]: budget is to be a number such as 0.5."),
    ("budget = 5000", "budget = nan", "[campaign]: budget is to be a number such as 0.5."),
    ("budget = 5000", "budget = true", "[campaign]: budget is to be a number such as 0.5."),
    ("budget = 5000", "budget = -1", "[campaign]: budget cannot be below 0."),
    ("budget = 5000", "budget = 1e30", "[campaign]: budget is 1E+30, which is too large."),
    (
        "cost_per_contact = 3\n",
        "cost_per_contact = 0.005\n",
        "[[rule]]: cost_per_contact is 0.005, but EUR is reckoned with 2 digits",
    ),
    (
        "cost_per_contact = 3\n",
        "cost_per_contact = -3\n",
        "phone after 4 hours': cost_per_contact cannot be below 0.",
    ),
    ("seed = 1 ", "seed = 1.5 ", "[campaign]: seed is to be a whole number."),
    ('currency = "EUR"\n', "", "[campaign] needs the entry currency: text in quotes."),
    (
        'currency = "EUR"',
        'currency = "euros"',
        "currency is the code of a currency, such as EUR, USD, IRR or IRT, not 'euros'",
    ),
    (
        'currency = "EUR"',
        'currency = "EUR"\ndecimals = 9',
        "[campaign]: decimals is a number from 0 to 6, not 9.",
    ),
    ('name = "Spring"', 'name = " "', "[campaign] needs a name."),
    (
        'segment = "recency > 60 and frequency >= 2"\n',
        "",
        "[campaign] needs the entry segment: text in quotes.",
    ),
    (
        '"recency > 60 and frequency >= 2"\ncur',
        '"recency >> 60"\ncur',
        "[campaign]: segment 'recency >> 60': a value is expected",
    ),
    (
        '["open_tickets > 0"]',
        '["open_tickets >"]',
        "[exclusions]: conditions 'open_tickets >': a value is expected before the end",
    ),
    ('["open_tickets > 0"]', "[0]", "[exclusions]: conditions is to be a list of texts"),
    ("at_most = 2", "at_most = 0", "[exclusions]: at_most is a whole number from 1, not 0"),
    ("days = 30", "days = 0", "[exclusions]: days is a whole number from 1, not 0."),
    (
        "started_at = 2025-04-15",
        'started_at = "soon"',
        "[campaign]: started_at is a day such as 2024-08-02 or 1403/05/12, not 'soon'.",
    ),
    (
        "ended_at = 2025-05-12",
        "ended_at = 2025-04-14",
        "[campaign]: ended_at (2025-04-14) lies before started_at (2025-04-15).",
    ),
    (
        "share = 0.2",
        "share = 0",
        "[control]: share is a number between 0 and 1, not 0.0; without a group that is not contacted",
    ),
    ("share = 0.2", "share = 1", "[control]: share is a number between 0 and 1, not 1.0"),
    ("share = 0.2", "", "[control] needs the entry share: a number such as 0.5."),
    (
        "share = 0.2",
        "share = 0.3",
        "shares are to add up to 1, not to 1.1, so that arms overlap: control 0.3, offer a 0.4, offer b 0.4.",
    ),
    ("share = 0.2", "share = 0.1", "not to 0.9, so that some customers are in no arm"),
    ("share = 0.4\n", "share = 0\n", "[[arm]] 'offer a': share is a number between 0 and 1, not 0.0."),
    (
        'name = "offer b"',
        'name = "offer a"',
        "[[arm]]: two arms are called 'offer a'; give each its own name.",
    ),
    ('name = "offer b"', 'name = "control"', "[[arm]]: two arms are called 'control'"),
    ('name = "offer b"\n', "", "[[arm]] number 2 needs the entry name: text in quotes."),
    (
        'channel = "email"',
        'channel = "emial"',
        "[[arm]] 'offer a': channel cannot be 'emial'; did you mean 'email'? Known: app, email",
    ),
    (
        'after = "clicked"',
        'after = "clickt"',
        "after cannot be 'clickt'; did you mean 'clicked'? Known: assigned, bounced",
    ),
    ('action = "phone"', 'action = "pigeon"', "action cannot be 'pigeon'. Known: app, email"),
    ('link = "B"', 'links = "B"', "[[rule]] number 2 has no entry 'links'; did you mean 'link'?"),
    ('link = "B"', 'arm = "offer c"', "there is no arm 'offer c'; did you mean"),
    ('link = "B"', 'arm = "control"', "the control group 'control' is not contacted."),
    ('link = "B"', 'channel = "male"', "channel cannot be 'male'"),
    ('within = "3 days"', 'within = "3 moons"', "[[rule]] number 2: within is a whole number of weeks, days"),
    ('within = "3 days"', 'within = "0 days"', "within is to be longer than nothing."),
    ('within = "5 days"', "", 'unless needs within, such as within = "3 days": how long to wait.'),
    ('unless = "opened"', 'unless = "sent"', "unless is to be another event than after."),
    ('unless = "opened"', 'unless = "read"', "unless cannot be 'read'. Known: assigned"),
    ('after = "bounced"\naction = "post"', 'after = "unsubscribed"\naction = "stop"', "is there twice."),
    (
        'after = "bounced"\naction = "post"',
        'after = "bounced"\naction = "email"',
        "rules loop without end in the arm 'offer a': 'bounced -> email' leads to itself; take another",
    ),
    ('event = "converted"\n', "", "[[indicator]] 'response': it needs one of event and measure."),
    ('event = "converted"', 'event = "sold"', "[[indicator]] 'response': event cannot be 'sold'. Known:"),
    (
        'measure = "revenue"\n',
        'measure = "sales"\n',
        "measure cannot be 'sales'. Known: cost, profit, revenue.",
    ),
    (
        "target = 0.06",
        "target = 6",
        "[[indicator]] 'response': target is a share of customers, from 0 to 1, not 6.0.",
    ),
    ("target = 0.06", "", "[[indicator]] 'response' needs the entry target: a number such as 0.5."),
    (
        "horizon = 28",
        "horizon = 0",
        "[[indicator]] 'response': horizon is a whole number of days from 1, not 0.",
    ),
    (
        'name = "response"',
        'name = "revenue per customer"',
        "two indicators are called 'revenue per customer'",
    ),
]


@pytest.mark.parametrize(
    ("there", "instead", "sentence"), MISTAKES, ids=[wrong[2][:60] for wrong in MISTAKES]
)
def test_every_mistake_has_its_sentence(tmp_path, there, instead, sentence):
    assert there in TEXT
    with pytest.raises(ParameterError) as told:
        read(tmp_path, TEXT.replace(there, instead, 1))
    said = str(told.value)
    assert said.startswith(str(tmp_path / "spring.toml"))
    assert sentence in said
    assert "\n" not in said


def test_no_arms_is_no_campaign(tmp_path):
    bare = TEXT[: TEXT.index("# One arm for each")]
    with pytest.raises(ParameterError, match=r"A campaign needs an \[\[arm\]\]"):
        read(tmp_path, bare)
    with pytest.raises(ParameterError, match=r"the part \[control\] is missing"):
        read(tmp_path, bare[: bare.index("# A group that is not contacted")])
    with pytest.raises(ParameterError, match=r"each arm begins with \[\[arm\]\], in two pairs of brackets"):
        read(tmp_path, f"{bare}\n[arm]\nname = 'a'")
    with pytest.raises(ParameterError, match=r"'b': other shares add up to 1, which leaves it none"):
        read(
            tmp_path, f"{bare}\n[[arm]]\nname='a'\nchannel='sms'\nshare=0.8\n[[arm]]\nname='b'\nchannel='sms'"
        )


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "spring.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ParameterError, match="is not UTF-8 text; save it as UTF-8"):
        Campaign.read(tmp_path / "spring.toml")
    with pytest.raises(ParameterError, match="did you mean 'spring.toml'"):
        Campaign.read(tmp_path / "sprong.toml")
    with pytest.raises(ParameterError, match="cannot be read"):
        Campaign.read(tmp_path)
    with pytest.raises(ParameterError, match="There is no file"):
        Campaign.read(tmp_path / "there" / "is.toml")


def test_what_cannot_be_written(tmp_path):
    found = read(tmp_path, TEXT)
    with pytest.raises(ParameterError, match="cannot be written"):
        found.write(tmp_path / "no" / "folder.toml")
    with pytest.raises(ParameterError, match="explained in one of these languages, not 'de'. Known: en, fa"):
        starter("Spring", "de")
    with pytest.raises(ParameterError, match="Give the campaign a name"):
        starter(" ")
    with pytest.raises(ParameterError, match="There is no arm 'offer c'; did you mean"):
        found.arm("offer c")
    assert found.arm("offer b").offer == "free delivery"


def test_names_in_the_starter_cannot_break_it():
    for name in ('a "b"', "c\\d", "e\nf", "@CURRENCY", "#", "\x7f"):
        assert tomllib.loads(starter(name))["campaign"]["name"] == name


# Segments.


def test_the_starters_segment_is_one_over_the_profile(tmp_path):
    tables = {name: table for name, table in crm.sample(customers=60, seed=1).items() if name != "truth"}
    read(tmp_path, TEXT).check(profile(tables))


def test_unknown_columns_are_told(tmp_path):
    found = read(tmp_path, TEXT)
    found.check(["recency", "frequency", "open_tickets"])
    with pytest.raises(
        ParameterError,
        match=r"segment in \[campaign\], 'recency > 60 and .*has no column 'recency'; did you mean 'regency'",
    ):
        found.check(["regency", "frequency", "open_tickets"])
    with pytest.raises(
        ParameterError,
        match=r"conditions in \[exclusions\], 'open_tickets > 0': the profile has no column 'open",
    ):
        found.check(["recency", "frequency"])
    with pytest.raises(ParameterError, match="has no column 'customers.city'"):
        read(tmp_path, TEXT.replace('frequency >= 2"\ncur', "customers.city = 'Leeds'\"\ncur")).check(
            ["recency", "city", "open_tickets"]
        )
    everyone = read(tmp_path, TEXT.replace('"recency > 60 and frequency >= 2"\ncur', '"all"\ncur'))
    everyone.check(["open_tickets"])


# Loops.


@pytest.mark.parametrize(
    ("rules", "arms"),
    [
        ([CompletionRule("bounced", "email")], {"a": "email"}),
        ([CompletionRule("sent", "email", DAY, unless="opened")], {"a": "email"}),
        ([CompletionRule("delivered", "post", channel="post")], {"a": "email"}),
        ([CompletionRule("bounced", "sms"), CompletionRule("bounced", "email", channel="sms")],
         {"a": "email"}),
        ([CompletionRule("bounced", "sms", arm="a"), CompletionRule("sent", "post", channel="sms"),
          CompletionRule("delivered", "email", channel="post")], {"b": "email", "a": "email"}),
    ],
)  # fmt: skip
def test_rules_that_loop(rules, arms):
    assert find_loop(rules, arms).startswith("rules loop without end in the arm 'a': ")


@pytest.mark.parametrize(
    ("rules", "arms"),
    [
        ([CompletionRule("bounced", "post")], {"a": "email"}),
        ([CompletionRule("bounced", "email")], {"a": "post"}),
        ([CompletionRule("clicked", "email")], {"a": "email"}),
        ([CompletionRule("assigned", "email", DAY, unless="opened")], {"a": "email"}),
        ([CompletionRule("bounced", "stop")], {"a": "email"}),
        ([CompletionRule("bounced", "sms", arm="a"),
          CompletionRule("bounced", "email", channel="sms", arm="b")], {"a": "email", "b": "email"}),
        ([CompletionRule("bounced", "sms"), CompletionRule("bounced", "post", channel="sms")],
         {"a": "email"}),
    ],
)  # fmt: skip
def test_rules_that_come_to_an_end(rules, arms):
    assert find_loop(rules, arms) == ""


_SENDING = st.builds(
    CompletionRule, st.sampled_from(EVENTS), st.sampled_from([*list(CHANNELS)[:3], "stop"]),
    channel=st.sampled_from(["", *list(CHANNELS)[:3]]), arm=st.sampled_from(["", "a", "b"]),
)  # fmt: skip


@given(st.lists(_SENDING, max_size=6))
def test_loops_are_found_where_a_walk_finds_them(rules):
    """Follow every action, whatever can go wrong doing so by itself, for more steps than there are rules."""
    arms = {"a": "web", "b": "email"}
    endless = False
    for arm, own in arms.items():
        for first in CHANNELS:
            sending = {first}
            for _ in range(len(rules) + 1):
                sending = {
                    rule.action for rule in rules
                    if rule.action != "stop" and rule.arm in ("", arm)
                    and rule.after in ("sent", "delivered", "bounced") and (rule.channel or own) in sending
                }  # fmt: skip
            endless |= bool(sending)
    assert bool(find_loop(rules, arms)) == endless


# For readers.


def test_the_card_says_all(tmp_path):
    said = card(read(tmp_path, TEXT), language("en"))
    assert said.values.tolist() == [
        ["Campaign", "Spring"], ["Goal", "more purchases"], ["Segment", "recency > 60 and frequency >= 2"],
        ["Time", "2025-04-15 to 2025-05-12"], ["Budget", "5,000 EUR"],
        ["Not contacted", "who refused contact through the channel"],
        ["Not contacted", "who had 2 contacts by campaigns within the last 30 days"],
        ["Not contacted", "who meets: open_tickets > 0"],
        ["Arm", "offer a: 40% of the customers, by email, 0.01 EUR per contact; offer: 10 per cent off the "
         "next order"],
        ["Arm", "offer b: 40% of the customers, by email, 0.01 EUR per contact; offer: free delivery"],
        ["Control group", "control: 20% of the customers, not contacted"],
        ["Rule", "unsubscribed → no more contact"],
        ["Rule", "clicked, link B, not converted; for 3 days; due 4 hours later → phone, 3.00 EUR per "
         "contact"],
        ["Rule", "bounced → post, 1.00 EUR per contact"],
        ["Rule", "sent, not opened; for 5 days → SMS, 0.05 EUR per contact"],
        ["Success", "response: converted, 6.0% of the customers or more within 28 days"],
        ["Success", "revenue per customer: revenue per customer, 4.00 EUR or more within 28 days"],
        ["Seed", "1"],
    ]  # fmt: skip


def test_rules_as_ways(tmp_path):
    assert rule_steps(read(tmp_path, TEXT), language("en")).values.tolist() == [
        ["all arms", "unsubscribed", "", "no more contact"],
        ["all arms", "clicked, link B, not converted", "for 3 days\ndue 4 hours later", "phone"],
        ["all arms", "bounced", "", "post"], ["all arms", "sent, not opened", "for 5 days", "SMS"],
    ]  # fmt: skip


def test_persian_readers_have_their_digits(tmp_path):
    said = card(read(tmp_path, starter("بهار", "fa")), language("fa")).set_index("what")["said"]
    assert said[language("fa")("Budget")] == "۵۰٬۰۰۰٬۰۰۰ تومان"
