"""How a Persian line must look, from the rules alone: order by UAX #9, joined forms by the font's tables.

None of the libraries under test is asked: neither matplotlib (libraqm, SheenBidi, HarfBuzz) nor the
browser (ICU, HarfBuzz).
"""

import unicodedata
from functools import cache
from pathlib import Path

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

FONTS = Path(__file__).parents[2] / "crmlab" / "fonts"
#: Letters that join on both sides, and those that join only what comes before them (Joining_Type D and R).
_JOIN_BOTH = frozenset("بپتثجچحخسشصضطظعغفقکگلمنهیئكيىـ")
_JOIN_BEFORE = frozenset("آأإاةدذرزژوؤۀ")
_MIRRORED = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))
_OPENING = dict(zip("([{", ")]}", strict=True))
_RIGHT_TO_LEFT, _LEFT_TO_RIGHT = 1, 2

#: Number of a glyph that is not in the font.
STRANGE = -1


def forms(text: str) -> list[str]:
    """Joined form of each character: ``isol``, ``init``, ``medi`` or ``fina``; empty for all others."""
    shown = [place for place, char in enumerate(text) if unicodedata.category(char) != "Mn"]
    found = [""] * len(text)
    for before, place, after in zip([None, *shown], shown, [*shown[1:], None], strict=False):
        char = text[place]
        if char not in _JOIN_BOTH | _JOIN_BEFORE:
            continue
        joins_before = before is not None and text[before] in _JOIN_BOTH
        joins_after = char in _JOIN_BOTH and after is not None and text[after] in _JOIN_BOTH | _JOIN_BEFORE
        found[place] = {
            (False, False): "isol",
            (False, True): "init",
            (True, True): "medi",
            (True, False): "fina",
        }[joins_before, joins_after]
    return found


def levels(text: str) -> list[int]:
    """Levels of the bidirectional algorithm in a right-to-left paragraph, for text without embeddings."""
    kinds = [unicodedata.bidirectional(char) for char in text]
    kept = [place for place, kind in enumerate(kinds) if kind != "BN"]
    weak = _resolve_weak([kinds[place] for place in kept])
    strong = _resolve_neutral([text[place] for place in kept], weak)
    result = [_RIGHT_TO_LEFT] * len(text)
    for place, kind in zip(kept, strong, strict=True):
        result[place] = _RIGHT_TO_LEFT if kind == "R" else _LEFT_TO_RIGHT
    return result


def _resolve_weak(kinds: list[str]) -> list[str]:
    """Rules W1 to W7."""
    kinds, last = list(kinds), "R"
    for place, kind in enumerate(kinds):  # W1: marks are of the kind of their letter
        if kind == "NSM":
            kinds[place] = kinds[place - 1] if place else "R"
    for place, kind in enumerate(kinds):  # W2: European numbers after Arabic letters
        if kind in ("L", "R", "AL"):
            last = kind
        elif kind == "EN" and last == "AL":
            kinds[place] = "AN"
    kinds = ["R" if kind == "AL" else kind for kind in kinds]  # W3
    for place in range(1, len(kinds) - 1):  # W4: one separator between two numbers of a kind
        before, kind, after = kinds[place - 1 : place + 2]
        if before == after and (kind, before) in {("ES", "EN"), ("CS", "EN"), ("CS", "AN")}:
            kinds[place] = before
    for place, kind in enumerate(kinds):  # W5: signs beside European numbers
        if kind == "ET":
            end = next((after for after in range(place, len(kinds)) if kinds[after] != "ET"), len(kinds))
            beside = {kinds[place - 1]} if place else set()
            if "EN" in beside | set(kinds[end : end + 1]):
                kinds[place] = "EN"
    kinds = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in kinds]  # W6
    last = "R"
    for place, kind in enumerate(kinds):  # W7: European numbers in Latin text
        if kind in ("L", "R"):
            last = kind
        elif kind == "EN" and last == "L":
            kinds[place] = "L"
    return kinds


def _resolve_neutral(chars: list[str], kinds: list[str]) -> list[str]:
    """Rules N0 to N2, and numbers kept as they are."""

    def side(kind: str) -> str:
        return {"EN": "R", "AN": "R"}.get(kind, kind)

    kinds = list(kinds)
    for opening, closing in _pairs(chars, kinds):  # N0: brackets
        inside = {side(kind) for kind in kinds[opening + 1 : closing]}
        if "R" in inside:
            kinds[opening] = kinds[closing] = "R"
        elif "L" in inside:
            before = next((side(kind) for kind in reversed(kinds[:opening]) if side(kind) in "LR"), "R")
            kinds[opening] = kinds[closing] = before
    start = 0
    while start < len(kinds):  # N1 and N2: between two sides, else the paragraph's
        if side(kinds[start]) in "LR":
            start += 1
            continue
        end = next((after for after in range(start, len(kinds)) if side(kinds[after]) in "LR"), len(kinds))
        before = side(kinds[start - 1]) if start else "R"
        after = side(kinds[end]) if end < len(kinds) else "R"
        kinds[start:end] = [before if before == after else "R"] * (end - start)
        start = end
    return kinds


