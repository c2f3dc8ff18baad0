"""A definition to begin with: a campaign that could be carried out, every entry explained."""

from __future__ import annotations

import datetime
import json

from crmlab.errors import ParameterError, did_you_mean

_LENGTH = datetime.timedelta(days=27)


def starter(
    name: str, language: str = "en", currency: str = "", started_at: datetime.date | None = None
) -> str:
    """The text of a definition to begin with, explained in English or Persian.

    Parameters
    ----------
    name
        Name of the campaign, and its id until another is given.
    language
        ``"en"`` or ``"fa"``.
    currency
        Code of the currency; EUR in English and IRT in Persian if not given.
    started_at
        First day; today if not given. The last is four weeks on.

    Raises
    ------
    ParameterError
        If there is no such language, or the campaign has no name.

    Examples
    --------
    >>> print(starter("Spring", started_at=datetime.date(2025, 4, 15)).splitlines()[3][:22])
    campaign_id = "Spring"
    """
    if language not in _TEXTS:
        raise ParameterError(f"A definition is explained in one of these languages, not {language!r}"
                             + did_you_mean(language, _TEXTS))  # fmt: skip
    if not name.strip():
        raise ParameterError("Give the campaign a name.")
    begun = started_at or datetime.date.today()
    filled = {
        "@CURRENCY": currency or {"en": "EUR", "fa": "IRT"}[language],
        "@STARTED": begun.isoformat(),
        "@ENDED": (begun + _LENGTH).isoformat(),
        # Last, as a name may look like the others.
        "@NAME": json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f"),
    }
    text = _TEXTS[language]
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return text


_ENGLISH = """\
# A campaign: whom it addresses, with which offers, and what is done about their reactions.
# What follows a # is for you; crmlab does not read it.
[campaign]
campaign_id = @NAME         # as the events call it
name = @NAME
goal = "more purchases"
# Whom it addresses: a condition over the profile of customers, such as
#   recency > 60 and frequency >= 2          or   city in ["London", "Leeds"]
# or "all". Amounts are in whole units of the currency.
segment = "recency > 60 and frequency >= 2"
currency = "@CURRENCY"
budget = 5000                 # leave it out if there is no limit
started_at = @STARTED       # first day, also "1404/01/26"
ended_at = @ENDED
seed = 1                      # begins the drawing of lots; the same seed, the same lots

# Who is not contacted. Those who refused contact never are.
[exclusions]
at_most = 2                   # contacts by campaigns ...
days = 30                     # ... in so many days
conditions = ["open_tickets > 0"]

# A group that is not contacted: only it shows what the campaign changed.
[control]
name = "control"
share = 0.2                   # of the customers addressed, from 0 to 1

# One arm for each way to address customers. Shares, with that of the control group, add up to 1.
[[arm]]
name = "offer a"
offer = "10 per cent off the next order"
channel = "email"             # web, email, phone, sms, fax, post, social, in_person, app, partner
share = 0.4
cost_per_contact = 0.01       # in the currency

[[arm]]
name = "offer b"
offer = "free delivery"
channel = "email"
share = 0.4
cost_per_contact = 0.01

# What is done after an event: a contact through another channel, or "stop". Events: assigned, sent,
# delivered, bounced, opened, clicked, visited, converted, unsubscribed. A rule may name the arm, the
# channel or the link of its event. Each rule applies once per customer.
[[rule]]
after = "unsubscribed"
action = "stop"

[[rule]]
after = "clicked"
link = "B"
unless = "converted"          # if nobody bought ...
within = "3 days"             # ... in so long a time after the click
action = "phone"
delay = "4 hours"             # from then until the call is due
cost_per_contact = 3

[[rule]]
after = "bounced"
action = "post"
cost_per_contact = 1

[[rule]]
after = "sent"
unless = "opened"             # if nobody opened it ...
within = "5 days"             # ... in so long a time
action = "sms"
cost_per_contact = 0.05

# By what you will tell whether it succeeded: the share of customers with an event, or an amount per
# customer (measure = "revenue", "cost" or "profit"), so many days after the assignment.
[[indicator]]
name = "response"
event = "converted"
target = 0.06
horizon = 28

[[indicator]]
name = "revenue per customer"
measure = "revenue"
target = 4
horizon = 28
"""

