"""Which lines are reversed or unjoined in each format; and lines that are so on purpose."""

import unicodedata

from persian_drawn import Line, Paragraph
from persian_line import font, visual_order
from persian_pictures import astray, painted

#: Pixels per em of the pictures: 10 points at 200 dpi, and 16 CSS pixels at twice the resolution.
EM = {Line: 10 / 72 * 200, Paragraph: 32}
#: Greatest difference between a right line and its picture; `astray` is at most 0.06 where all is well.
LIMIT = 0.1
#: Ways to go wrong: what they make of a line, and of all paragraphs of a page.
REVERSED, UNJOINED = "reversed", "unjoined"
SPOILT_LINE = {
    REVERSED: lambda line: f"\u202d{line}\u202c",  # left to right by force
    UNJOINED: lambda line: "\u200c".join(line),  # a non-joiner between all letters
}
SPOILT_PAGE = {
    REVERSED: "p { unicode-bidi: bidi-override; direction: ltr }",
    UNJOINED: 'p { font-feature-settings: "init" 0, "medi" 0, "fina" 0, "rlig" 0, "liga" 0 }',
}


def wrong_glyphs(lines: list[str], found: list[list[int]], name: str = "Vazirmatn-Regular.ttf") -> list[str]:
    """Lines that are not drawn with the glyphs which the rules ask for, in their order."""
    rules = font(name)
    pairs = zip(lines, found, strict=True)
    return [line for line, glyphs in pairs if rules.plain(glyphs) != rules.line(line)]


def wrong_pictures(lines: list[str], right: list[Line], found: list[Line] | list[Paragraph]) -> list[str]:
    """Lines whose picture is not that of the right glyphs, which are taken from an SVG found right."""
    return [
        line
        for line, model, shown in zip(lines, right, found, strict=True)
        if astray(painted(model.outlines, EM[type(shown)]), shown.picture, LIMIT) > LIMIT
    ]


def wrong_order(found: list[Paragraph]) -> list[str]:
    """Paragraphs whose characters do not stand in the order that the rules ask for."""
    wrong = []
    for paragraph in found:
        places = [
            sum(paragraph.spans[place])
            for place in visual_order(paragraph.text)
            if unicodedata.category(paragraph.text[place]) not in ("Mn", "Cf")
        ]
        if places != sorted(places):
            wrong.append(paragraph.text)
    return wrong
