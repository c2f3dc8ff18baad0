"""Whole columns of telephone numbers, judged by the numbering plans that phonenumbers carries.

The library reads number by number. Where a spelling leaves nothing to interpret (digits, the usual
signs between them, perhaps a plus in front), its verdict follows from the regular expressions in
its metadata alone. Here they are run over columns, for any country, in the library's own order.
What is not clear is left to the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

#: What is said of a number that can be read and is of no kind that its country has.
NO_SUCH_NUMBER = "no such number in its country's plan"

# No letter, comma, # or ~, which may begin an extension, and no plus but in front.
_CLEAR = r"^[ ()./-]*\+?[0-9 ()./-]+$"
# Of two digits the library asks how they are written; of long texts it reads nothing.
_FEWEST_DIGITS, _MOST_SIGNS = 3, 250
# Digits of what the library takes for a national number.
_SHORTEST, _LONGEST = 2, 17
# Of fewer numbers with a country code, the library is done sooner.
_FEW = 20
# Every kind of number, the most frequent first.
_KINDS = ("mobile", "fixed_line", "toll_free", "shared_cost", "premium_rate", "voip", "personal_number",
          "pager", "uan", "voicemail")  # fmt: skip
_TEXT = pa.large_string()
_MISSING = pa.scalar(None, _TEXT)


class _Numbers(NamedTuple):
    """Numbers read under one plan: their places in the column, and their digits."""

    place: np.ndarray
    digits: pa.Array
    plan: PhoneMetadata | None

    def where(self, rows: np.ndarray) -> _Numbers:
        return self if rows.all() else self._replace(place=self.place[rows], digits=_at(self.digits, rows))


def judge_numbers(text: pa.Array, region: str) -> tuple[pa.Array, pa.Array]:
    """E.164 form, or reason, of the numbers whose spelling is clear.

    Parameters
    ----------
    text
        Numbers as `normalize_text` writes them.
    region
        Two-letter country of numbers without a country code.

    Returns
    -------
    value, reason
        As long as `text`; both are missing where phonenumbers itself is to be asked.

    Examples
    --------
    >>> numbers = pa.array(["0912 123 4567", "0912 123 456", "call me"], pa.large_string())
    >>> value, reason = judge_numbers(numbers, "IR")
    >>> value.to_pylist(), reason.to_pylist()
    (['+989121234567', None, None], [None, "no such number in its country's plan", None])
    """
    place, value = [np.empty(0, np.int64)], [pa.array([], _TEXT)]
    for numbers in _by_plan(text, region):
        numbers = _national(numbers)
        valid = pa.array(_is_valid(numbers.digits, numbers.plan.country_code))
        front = pa.scalar(f"+{numbers.plan.country_code}", _TEXT)
        full = pc.binary_join_element_wise(front, numbers.digits, pa.scalar("", _TEXT))
        place.append(numbers.place)
        value.append(pc.if_else(valid, full, _MISSING))
    judged = np.full(len(text), -1)
    judged[np.concatenate(place)] = np.arange(sum(map(len, place)))
    known = pa.array(judged >= 0)
    found = pa.concat_arrays(value).take(pa.array(judged, mask=judged < 0))
    refused = pc.and_(known, pc.is_null(found))
    return found, pc.if_else(refused, pa.scalar(NO_SUCH_NUMBER, _TEXT), _MISSING)


def _by_plan(text: pa.Array, region: str) -> Iterator[_Numbers]:
    """The clear numbers without country code, each under the plan by which the library reads it."""
    home = PhoneMetadata.metadata_for_region(region) if region in phonenumbers.SUPPORTED_REGIONS else None
    bare = _flags(pc.ascii_is_decimal(text))
    signs = ~bare & _matches(text, _CLEAR) & (_lengths(text) <= _MOST_SIGNS)
    spelling = _at(text, signs)
    signed = _Numbers(np.flatnonzero(signs), pc.replace_substring_regex(spelling, "[^0-9]+", ""), home)
    plus = _flags(pc.match_substring(spelling, "+"))
    yield from _international(signed.where(plus))
    if home is not None:
        for numbers in (_Numbers(np.flatnonzero(bare), _at(text, bare), home), signed.where(~plus)):
            yield from _at_home(numbers.where(_lengths(numbers.digits) >= _FEWEST_DIGITS))


def _at_home(numbers: _Numbers) -> Iterator[_Numbers]:
    """Numbers as they are dialled in a country: abroad, or at home with or without its country code."""
    _, digits, home = numbers
    exit_code = _begins(digits, home.international_prefix)
    if exit_code.any():
        dialled = numbers.where(exit_code)
        rest = _without(dialled.digits, home.international_prefix)
        # No country code begins with 0: the exit code was none.
        abroad = ~_begins(rest, "0")
        yield from _international(dialled._replace(digits=rest).where(abroad))
        exit_code[exit_code] = abroad
        numbers = numbers.where(~exit_code)
    digits = numbers.digits
    coded = _begins(digits, str(home.country_code))
    if coded.any():
        whole = numbers.where(coded)
        rest = whole._replace(digits=_without(whole.digits, str(home.country_code)))
        rest = rest._replace(digits=_without_trunk_prefix(rest.digits, home))
        lengths = _lengths(whole.digits)
        general = home.general_desc
        is_code = ~_has_pattern(whole.digits, general) & _has_pattern(rest.digits, general)
        is_code |= (lengths > max(general.possible_length)) & ~np.isin(lengths, _local_lengths(home))
        yield rest._replace(plan=_main_plan(home.country_code)).where(is_code)
        coded[coded] = is_code | ~_flags(pc.is_valid(rest.digits))
        numbers = numbers.where(~coded)
    yield numbers


def _international(numbers: _Numbers) -> Iterator[_Numbers]:
    """Numbers that begin with a country code, without it; unknown codes and rare ones are left out."""
    numbers = numbers.where(_lengths(numbers.digits) >= _FEWEST_DIGITS)
    heads = pc.utf8_slice_codeunits(numbers.digits, 0, 3).dictionary_encode()
    known = np.array([_country_code(head) for head in heads.dictionary.to_pylist()], dtype=np.int64)
    codes = known[heads.indices.to_numpy()]
    found, count = np.unique(codes[codes > 0], return_counts=True)
    for code in found[count >= _FEW].tolist():
        of_country = numbers.where(codes == code)
        rest = _without(of_country.digits, str(code))
        yield _Numbers(of_country.place, rest, _main_plan(code))


def _country_code(head: str) -> int:
    for length in (1, 2, 3):
        if head[0] != "0" and int(head[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return int(head[:length])
    return 0


def _national(numbers: _Numbers) -> _Numbers:
    """National significant numbers; what the library would not take for one is left out."""
    numbers = numbers.where(_flags(pc.is_valid(numbers.digits)))
    numbers = numbers.where(_lengths(numbers.digits) >= _SHORTEST)
    _, digits, plan = numbers
    stripped = _without_trunk_prefix(digits, plan)
    possible = plan.general_desc.possible_length
    lengths = _lengths(stripped)
    # Digits that would leave too few, or a local number, belong to a short number.
    possible_then = np.isin(lengths, possible) | (lengths > max(possible))
    possible_then &= ~np.isin(lengths, _local_lengths(plan))
    digits = pc.if_else(pa.array(possible_then), stripped, digits)
    # Where the prefix could not be taken off, the digits are unknown.
    digits = pc.if_else(pc.is_valid(stripped), digits, _MISSING)
    lengths = _lengths(digits)
    return numbers._replace(digits=digits).where((lengths >= _SHORTEST) & (lengths <= _LONGEST))


def _without_trunk_prefix(digits: pa.Array, plan: PhoneMetadata) -> pa.Array:
    """Digits without what is dialled in front of them at home, unless that spoils a number.

    Missing where the plan rewrites such numbers.
    """
    prefix = plan.national_prefix_for_parsing
    if not prefix:
        return digits
    has = _begins(digits, prefix)
    if plan.national_prefix_transform_rule:
        return pc.if_else(pa.array(has), _MISSING, digits)
    before = _at(digits, has)
    after = _without(before, prefix)
    keep = _has_pattern(before, plan.general_desc)
    keep[keep] = ~_has_pattern(_at(after, keep), plan.general_desc)
    after = pc.if_else(pa.array(keep), before, after)
    return after if has.all() else pc.replace_with_mask(digits, pa.array(has), after)


def _is_valid(digits: pa.Array, code: int) -> np.ndarray:
    """Whether national numbers are valid in one of the regions that share a country code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    if len(regions) == 1:
        return _has_kind(digits, _plan(code, regions[0]))
    valid, open_rows = np.zeros(len(digits), bool), np.arange(len(digits))
    for region in regions:
        plan, rest = _plan(code, region), digits.take(pa.array(open_rows))
        # A region with leading digits of its own takes all of them, valid or not.
        if plan.leading_digits is not None:
            taken = _matches(rest, f"^(?:{plan.leading_digits})")
            valid[open_rows[taken]] = _has_kind(_at(rest, taken), plan)
        else:
            taken = _has_kind(rest, plan)
            valid[open_rows[taken]] = True
        open_rows = open_rows[~taken]
        if not len(open_rows):
            break
    return valid


