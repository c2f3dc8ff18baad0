"""The contract: what a clean customer relationship table is.

Every table a workspace may hold stands here once: its grain, key and columns, with type,
unit, allowed values and what a missing value means. Loaders use it to name and type
columns, cleansing to repair them, tests and documentation to check and describe them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crmlab.contract import ROW_NUMBER, Column, Table, hold_to
from crmlab.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

CHANNELS = {
    "web": ("website", "online", "internet", "site", "www", "وب", "سایت", "وبسایت", "اینترنت"),
    "email": ("e-mail", "mail", "e mail", "ایمیل", "پست الکترونیک", "رایانامه"),
    "phone": ("tel", "telephone", "call", "call center", "call centre", "تلفن", "تماس"),
    "sms": ("text message", "mms", "پیامک", "اس ام اس"),
    "fax": ("telefax", "فکس", "نمابر", "دورنگار"),
    "post": ("letter", "direct mail", "postal", "پست", "نامه"),
    "social": ("social media", "instagram", "telegram", "شبکه اجتماعی", "اینستاگرام", "تلگرام"),
    "in_person": ("shop", "store", "branch", "face to face", "in person", "فروشگاه", "حضوری", "شعبه"),
    "app": ("mobile app", "application", "اپ", "اپلیکیشن", "برنامه"),
    "partner": ("reseller", "dealer", "agent", "همکار", "نماینده", "شریک"),
}
YES_NO = {
    True: ("true", "yes", "y", "1", "t", "بله", "آری", "دارد", "فعال"),
    False: ("false", "no", "n", "0", "f", "خیر", "نه", "ندارد", "غیرفعال"),
}

_customer = Column(
    "customer_id", "id", "the customer", required=True,
    headings=("customer", "customer no", "customer number", "cust id", "client id", "client",
              "user id", "member id", "patron id", "patron", "passenger id", "account id", "id",
              "شماره مشتری", "کد مشتری", "شناسه مشتری", "مشتری", "شماره عضویت"),
)  # fmt: skip
_customer_or_none = Column(
    "customer_id", "id", "the customer", missing="an anonymous person", headings=_customer.headings
)
_time_headings = ("date", "datetime", "timestamp", "day", "when", "created at", "تاریخ", "زمان",
                  "تاریخ و زمان")  # fmt: skip
_channel = Column(
    "channel", "category", "the touch point through which it happened", allowed=CHANNELS,
    headings=("medium", "contact channel", "کانال", "روش تماس", "مجرا"),
)  # fmt: skip
_staff = Column(
    "staff_id", "id", "the staff member who acted", missing="nobody in person",
    headings=("staff", "agent", "agent id", "employee", "sales agent", "کارمند", "کارشناس", "کد کارمند"),
)  # fmt: skip
_product = Column(
    "product_id", "id", "the product", headings=(
        "product", "sku", "stock code", "stockcode", "item", "item id", "title id", "article",
        "کد کالا", "کالا", "محصول", "کد محصول"),
)  # fmt: skip

_ALL = (
    Table("customers", "one row per customer record", ("customer_id",), (
        replace(_customer, default=ROW_NUMBER),
        Column("first_name", "name", "given name",
               headings=("given name", "firstname", "forename", "نام", "نام کوچک")),
        Column("last_name", "name", "family name",
               headings=("family name", "surname", "lastname", "نام خانوادگی", "فامیل", "شهرت")),
        Column("gender", "category", "gender as stated",
               allowed={"female": ("f", "w", "woman", "ms", "mrs", "زن", "خانم", "مونث"),
                        "male": ("m", "man", "mr", "مرد", "آقا", "مذکر"),
                        "other": ("x", "d", "diverse", "nonbinary", "دیگر")},
               missing="not stated", headings=("sex", "جنسیت", "جنس")),
        Column("birth_date", "date", "day of birth",
               headings=("date of birth", "dob", "born", "birthday", "تاریخ تولد", "تولد")),
        Column("email", "email", "e-mail address",
               headings=("e-mail", "mail", "email address", "ایمیل", "پست الکترونیک", "رایانامه")),
        Column("phone", "phone", "telephone number, E.164",
               headings=("mobile", "telephone", "tel", "phone number", "cell", "تلفن", "موبایل",
                         "تلفن همراه", "شماره تماس", "همراه")),
        Column("national_id", "id", "national identity number",
               headings=("national code", "ssn", "کد ملی", "شماره ملی")),
        Column("address", "text", "street address", headings=("street", "نشانی", "آدرس")),
        Column("city", "text", "city", headings=("town", "شهر")),
        Column("province", "text", "province or state", headings=("state", "region", "استان")),
        Column("postcode", "id", "postal code",
               headings=("zip", "zip code", "postal code", "کد پستی", "کدپستی")),
        Column("country", "text", "country", headings=("کشور",)),
        Column("channel", "category", "the touch point that brought the customer", allowed=CHANNELS,
               headings=("acquisition channel", "source", "نحوه آشنایی", "کانال جذب")),
        Column("registered_at", "date", "day of registration",
               headings=("registered", "registration date", "signup date", "since", "member since",
                         "client since", "customer since", "joined", "joined on", "join date", "date joined",
                         "تاریخ ثبت نام", "تاریخ عضویت")),
    )),
    Table("orders", "one row per order line; a return has a negative quantity or amount", (), (
        Column("order_id", "id", "the order (invoice, basket, loan)", required=True, default=ROW_NUMBER,
               headings=("order", "order no", "invoice", "invoice no", "invoiceno", "basket id",
                         "transaction id", "receipt", "loan id", "شماره سفارش", "شماره فاکتور",
                         "فاکتور", "سفارش")),
        _customer,
        Column("time", "time", "when it was ordered", required=True,
               headings=(*_time_headings, "order date", "invoice date", "invoicedate",
                         "purchase date", "loan date", "تاریخ سفارش", "تاریخ خرید", "تاریخ فاکتور")),
        _product,
        Column("quantity", "integer", "pieces; negative for a return", required=True, default=1,
               unit="pieces",
               headings=("qty", "count", "pcs", "pieces", "number of items", "number of cds", "تعداد",
                         "مقدار")),
        Column("unit_price", "money", "price of one piece", unit="minor units of the currency",
               missing="only the amount is known",
               headings=("price", "unitprice", "unit cost", "قیمت", "قیمت واحد", "فی")),
        Column("discount", "money", "reduction of the line's amount", minimum=0,
               unit="minor units of the currency", missing="none",
               headings=("rebate", "reduction", "تخفیف")),
        Column("amount", "money", "what the line came to: quantity x unit price - discount",
               required=True, unit="minor units of the currency",
               headings=("total", "sales", "revenue", "dollar value", "value", "line total",
                         "spend", "مبلغ", "مبلغ کل", "جمع")),
        _channel,
        Column("promotion", "text", "the promotion under which it was bought", missing="no promotion",
               headings=("promo", "promotion code", "coupon", "voucher", "کد تخفیف", "جشنواره")),
    ), log=True),
    Table("products", "one row per product", ("product_id",), (
        Column("product_id", "id", "the product", required=True, headings=_product.headings),
        Column("name", "text", "name of the product",
               headings=("product name", "description", "title", "نام کالا", "نام محصول", "شرح", "عنوان")),
        Column("category", "text", "product group", headings=("group", "series", "گروه", "دسته")),
        Column("unit_price", "money", "list price of one piece", minimum=0,
               unit="minor units of the currency", headings=("price", "list price", "sales price", "قیمت")),
        Column("unit_cost", "money", "cost of one piece", minimum=0,
               unit="minor units of the currency", headings=("cost", "cost price", "بهای تمام شده")),
        Column("stock", "integer", "pieces in stock", unit="pieces",
               headings=("in stock", "inventory", "stock level", "موجودی")),
    )),
    Table("interactions", "one row per contact at any touch point", ("interaction_id",), (
        Column("interaction_id", "id", "the contact", required=True, default=ROW_NUMBER,
               headings=("interaction", "id", "contact id", "event id", "شماره تماس مشتری", "شناسه تماس")),
        _customer_or_none,
        Column("time", "time", "when it happened", required=True, headings=_time_headings),
        _channel,
        Column("direction", "category", "who began it",
               allowed={"inbound": ("in", "incoming", "ورودی", "دریافتی"),
                        "outbound": ("out", "outgoing", "خروجی", "ارسالی")},
               headings=("جهت",)),
        _staff,
        Column("subject", "text", "what it was about", headings=("reason", "موضوع")),
    ), log=True),
    Table("leads", "one row per submitted web form", ("lead_id",), (
        Column("lead_id", "id", "the submission", required=True, default=ROW_NUMBER,
               headings=("lead", "id", "submission id", "form id", "شناسه فرم")),
        Column("time", "time", "when it was submitted", required=True,
               headings=(*_time_headings, "submitted", "submitted at")),
        Column("full_name", "name", "name as typed", headings=("name", "نام و نام خانوادگی")),
        Column("email", "email", "e-mail address", headings=("e-mail", "mail", "ایمیل")),
        Column("phone", "phone", "telephone number, E.164", headings=("mobile", "tel", "تلفن", "موبایل")),
        Column("interest", "text", "product or group asked for", headings=("product", "علاقه")),
        Column("message", "text", "free text of the form", headings=("comment", "text", "پیام", "متن")),
        Column("status", "category", "what became of it",
               allowed={"new": ("open", "جدید"), "contacted": ("called", "تماس گرفته شد"),
                        "qualified": ("واجد شرایط",), "converted": ("won", "مشتری شد"),
                        "lost": ("closed", "از دست رفت")},
               headings=("lead status", "وضعیت")),
        Column("customer_id", "id", "the customer the lead became", missing="not a customer (yet)",
               headings=_customer.headings),
    )),
    Table("opportunities", "one row per sales opportunity", ("opportunity_id",), (
        Column("opportunity_id", "id", "the opportunity", required=True,
               headings=("opportunity", "id", "deal id", "شناسه فرصت")),
        Column("customer_id", "id", "the customer or account", missing="not yet named",
               headings=(*_customer.headings, "account")),
        _product,
        _staff,
        Column("stage", "category", "where in the pipeline it stands", required=True,
               allowed={"prospecting": ("prospect", "new", "شناسایی"),
                        "qualified": ("qualification", "واجد شرایط"),
                        "engaging": ("engaged", "negotiation", "demo", "در گفت‌وگو"),
                        "proposal": ("quote", "offer", "پیشنهاد"),
                        "won": ("closed won", "برنده", "موفق"), "lost": ("closed lost", "ناموفق")},
               headings=("deal stage", "status", "مرحله")),
        Column("opened_at", "date", "day the work on it began",
               headings=("engage date", "created", "open date", "تاریخ شروع")),
        Column("closed_at", "date", "day it was won or lost", missing="still open",
               headings=("close date", "closed", "تاریخ پایان")),
        Column("value", "money", "value when closed, or as expected", minimum=0,
               unit="minor units of the currency", headings=("close value", "amount", "ارزش", "مبلغ")),
    )),
    Table("tickets", "one row per status that a request or complaint took", ("ticket_id", "time", "status"), (
        Column("ticket_id", "id", "the request or complaint", required=True,
               headings=("ticket", "id", "case id", "incident", "number", "request id", "شماره درخواست",
                         "شماره شکایت")),
        _customer_or_none,
        Column("time", "time", "when it took this status", required=True,
               headings=(*_time_headings, "complete timestamp", "updated at")),
        Column("status", "category", "the status it took", required=True,
               allowed={"opened": ("new", "open", "registered", "ثبت شد", "باز"),
                        "assigned": ("active", "in progress", "ارجاع شد"),
                        "waiting": ("on hold", "awaiting", "awaiting user info", "awaiting vendor",
                                    "awaiting problem", "awaiting evidence", "در انتظار"),
                        "answered": ("replied", "responded", "پاسخ داده شد"),
                        "resolved": ("solved", "fixed", "حل شد"),
                        "reopened": ("re-opened", "بازگشایی شد"),
                        "closed": ("close", "done", "بسته شد")},
               headings=("state", "activity", "incident state", "وضعیت")),
        Column("kind", "category", "what it is",
               allowed={"request": ("service request", "درخواست"), "complaint": ("شکایت",),
                        "question": ("inquiry", "سوال", "پرسش"), "praise": ("compliment", "تقدیر")},
               headings=("type", "ticket type", "نوع")),
        Column("topic", "text", "what it is about", headings=("subject", "product", "موضوع")),
        _channel,
        _staff,
        Column("department", "text", "department that has it", headings=("team", "group", "واحد", "بخش")),
        Column("priority", "category", "priority",
               allowed={"low": ("4", "کم"), "normal": ("3", "medium", "moderate", "عادی"),
                        "high": ("2", "زیاد"), "urgent": ("1", "critical", "فوری")},
               headings=("severity", "اولویت")),
        Column("comment", "text", "words of the customer",
               headings=("description", "text", "message", "شرح", "متن")),
    ), log=True),
    Table("surveys", "one row per answer to one question", (), (
        Column("response_id", "id", "the filled-in questionnaire", required=True, default=ROW_NUMBER,
               headings=("response", "respondent", "id", "شماره پاسخ")),
        Column("customer_id", "id", "who answered", missing="anonymous", headings=_customer.headings),
        Column("time", "time", "when it was answered", missing="undated: left out of trends",
               headings=(*_time_headings, "answered at", "answered on", "answered", "survey date",
                         "تاریخ پاسخ")),
        Column("touch_point", "text", "the encounter it is about", missing="the relationship as a whole",
               headings=("touchpoint", "journey step", "service", "نقطه تماس")),
        Column("metric", "category", "which measure the answer feeds", required=True,
               allowed={"nps": ("net promoter score", "recommend"), "csat": ("satisfaction", "رضایت"),
                        "ces": ("effort", "customer effort score"), "expectation": ("expected", "انتظار"),
                        "item": ("other", "rating", "گویه")}, headings=("measure", "kind", "شاخص")),
        Column("question", "text", "the question as asked", headings=("item", "پرسش", "سوال")),
        Column("score", "number", "the answer", missing="no answer, or not applicable",
               headings=("answer", "rating", "value", "امتیاز", "پاسخ", "نمره")),
        Column("scale_low", "number", "lowest answer the scale allows", required=True,
               headings=("scale min", "scale from")),
        Column("scale_high", "number", "highest answer the scale allows (best)", required=True,
               headings=("scale max", "scale to")),
        Column("comment", "text", "free text beside the answer", headings=("text", "remark", "نظر", "توضیح")),
        Column("respondent", "category", "outside customer or department inside",
               allowed={"external": ("customer", "مشتری", "بیرونی"),
                        "internal": ("department", "employee", "داخلی", "همکار")},
               missing="external", headings=("audience",)),
        Column("department", "text", "department asked about or asking", headings=("unit", "واحد", "بخش")),
    ), log=True),
    Table("campaigns", "one row per campaign", ("campaign_id",), (
        Column("campaign_id", "id", "the campaign", required=True,
               headings=("campaign", "کد کمپین", "کمپین", "پویش")),
        Column("name", "text", "its name", headings=("campaign name", "title", "نام کمپین", "عنوان")),
        Column("goal", "text", "what it is for", headings=("objective", "هدف")),
        Column("segment", "text", "whom it addresses", headings=("audience", "target", "بخش هدف")),
        _channel,
        Column("started_at", "date", "first day", headings=("start", "start date", "تاریخ شروع")),
        Column("ended_at", "date", "last day", missing="still running",
               headings=("end", "end date", "تاریخ پایان")),
        Column("control_arm", "text", "name of the arm that is not contacted", missing="no control group",
               headings=("control", "گروه کنترل")),
        Column("budget", "money", "money set aside", minimum=0, unit="minor units of the currency",
               headings=("بودجه",)),
        Column("cost_per_contact", "money", "cost of one contact", minimum=0,
               unit="minor units of the currency", headings=("contact cost", "هزینه هر تماس")),
    )),
    Table("campaign_events", "one row per thing that happened to a customer in a campaign", (), (
        Column("campaign_id", "id", "the campaign", required=True,
               headings=("campaign", "کد کمپین", "کمپین")),
        _customer,
        Column("time", "time", "when it happened", missing="not recorded: left out of day curves",
               headings=_time_headings),
        Column("event", "category", "what happened", required=True,
               allowed={"assigned": ("selected", "تخصیص"), "sent": ("mailed", "ارسال"),
                        "delivered": ("received", "تحویل"), "bounced": ("undeliverable", "برگشت"),
                        "opened": ("open", "باز"), "clicked": ("click", "کلیک"),
                        "visited": ("visit", "بازدید"),
                        "converted": ("conversion", "purchase", "bought", "response", "خرید"),
                        "unsubscribed": ("opt-out", "optout", "لغو")},
               headings=("action", "event type", "رویداد")),
        Column("arm", "text", "the arm the customer was put into", required=True,
               headings=("group", "variant", "treatment", "گروه")),
        _channel,
        Column("link", "text", "which link or answer it was", missing="not recorded",
               headings=("url", "button", "پیوند", "لینک")),
        Column("value", "money", "revenue of the event", unit="minor units of the currency",
               missing="none", headings=("revenue", "spend", "amount", "مبلغ")),
    ), log=True),
    Table("staff", "one row per member of staff", ("staff_id",), (
        Column("staff_id", "id", "the staff member", required=True, headings=_staff.headings),
        Column("name", "name", "name", headings=("full name", "نام")),
        Column("department", "text", "department", headings=("team", "office", "واحد", "بخش")),
        Column("role", "text", "what they do", headings=("job", "position", "سمت")),
    )),
    Table("consents", "one row per permission given or withdrawn", (), (
        Column("customer_id", "id", "who gave or withdrew it", missing="only the contact is known",
               headings=_customer.headings),
        Column("contact", "text", "the address or number it is about", missing="all of the customer's",
               headings=("email", "phone", "address")),
        Column("channel", "category", "the channel it is about", allowed=CHANNELS, missing="all channels",
               headings=("کانال",)),
        Column("given", "boolean", "True: may be contacted; False: opted out", required=True,
               headings=("opt in", "consent", "allowed", "رضایت", "اجازه")),
        Column("time", "time", "when", required=True, headings=_time_headings),
        Column("source", "text", "how it reached us", headings=("origin", "منبع")),
    )),
)  # fmt: skip

TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}


#: Columns that say who a person is. Reports hold none of them unless they were asked for.
IDENTIFIERS = frozenset({"national_id", "address", "contact"}) | {
    column.name
    for name in ("customers", "leads")
    for column in TABLES[name].columns
    if column.kind in ("name", "email", "phone")
}


def table(name: str) -> Table:
    """Contract of the table called `name`.

    Raises
    ------
    ParameterError
        If there is no such table; the nearest name is suggested.

    Examples
    --------
    >>> table("orders").required
    ['order_id', 'customer_id', 'time', 'quantity', 'amount']
    """
    if name not in TABLES:
        raise ParameterError(f"There is no table called {name!r}" + did_you_mean(name, TABLES))
    return TABLES[name]


def describe(name: str) -> pd.DataFrame:
    """The contract of a table as a frame: one row per column.

    Returns
    -------
    DataFrame
        Indexed by column name; columns `type`, `required`, `unit`, `allowed`, `missing`
        (what a missing value means) and `meaning`.

    Examples
    --------
    >>> describe("products").loc["stock", ["type", "unit"]].tolist()
    ['integer', 'pieces']
    """
    import pandas as pd

    rows = [
        {
            "column": column.name,
            "type": column.kind,
            "required": column.required,
            "unit": column.unit,
            "allowed": ", ".join(column.allowed or ()),
            "missing": "not allowed" if column.required else column.missing,
            "meaning": column.meaning,
        }
        for column in table(name).columns
    ]
    return pd.DataFrame(rows).set_index("column")


def validate(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return `frame` if it obeys the contract of table `name`, else say where it does not.

    Parameters
    ----------
    frame : DataFrame
        A clean table; further columns are allowed and not looked at.
    name : str
        One of the contract's tables.

    Raises
    ------
    TableError
        Naming table, column, rule, number of rows and the first offending rows; values are not
        shown, as they may be personal.

    Examples
    --------
    >>> import pandas as pd
    >>> validate(pd.DataFrame({"product_id": ["a", None]}), "products")
    Traceback (most recent call last):
    crmlab.errors.TableError: Table products, column product_id: a value is required (1 row, at 1).
    """
    return hold_to(frame, table(name))
