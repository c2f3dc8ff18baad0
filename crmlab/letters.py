"""Persian and Latin letters, digits and spaces in one form: what Unicode writes in several ways."""

from __future__ import annotations

import re
import unicodedata

ZWNJ = "\u200c"

_ARABIC_TO_PERSIAN = {
    "ي": "ی", "ى": "ی", "ې": "ی", "ے": "ی", "ك": "ک", "ڪ": "ک",
    "ۓ": "ی", "ة": "ه", "ۀ": "ه", "ھ": "ه", "ہ": "ه", "ۂ": "ه", "ە": "ه", "ۃ": "ه",
    "أ": "ا", "إ": "ا", "ٱ": "ا",
}  # fmt: skip
_DIGITS = {chr(zero + n): str(n) for zero in (0x0660, 0x06F0) for n in range(10)}
#: Signs that cannot be seen, tatweel, and the marks of vowels and of the Koran.
_REMOVED = [
    *range(0x09), *range(0x0E, 0x1C), 0x7F, 0x00AD, 0x0640, 0x0670, *range(0x0610, 0x061B),
    *range(0x064B, 0x0660), 0x061C, *range(0x06D6, 0x06DD), *range(0x06DF, 0x06E5), 0x06E7, 0x06E8,
    *range(0x06EA, 0x06EE), 0x180E, 0x200B, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F),
    *range(0x2060, 0x2065), *range(0x2066, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC),
]  # fmt: skip
_SPACES = [*range(0x09, 0x0E), *range(0x1C, 0x20), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029,
           0x202F, 0x205F, 0x3000]  # fmt: skip
_PRESENTATION_FORMS = [*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFF)]


def _forms() -> dict[int, str | None]:
    table: dict[int, str | None] = {ord(a): b for a, b in (_ARABIC_TO_PERSIAN | _DIGITS).items()}
    table |= dict.fromkeys(_REMOVED) | dict.fromkeys(_SPACES, " ")
    for code in _PRESENTATION_FORMS:
        plain = unicodedata.normalize("NFKC", chr(code))
        if plain != chr(code):
            table[code] = plain.translate(table).strip()
    return table


#: Each code point that is not in its one form, and that form; what is removed has none.
FORMS = _forms()
_BLANK = f" {ZWNJ}"


def fold(text: str) -> str:
    """One text in its one form of letters, digits and spaces; half-spaces stay.

    Examples
    --------
    >>> fold("  علي  كاظمي ۱۲")
    'علی کاظمی 12'
    """
    # Unicode joins a hamza to the Arabic ye only.
    text = unicodedata.normalize("NFC", text.replace("ی\u0654", "ئ")).translate(FORMS)
    if not text.isascii():
        # A removed mark may have stood between a letter and its accent.
        text = unicodedata.normalize("NFC", text)
    if ZWNJ in text:
        text = re.sub(f"[{_BLANK}]+", lambda join: " " if " " in join[0] else ZWNJ, text)
    return (re.sub(" +", " ", text) if "  " in text else text).strip(_BLANK)
