"""Words that say nothing of what a text is about, English and Persian: in one form, without half-spaces."""

_ENGLISH = """
a about above after again against ago all almost along already also although always am among an and
another any anybody anyone anything are aren't around as ask asked at away be because been before began
being below between both but by came can can't cannot come could couldn't did didn't do does doesn't doing
don't done down during each either else enough even ever every everybody everyone everything few first for
from further gave get gets getting give given go goes going gone got had hadn't has hasn't have haven't
having he he'd he's her here hers herself him himself his how however i i'd i'll i'm i've if in indeed
into is isn't it it's its itself just keep kept know last least less let like made make makes many may
maybe me might mine more most much must my myself need never no nobody none nor not nothing now of off
often on once one only onto or other others our ours ourselves out over own per perhaps put quite rather
really said same say see seem seems several shall she should shouldn't since so some somebody someone
something soon still such take taken than that that's the their theirs them themselves then there there's
these they they'd they're they've thing things this those though through thus to together too took toward
two under until up upon us use used very via want wants was wasn't we we'd we'll we're we've well went
were weren't what when where whether which while who whole whom whose why will with within without won't
would wouldn't yet you you'd you'll you're you've your yours yourself dear hello hi madam morning evening
please regards sincerely sir sorry thank thanks
"""
_PERSIAN = """
آن آنان آنجا آنچه آنرا آنقدر آنها آنهم آنکه آیا ابتدا از است استفاده اش اصلا اگر اگه الان البته ام اما
امروز اند انگار او اول اونا اون اونم اونها ای اید ایشان ایم این اینجا اینطور اینقدر اینم اینها اینکه با
بار باز باشد باشم باشه باشند باشید باعث بالا بالاخره باید بخاطر بدون بر برا برام برای برایش برایم بسیار
بسیاری بشه بعد بعدا بعضی بلکه بنابراین بنظر بنظرم به بهترین بود بوده بودم بودن بودند بودی بودید بودیم بی
بیش بیشتر بین پایین پس پیش تا تان تر ترین تمام تنها تو توسط توی جز جلو چرا چقدر چنان چند چنین چه چون چی
چیز چیزی حال حالا حتما حتی حدود خب خود خودتان خودش خودم خودمان خیلی داد دادم دادن داده دادند دارد دارم
دارن دارند داره داری دارید داریم داشت داشتم داشتن داشته داشتند داشتیم در درباره دقیقا دو دوباره دیگر
دیگران دیگه را راجع رفت رفته رو روز روی زیاد زیر سپس سر سعی سلام سه شاید شان شد شدم شدن شدند شده شما شماها
شود شون شوند شه صرفا ضمن طبق طور طوری طی ظاهرا عدم علاوه علیه عین غیر فرد فقط قابل قبل قبلا قرار کدام کرد
کردم کردن کرده کردند کردید کردیم کس کسی کل کلا کم کمتر کمی کن کنار کند کنم کنند کنه کنی کنید کنیم که کی
گاهی گذاشت گرفت گرفته گفت گفتم گفته گفتند گویا لطفا لیکن ما ماست مان مانند متاسفانه مثل مثلا مگر من مدت
مرا مورد مون می میان میخواهم میشد میشه میشود میشوند میکرد میکردم میکند میکنم میکنند میکنه میکنید میکنیم
میباشد میباشند میدهد میدهند میده میگوید میگه نباشد نباید نبود نبوده نخواهد ندارد ندارم ندارند نداره نداشت
نداشتم نداشته نزد نسبت نشد نشده نظر نمی نمیشود نمیشه نمیکند نمیکنم نمیکنه نه نیز نیست نیستم نیستند ها های
هاش هاشون هایی هر هرچند هرگز هست هستش هستم هستند هستن هستید هستیم هم همان همچنان همچنین همش همه همون همیشه
همین هنوز هیچ هیچکدام و واسه واقعا ولی وقتی وگرنه وی یا یابد یعنی یک یکی یه احترام باسلام ببخشید تشکر درود
سپاس سپاسگزارم ممنون ممنونم مرسی
"""
STOP_WORDS = frozenset(_ENGLISH.split()) | frozenset(_PERSIAN.split())
