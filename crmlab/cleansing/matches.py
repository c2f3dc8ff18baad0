"""What was found to be one person, and why: sizes, certainty and reasons, in counts alone.

All functions take the frame of persons: one row per customer record that shares a person with another
one, with `customer_id` (the record's own), `person_id` (the record that stands for the person), `score`
(probability that it is of the same person as the others), and `why` and `against`, the names of the
fields that speak for and against it, joined by commas.
"""

from __future__ import annotations

import pandas as pd

#: Upper ends of the bands of scores, and how they are called.
_BANDS = {0.8: "below 80 %", 0.9: "80 to 90 %", 0.95: "90 to 95 %", 0.99: "95 to 99 %"}
_HIGHEST = "99 % and more"
_REST = "other reasons"


def match_sizes(persons: pd.DataFrame) -> pd.DataFrame:
    """How many persons have so many records.

    Returns
    -------
    DataFrame
        `size` (records of a person), `persons` and `records`, smallest first.

    Examples
    --------
    >>> found = pd.DataFrame({"customer_id": list("abcde"), "person_id": list("aaccc")})
    >>> match_sizes(found).values.tolist()
    [[2, 1, 2], [3, 1, 3]]
    """
    sizes = persons.groupby("person_id").size().value_counts().sort_index()
    found = sizes.rename_axis("size").rename("persons").reset_index()
    return found.assign(records=found["size"] * found["persons"])


def match_scores(persons: pd.DataFrame) -> pd.DataFrame:
    """How certain it is that records are of one person: records by the band of their score.

    Records are those beyond the one that stands for the person. A record without a score is in no
    band.

    Returns
    -------
    DataFrame
        `score` (the band, its lower end included), `records` and their `share`, most doubtful first.
    """
    joined = _joined(persons)
    edges = [-float("inf"), *_BANDS, float("inf")]
    band = pd.cut(joined["score"], edges, right=False, labels=[*_BANDS.values(), _HIGHEST])
    found = band.value_counts(sort=False).rename_axis("score").rename("records").reset_index()
    total = max(int(found["records"].sum()), 1)
    return found.assign(score=found["score"].astype("str"), share=found["records"] / total)


def match_reasons(persons: pd.DataFrame, top: int = 10, fields: int = 3) -> pd.DataFrame:
    """By which fields records were told to be of one person, most frequent reasons first.

    Records are those beyond the one that stands for the person. The order in which a record names
    its fields does not count: fields stand in the order of how often they are named at all.

    Parameters
    ----------
    top
        How many reasons are told apart; all others are one row at the end.
    fields
        How many of a record's fields make a reason, the most telling of them.

    Returns
    -------
    DataFrame
        `why` and `against` (fields, joined by commas), `records`, `share`, and `score`, the lowest
        among them.

    Examples
    --------
    >>> found = pd.DataFrame({"customer_id": list("abc"), "person_id": "a", "score": [0.99, 0.97, 0.9],
    ...                       "why": ["", "phone, city", "city, phone"], "against": ""})
    >>> match_reasons(found)[["why", "records", "score"]].values.tolist()
    [['city, phone', 2, 0.9]]
    """
    joined = _joined(persons)
    first = {name: joined[name].str.split(", ").str[:fields].str.join(", ") for name in ("why", "against")}
    told = pd.DataFrame({name: _in_order(texts) for name, texts in first.items()})
    counted = told.assign(score=joined["score"]).groupby(["why", "against"], as_index=False)["score"]
    found = counted.agg(records="size", score="min")
    found = found.sort_values(["records", "why", "against"], ascending=[False, True, True], ignore_index=True)
    if len(found) > top:
        rest = found.iloc[top:]
        last = {"why": _REST, "against": "", "records": rest["records"].sum(), "score": rest["score"].min()}
        found = pd.concat([found.iloc[:top], pd.DataFrame([last])], ignore_index=True)
    found["share"] = found["records"] / max(int(found["records"].sum()), 1)
    return found[["why", "against", "records", "share", "score"]]


def _joined(persons: pd.DataFrame) -> pd.DataFrame:
    """The records beyond those that stand for their person."""
    return persons[persons["customer_id"] != persons["person_id"]]


def _in_order(fields: pd.Series) -> pd.Series:
    """Lists of fields, each in the order of how often they are named in all of them."""
    texts = fields.fillna("")
    counts = texts.value_counts()
    named = counts.index.to_series().str.split(",").explode().str.strip()
    often = counts.reindex(named.index).groupby(named.to_numpy()).sum()
    place = {name: (-number, name) for name, number in often.items()}

    def in_order(text: str) -> str:
        return ", ".join(sorted(filter(None, map(str.strip, text.split(","))), key=place.get))

    return texts.map({text: in_order(text) for text in counts.index}).astype("str")