def _pairs(chars: list[str], kinds: list[str]) -> list[tuple[int, int]]:
    """Places of brackets that belong together, in the order of the opening ones."""
    waiting, found = [], []
    for place, char in enumerate(chars):
        if kinds[place] != "ON":
            continue
        if char in _OPENING:
            waiting.append((place, _OPENING[char]))
        elif any(char == closing for _, closing in waiting):
            while True:
                opening, closing = waiting.pop()
                if closing == char:
                    found.append((opening, place))
                    break
    return sorted(found)


def visual_order(text: str) -> list[int]:
    """Places of the characters of `text` from left to right (rule L2)."""
    level = levels(text)
    order = list(range(len(text)))
    for least in (_LEFT_TO_RIGHT, _RIGHT_TO_LEFT):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and level[order[end]] >= least:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = max(end, start + 1)
    return order


class Font:
    """A font file: the glyphs that a line must be drawn with.

    Parameters
    ----------
    name
        File in the package's folder of fonts.
    """

    def __init__(self, name: str = "Vazirmatn-Regular.ttf") -> None:
        self.path = FONTS / name
        file = TTFont(self.path)
        self._ids = file.getReverseGlyphMap()
        self._glyphs = file.getBestCmap()
        table = file["GSUB"].table
        lookups = table.LookupList.Lookup
        features: dict[str, list] = {}
        for record in table.FeatureList.FeatureRecord:
            for index in record.Feature.LookupListIndex:
                features.setdefault(record.FeatureTag, []).extend(lookups[index].SubTable)
        self._forms = {
            form: {old: new for part in features[form] for old, new in part.mapping.items()}
            for form in ("init", "medi", "fina")
        }
        self._ligatures = {
            (first, *ligature.Component): ligature.LigGlyph
            for part in features["rlig"] + features["liga"]
            for first, ligatures in part.ligatures.items()
            for ligature in ligatures
        }
        #: Variants for certain neighbours (`calt`) to the glyph they are a variant of.
        self._plain = {
            self._ids[new]: self._ids[old]
            for part in features["calt"]
            for record in part.SubstLookupRecord
            for single in lookups[record.LookupListIndex].SubTable
            for old, new in single.mapping.items()
        }
        #: Outline to the first glyph that has it; blanks and vowel marks are not told apart.
        self._first: dict[tuple, int] = {}
        self._outlines = outlines_of(file)
        for glyph, outline in enumerate(self._outlines):
            self._first.setdefault(outline, glyph)
        marks = {char for char in self._glyphs if unicodedata.category(chr(char)) == "Mn"}
        self._unseen = {self._ids[self._glyphs[char]] for char in marks}

    def plain(self, glyphs: list[int]) -> list[int]:
        """Glyphs without blanks and vowel marks; those that differ at most by their neighbours made one."""
        joined = [self._plain.get(glyph, glyph) for glyph in glyphs if glyph not in self._unseen]
        known = {glyph: self._first[self._outlines[glyph]] for glyph in joined if glyph != STRANGE}
        return [known.get(glyph, STRANGE) for glyph in joined if glyph == STRANGE or self._outlines[glyph]]

    def find(self, outline: tuple) -> int:
        """The first glyph with this outline, however another file numbers it."""
        return self._first.get(outline, STRANGE)

    def line(self, text: str) -> list[int]:
        """Glyphs that `text` must be drawn with, from left to right, as `plain` gives them."""
        level = levels(text)
        names: list[str] = []
        for char, depth, form in zip(text, level, forms(text), strict=True):
            char = _MIRRORED.get(char, char) if depth % 2 else char
            name = self._glyphs.get(ord(char), "" if unicodedata.category(char) == "Cf" else "strange")
            names.append(self._forms.get(form, {}).get(name, name))
        for start in range(len(names)):
            for length in (3, 2):
                ligature = self._ligatures.get(tuple(names[start : start + length]))
                if ligature:
                    names[start : start + length] = [ligature] + [""] * (length - 1)
        seen = [names[place] for place in visual_order(text)]
        return self.plain([self._ids.get(name, STRANGE) for name in seen if name])


def outlines_of(file: TTFont) -> list[tuple]:
    """What each glyph of a font file looks like, by number; empty for blanks."""
    glyphs = file.getGlyphSet()
    found = []
    for name in file.getGlyphOrder():
        pen = DecomposingRecordingPen(glyphs)
        glyphs[name].draw(pen)
        found.append(tuple(pen.value))
    return found


@cache
def font(name: str = "Vazirmatn-Regular.ttf") -> Font:
    """The font of this file, read once."""
    return Font(name)
