"""Two hundred Persian lines such as stand in reports: titles, names, addresses, numbers, mixed scripts."""

import datetime
import re
import string

from crmlab.loaders.sample.persian import WORDS
from crmlab.locale import Language, catalogue, language

_OWN = """
مشتریان وفادار ما چه کسانی‌اند؟
نرخ بازگشت مشتری در شش ماه گذشته
می‌خواهم سفارشم را پیگیری کنم
نمی‌توانیم این کالا را پس بگیریم
کتاب‌های تازه‌رسیدهٔ کتابخانه
خانه‌ای کنار نیزار، جلد دوم
آن‌ها هرگز پاسخی نداده‌اند
پیش‌فاکتور برای شرکت‌های هم‌کار
بزرگ‌ترین مشتریِ عمده‌فروشی
کسب‌وکارهای کوچک و میان‌رده
لالایی برای کالاهای لاکچری
سلام، والا بالای طلا اعلا بود
اسلام‌آباد، ملارد و لاهیجان
کلاً ملاک ارسال رایگان چیست؟
مسئول رسیدگی: خانم مؤمنی
رأی نهایی و تأخیر در تحویل
جزئیات هزینهٔ ارسال کالا
مروّجان و بدگویان فروشگاه
بنّا، نجّار و نقّاش ماهر
گلّهٔ مشتری از بسته‌بندی
پرداخت (نقدی) یا قسطی
تخفیف [ویژهٔ اعضا] تا پایان هفته
«کاری که می‌خواستم آسان انجام شد»
گروه «الف» (آزمون)، گروه «ب» (کنترل)
سود {خالص} و زیان (ناخالص)
تخفیف ((دوگانه)) و [سه‌گانه]
آیا راضی بودید؟ بله! خیر؟
نام؛ نشانی، تلفن: همه لازم‌اند.
قیمت/کیفیت، ارسال/تحویل
عصر - شب: کم‌ترین تماس
NPS در گذر زمان
CSAT سهم پاسخ‌های راضی است
CES (آسانی) به تفکیک نقطهٔ تماس
RFM چیست و چگونه خوانده می‌شود؟
SMS فرستاده شد؛ E-mail برگشت خورد
crmlab گزارش را ساخت
Excel، CSV و Parquet پذیرفته می‌شوند
A/B آزمون دو نسخهٔ پیام
iPhone 15 پرفروش‌ترین گوشی
USB-C کابل شارژ دو متری
JupyterLab (نسخهٔ ۴) را باز کنید
پرونده‌های Excel و CSV را بارگذاری کنید
گزارش را با Jupyter Notebook باز کنید
ستون customer_id در جدول orders نیست
نشانی ali@example.com پذیرفته شد
به سایت www.example.ir سر بزنید
خریدار از Google (تبلیغ) آمد
پیش‌بینی خرید با BG/NBD و Gamma-Gamma
نسخهٔ Python باید 3.11 باشد
کد تخفیف NOROOZ1404 فعال شد
شاخهٔ A در برابر شاخهٔ B
جدول همهٔ مشتریان: customers، SHA-256
لپ‌تاپ Asus با ۱۶ گیگابایت حافظه
تماس با ۰۹۱۲۳۴۵۶۷۸۹ در ساعت ۱۰:۳۰
شمارهٔ +98 21 8888 1234 پاسخ نمی‌دهد
کد پستی ۱۱۹۳۶۵۴۷۱۱، پلاک ۱۲/۳
ساعت کاری: ۸:۳۰ تا ۱۷:۰۰
نسبت ۳ به ۱، میانگین ۴٫۵ از ۵
۱۲ سفارش در ۳ ماه
۳۰ روز بدون خرید (خفته)
۵۰۰٬۰۰۰ تومان اعتبار هدیه
۲۴ ساعته، ۷ روز هفته
۱۴۰۳/۰۵/۱۲ آخرین خرید
سال ۱۴۰۳؛ فصل ۲؛ هفتهٔ ۲۷
بازهٔ اطمینان ۹۵٪ (از ۱۲ تا ۱۸)
بین ۱۰٪ و ۲۰٪ تخفیف
تغییر: ‎−۳٫۲ تا ‎+۱٫۵ امتیاز
از ‎−۱۰۰ تا ۱۰۰ امتیاز (NPS)
مبلغ‌های منفی (‎−۲۵۰٬۰۰۰ ریال) مرجوعی‌اند
سه معیار: ۱) تازگی ۲) دفعات ۳) مبلغ
"""


def _names() -> list[str]:
    given = [*WORDS.female][:60:9] + [*WORDS.male][:60:9]
    return [f"{name} {family}" for name, family in zip(given, [*WORDS.surnames][::4], strict=False)]


def _goods() -> list[str]:
    places = [
        f"{city}، {WORDS.address.format(street=street, number=number)}"
        for number, ((city, _, _), street) in enumerate(
            zip(WORDS.cities[2::2], WORDS.streets, strict=False), 7
        )
    ]
    return [*[*WORDS.products.values()][::3], *WORDS.titles["رمان"][:8], *places]


def _numbers(fa: Language) -> list[str]:
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=67 * step) for step in range(5)]
    amounts = [12.5, -12.5, 0.04, -1234.56, 1_234_567, -88]
    return [
        *(f"از {fa.day(day)} تا {fa.day(day + datetime.timedelta(days=90))}" for day in days),
        *(f"میانگین {fa.month(day)}: {fa.number(100 + step)} سفارش" for step, day in enumerate(days)),
        *(f"تغییر {fa.percent(amount / 100)} نسبت به ماه پیش" for amount in amounts),
        *(f"{fa.percent(abs(amount) / 100)} از مشتریان (بی‌پاسخ)" for amount in amounts[:4]),
        *(f"درآمد {fa.money(amount * 1000, 0, 'IRT')}" for amount in amounts),
        *(f"NPS برابر {fa.number(amount, 1)} (n = {fa.number(240)})" for amount in amounts[:4]),
    ]


def _catalogue(fa: Language) -> list[str]:
    """Short texts of the catalogue, their fields filled in; numbers alone have no letters to join."""
    fields_of, lines = string.Formatter().parse, []
    for text, translation in sorted(catalogue("fa").items()):
        fields = {name: 48213 if form else fa.percent(0.125) for _, name, form, _ in fields_of(text) if name}
        line = fa(text, **fields)
        words = re.search("[\u0622-\u06cc]{2}", line)
        if words and 8 <= len(line) <= 70 and not set(translation) & set("#*`\n") and text != "{x}: {y}":
            lines.append(line)
    return lines


def persian_strings(n: int = 200) -> list[str]:
    """The same `n` different lines each time; each has letters to be joined."""
    fa = language("fa")
    lines = [*_OWN.strip().splitlines(), *_names(), *_goods(), *_numbers(fa), *_catalogue(fa)]
    return list(dict.fromkeys(lines))[:n]