def _has_kind(digits: pa.Array, plan: PhoneMetadata) -> np.ndarray:
    has = _fits(digits, plan.general_desc)
    open_rows = np.flatnonzero(has)
    has[:] = False
    for kind in filter(None, (getattr(plan, kind) for kind in _KINDS)):
        fits = _fits(digits.take(pa.array(open_rows)), kind)
        has[open_rows[fits]] = True
        open_rows = open_rows[~fits]
        if not len(open_rows):
            break
    return has


def _fits(digits: pa.Array, kind: PhoneNumberDesc) -> np.ndarray:
    fits = _has_pattern(digits, kind)
    if kind.possible_length:
        fits &= np.isin(_lengths(digits), kind.possible_length)
    return fits


def _has_pattern(digits: pa.Array, kind: PhoneNumberDesc) -> np.ndarray:
    if not kind.national_number_pattern:
        return np.zeros(len(digits), bool)
    return _matches(digits, f"^(?:{kind.national_number_pattern})$")


def _plan(code: int, region: str) -> PhoneMetadata:
    return PhoneMetadata.metadata_for_region_or_calling_code(code, region)


def _main_plan(code: int) -> PhoneMetadata:
    return _plan(code, phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0])


def _local_lengths(plan: PhoneMetadata) -> tuple[int, ...]:
    return plan.general_desc.possible_length_local_only


def _begins(digits: pa.Array, prefix: str) -> np.ndarray:
    if prefix.isdigit():
        return _flags(pc.starts_with(digits, prefix))
    return _matches(digits, f"^(?:{prefix})")


def _without(digits: pa.Array, prefix: str) -> pa.Array:
    """Digits that begin with a prefix, a regular expression, without it."""
    if prefix.isdigit():
        return pc.utf8_slice_codeunits(digits, len(prefix))
    return pc.replace_substring_regex(digits, f"^(?:{prefix})", "", max_replacements=1)


def _matches(array: pa.Array, pattern: str) -> np.ndarray:
    return _flags(pc.match_substring_regex(array, pattern))


def _lengths(array: pa.Array) -> np.ndarray:
    return pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)


def _flags(array: pa.Array) -> np.ndarray:
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False).copy()


def _at(array: pa.Array, rows: np.ndarray) -> pa.Array:
    return array if rows.all() else array.filter(pa.array(rows))