_PERSIAN = """\
# پویش: به چه کسانی، با چه پیشنهادی، و پس از واکنش آنان چه باید کرد.
# آنچه پس از # می‌آید برای شماست؛ crmlab آن را نمی‌خواند.
[campaign]
campaign_id = @NAME         # شناسه‌ای که در رویدادها می‌آید
name = @NAME
goal = "خرید بیشتر"
# مخاطبان: شرطی روی نمایهٔ مشتریان، مانند
#   recency > 60 and frequency >= 2          یا   city in ["تهران", "شیراز"]
# یا "all" برای همه. مبلغ‌ها به واحد پول‌اند.
segment = "recency > 60 and frequency >= 2"
currency = "@CURRENCY"
budget = 50000000             # اگر سقفی ندارد این سطر را بردارید
started_at = @STARTED       # نخستین روز؛ "1404/01/26" نیز پذیرفته است
ended_at = @ENDED
seed = 1                      # آغاز قرعه‌کشی؛ با عدد یکسان، قرعهٔ یکسان

# با چه کسانی تماس گرفته نمی‌شود. آنان که نخواسته‌اند هرگز.
[exclusions]
at_most = 2                   # این تعداد تماس ...
days = 30                     # ... در این تعداد روز
conditions = ["open_tickets > 0"]

# گروهی که با آن تماس گرفته نمی‌شود: تنها همین گروه نشان می‌دهد پویش چه چیزی را تغییر داد.
[control]
name = "control"
share = 0.2                   # سهم از مخاطبان، از 0 تا 1

# هر شیوهٔ تماس یک شاخه است. سهم شاخه‌ها با سهم گروه کنترل روی هم 1 می‌شود.
[[arm]]
name = "پیشنهاد الف"
offer = "ده درصد تخفیف برای سفارش بعدی"
channel = "email"             # web, email, phone, sms, fax, post, social, in_person, app, partner
share = 0.4
cost_per_contact = 100        # به واحد پول

[[arm]]
name = "پیشنهاد ب"
offer = "ارسال رایگان"
channel = "email"
share = 0.4
cost_per_contact = 100

# پس از هر رویداد چه باید کرد: تماس از کانالی دیگر، یا "stop" یعنی پایان تماس. رویدادها: assigned، sent،
# delivered، bounced، opened، clicked، visited، converted، unsubscribed. هر قاعده می‌تواند شاخه (arm)،
# کانال (channel) یا پیوند (link) رویداد را هم بگوید و برای هر مشتری یک بار اجرا می‌شود.
[[rule]]
after = "unsubscribed"
action = "stop"

[[rule]]
after = "clicked"
link = "B"
unless = "converted"          # اگر پس از کلیک نخرید ...
within = "3 روز"              # ... تا این مدت
action = "phone"
delay = "4 ساعت"              # از آن هنگام تا سررسید تماس
cost_per_contact = 30000

[[rule]]
after = "bounced"
action = "post"
cost_per_contact = 20000

[[rule]]
after = "sent"
unless = "opened"             # اگر باز نشد ...
within = "5 روز"              # ... تا این مدت
action = "sms"
cost_per_contact = 500

# نشانهٔ کامیابی: سهم مشتریانی که رویدادی داشته‌اند، یا مبلغی برای هر مشتری
# (measure = "revenue" یا "cost" یا "profit")، تا این تعداد روز پس از تخصیص.
[[indicator]]
name = "نرخ خرید"
event = "converted"
target = 0.06
horizon = 28

[[indicator]]
name = "درآمد هر مشتری"
measure = "revenue"
target = 40000
horizon = 28
"""

_TEXTS = {"en": _ENGLISH, "fa": _PERSIAN}
