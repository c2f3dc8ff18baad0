"""How alike two values of a field are: levels from equal to different, as SQL over pairs of records."""

from __future__ import annotations

from typing import Any, NamedTuple

from crmlab.cleansing.duplicates.fields import Field

#: The level of what agrees entirely, and of what does not at all.
EQUAL, DIFFERENT = "equal", "different"


class Level(NamedTuple):
    """One degree of agreement; if the value of the field `rare` is a rare one, it says more."""

    name: str
    sql: str
    rare: str = ""


class Comparison(NamedTuple):
    """One field's levels, best first; what meets none of them is different."""

    field: str
    levels: tuple[Level, ...]
    missing: str

    @property
    def level(self) -> str:
        """SQL of the name of the level that a pair meets; missing where a value is."""
        cases = " ".join(f"when {level.sql} then '{level.name}'" for level in self.levels)
        return f"case when {self.missing} then null {cases} else '{DIFFERENT}' end"

    def settings(self, m: list[float], u: list[float], weighted: bool = True) -> dict[str, Any]:
        """As Splink takes it; `m` and `u` from the worst level to the best."""
        levels: list[dict[str, Any]] = [
            {"sql_condition": self.missing, "label_for_charts": "missing", "is_null_level": True}
        ]
        for place, level in enumerate(self.levels):
            number = len(self.levels) - place
            entry = {"sql_condition": level.sql, "label_for_charts": level.name,
                     "m_probability": m[number], "u_probability": u[number]}  # fmt: skip
            if level.rare and weighted:
                entry |= {"tf_adjustment_column": level.rare, "tf_adjustment_weight": 1.0}
            levels.append(entry)
        levels.append({"sql_condition": "ELSE", "label_for_charts": DIFFERENT,
                       "m_probability": m[0], "u_probability": u[0]})  # fmt: skip
        return {"output_column_name": self.field, "comparison_levels": levels}


# Edit distances take long; the Jaro similarity rules nearly all pairs out before. The engine takes
# the parts of an "and" in any order, those of a "case" one after the other.
_TYPO = "case when jaro_similarity({l}, {r}) >= 0.7 then damerau_levenshtein({l}, {r}) <= 1 else false end"
_ONE_EDIT = (
    "case when jaro_similarity({l}, {r}) >= 0.8 then damerau_levenshtein({l}, {r}) <= 1 else false end"
)
_TWO_EDITS = (
    "case when jaro_similarity({l}, {r}) >= 0.75 then damerau_levenshtein({l}, {r}) <= 2 else false end"
)
_ALIKE = "jaro_winkler_similarity({l}, {r}) >= 0.92"
_SIMILAR = "jaro_winkler_similarity({l}, {r}) >= 0.8"
_PART = "starts_with({l}, {r}) or starts_with({r}, {l})"
_CONTAINED = _ALIKE + " or contains({l}, {r}) or contains({r}, {l})"
_DISTRICT = "{l}[:(length({l}) + 1) // 2] = {r}[:(length({r}) + 1) // 2]"

_NAME = (("one sign differs", _TYPO), ("alike", _ALIKE), ("short form", _PART), ("similar", _SIMILAR))

#: Levels below "equal", best first.
_LEVELS = {
    "given name": _NAME,
    "family name": _NAME,
    "birth date": (
        ("month and day changed places", "{l}[:5] || {l}[9:10] || '-' || {l}[6:7] = {r}"),
        ("one sign differs", _ONE_EDIT.replace("0.8", "0.9")), ("same year", "{l}[:4] = {r}[:4]"),
        ("two signs differ", _TWO_EDITS.replace("0.75", "0.85")),
    ),
    "e-mail": (("one sign differs", _ONE_EDIT),
               ("same mailbox name", "split_part({l}, '@', 1) = split_part({r}, '@', 1)")),
    "phone": (("one sign differs", _ONE_EDIT), ("two signs differ", _TWO_EDITS)),
    "identity number": (("one sign differs", _ONE_EDIT), ("two signs differ", _TWO_EDITS)),
    "postcode": (("one sign differs", _ONE_EDIT), ("same district", _DISTRICT)),
    "place": (("alike or part of the other", _CONTAINED),),
    "address": (("one sign differs", _ONE_EDIT), ("alike", _ALIKE)),
    "category": (),
    "text": (("alike or part of the other", _CONTAINED), ("similar", _SIMILAR)),
}  # fmt: skip


#: Levels at which a rare value still tells more than a common one.
_AS_RARE = ("one sign differs", "alike", "short form")


def comparisons_for(fields: list[Field], prepared: list[str]) -> list[Comparison]:
    """A comparison for each prepared field.

    Parameters
    ----------
    prepared
        Names of the prepared columns.
    """
    roles = {field.name: field.role for field in fields if field.role != "full name"}
    roles |= {name: name.replace("_", " ") for name in ("given_name", "family_name") if name in prepared}
    found = []
    for name in prepared:
        if name not in roles:
            continue
        left, right = _sides(name)
        role = roles[name]
        levels = [Level(EQUAL, f"{left} = {right}", "" if role == "category" else name)]
        levels += [
            Level(text, sql.format(l=left, r=right), name if text in _AS_RARE else "")
            for text, sql in _LEVELS[role]
        ]
        if name in ("given_name", "family_name"):
            levels.insert(2, _elsewhere(name, prepared))
        found.append(Comparison(name, tuple(levels), f"{left} is null or {right} is null"))
    if "further" in prepared:
        shared = 'len(list_intersect("further_l", "further_r"))'
        found.append(Comparison(
            "further", (Level("two or more shared", f"{shared} >= 2"), Level("one shared", f"{shared} = 1")),
            'len("further_l") = 0 or len("further_r") = 0',
        ))  # fmt: skip
    return found


def _sides(name: str) -> tuple[str, str]:
    return f'"{name}_l"', f'"{name}_r"'


def _elsewhere(name: str, prepared: list[str]) -> Level:
    """The name stands elsewhere in the other record: among all words of its name, or as its other name."""
    other = "family_name" if name == "given_name" else "given_name"
    if "tokens" in prepared:
        sql = f'list_contains("tokens_r", "{name}_l") or list_contains("tokens_l", "{name}_r")'
    elif other in prepared:
        sql = f'"{name}_l" = "{other}_r" or "{name}_r" = "{other}_l"'
    else:
        sql = "false"
    return Level("elsewhere in the name", sql)
