"""Mail domains that are likely misspelt, such as gmail.con and gmial.com, and what was meant.

Likely misspelt is what lies one slip of the hand (a letter too many, missing or wrong, or two in
the wrong order) from a house of mail that many people use, in its name, its ending or in each. First
letters are seldom wrong: who writes ymail.com means it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Houses of mail with names that no common word is near, and their endings, the most used first.
_HOUSES = {
    "gmail": "com",
    "yahoo": "com co.uk co.in co.id co.jp com.br com.mx com.ar com.au ca de es fr it in ie se dk gr",
    "hotmail": "com co.uk fr de it es se dk nl be ca",
    "outlook": "com fr de it es pt be",
    "icloud": "com",
    "googlemail": "com",
    "protonmail": "com ch",
    "rocketmail": "com",
    "rediffmail": "com",
    "yandex": "ru com",
    "chmail": "ir",
    "mailfa": "com",
    "mihanmail": "ir",
    "vatanmail": "ir",
    "comcast": "net",
    "verizon": "net",
    "sbcglobal": "net",
    "bellsouth": "net",
    "btinternet": "com",
    "virginmedia": "com",
    "wanadoo": "fr",
    "laposte": "net",
    "t-online": "de",
}
#: Names one slip away that belong to others.
_OTHERS = frozenset({"gail", "grail", "hitmail", "incloud", "yazoo"})
#: Endings that slip most often, and those of the root zone (2026) that are one slip away from them.
_ENDINGS = ("com", "net", "org")
_OTHER_ENDINGS = frozenset({"bom", "cam", "mom", "bet", "nec", "new", "next", "ntt", "pet", "vet", "ong"})
#: Endings of countries that, behind the name of a house of mail, mostly stand for com.
_FOR_COM = frozenset({"co", "cm", "om"})

# A domain that so many addresses of the column have, and such a share of all, is no slip; what is
# so much rarer may be a slip of it, if its name is long enough for that to be no chance.
_FREQUENT, _SHARE, _RARER, _LONG = 50, 0.01, 50, 6


def suggest_addresses(addresses: pa.Array) -> pa.Array:
    """Addresses as they were likely meant where the domain is likely misspelt, missing elsewhere.

    Parameters
    ----------
    addresses
        Valid addresses, the domain in small letters; or missing.

    Examples
    --------
    >>> suggest_addresses(pa.array(["ann@gmail.con", "ann@gmail.com"], pa.large_string())).to_pylist()
    ['ann@gmail.com', None]
    """
    parts = pc.split_pattern(addresses, "@")
    domains = pc.list_element(parts, 1).dictionary_encode()
    names = domains.dictionary.to_pylist()
    counts = np.bincount(domains.indices.drop_null().to_numpy(), minlength=len(names))
    meant = likely_domains(dict(zip(names, counts.tolist(), strict=True)))
    if not meant:
        return pa.nulls(len(addresses), pa.large_string())
    better = pa.array([meant.get(name) for name in names], pa.large_string()).take(domains.indices)
    return pc.binary_join_element_wise(pc.list_element(parts, 0), better, pa.scalar("@", pa.large_string()))


def likely_domains(counts: Mapping[str, int]) -> dict[str, str]:
    """What was likely meant by those of a column's domains that are likely misspelt.

    Parameters
    ----------
    counts
        How many addresses of the column have each domain. What is frequent in the column is no
        slip of another name, and others may be slips of it.

    Examples
    --------
    >>> likely_domains({"hotmial.com": 1, "chmial.ir": 1, "shop.con": 2, "ymail.com": 1})
    {'hotmial.com': 'hotmail.com', 'chmial.ir': 'chmail.ir', 'shop.con': 'shop.com'}
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    least = max(_FREQUENT, _SHARE * sum(counts.values()))
    frequent = sorted(
        (domain for domain, count in counts.items() if count >= least),
        key=lambda domain: (counts[domain], domain),
    )
    own: dict[str, list[str]] = {}
    for name, _, ending in (domain.partition(".") for domain in reversed(frequent)):
        if len(name) >= _LONG and name not in _HOUSES:
            own.setdefault(name, []).append(ending)
    rare = [(domain, *domain.partition(".")[::2]) for domain, count in counts.items() if count < least]
    names, houses = [name for _, name, _ in rare], [*_HOUSES, *own]
    slips = process.cdist(names, houses, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8)
    meant: dict[str, str] = {}
    for row, column in zip(*(place.tolist() for place in (slips <= 1).nonzero()), strict=True):
        (domain, name, ending), house = rare[row], houses[column]
        if name in _OTHERS or not _begin_alike(name, house):
            continue
        if house in _HOUSES:
            right = _right_ending(ending, _HOUSES[house].split(), name == house)
        else:
            is_slip = name not in own and ending in own[house]
            is_slip = is_slip and counts[domain] * _RARER <= counts[f"{house}.{ending}"]
            right = ending if is_slip else ""
        if right:
            meant.setdefault(domain, f"{house}.{right}")
    endings = {ending: _slip(ending) for ending in {domain.rpartition(".")[2] for domain in counts}}
    for domain in counts:
        head, _, ending = domain.rpartition(".")
        if endings[ending] and domain not in meant:
            meant[domain] = f"{head}.{endings[ending]}"
    return meant


def _begin_alike(name: str, house: str) -> bool:
    return name[:1] == house[:1] or name[:2] == house[1::-1]


def _right_ending(ending: str, known: list[str], sure: bool) -> str:
    """The ending of a house of mail that was meant; empty if that is not clear, or none is needed."""
    from rapidfuzz.distance import OSA

    if ending in known:
        return "" if sure else ending
    meant = "com" if ending in _FOR_COM else _slip(ending)
    if meant in known:
        return meant
    # Houses with one ending have it nowhere else; of those with several, not every one is known.
    return known[0] if sure and len(known) == 1 and OSA.distance(ending, known[0]) == 1 else ""


def _slip(ending: str) -> str:
    """The frequent ending that one slip has turned into another, which does not exist."""
    from rapidfuzz.distance import OSA

    if len(ending) < 3 or ending in _OTHER_ENDINGS:
        return ""
    return next((meant for meant in _ENDINGS if OSA.distance(ending, meant) == 1), "")
