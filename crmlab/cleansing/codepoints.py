"""Columns of text as arrays of code points, so that letters are looked up in a table all at once.

A million names are one array of some ten million numbers here. What numpy does to that array costs
a tenth of what it costs text by text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: What a table may say besides another code point. Zero stands for "not asked yet".
REMOVED, HARD = 0x110000, 0x110001

#: Texts worked on at a time: few enough for their code points to stay in the processor's cache.
ROWS = 1 << 15


class Texts(NamedTuple):
    """Code points of some texts.

    Attributes
    ----------
    codes : ndarray
        Code points of all texts, one after the other.
    ends : ndarray of int64
        Place in `codes` behind the last of each text.
    """

    codes: np.ndarray
    ends: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """Place in `codes` of the first of each text."""
        return np.concatenate([[0], self.ends[:-1]])

    def keep(self, kept: np.ndarray) -> Texts:
        """The texts without the code points where `kept` is false."""
        lost = np.flatnonzero(~kept)
        if not len(lost):
            return self
        return Texts(self.codes[kept], self.ends - np.searchsorted(lost, self.ends))

    def rows(self, places: np.ndarray) -> np.ndarray:
        """Numbers of the texts that hold these places of `codes`."""
        return np.unique(np.searchsorted(self.ends, places, side="right"))


class Table:
    """What becomes of each code point, asked once for each that is met.

    Parameters
    ----------
    ask
        Code point a character becomes, `REMOVED`, or `HARD` where that depends on its neighbours; or
        any other number but zero.
    """

    def __init__(self, ask: Callable[[str], int], dtype: type = np.uint32) -> None:
        self._ask = ask
        self._known = np.zeros(0x110000, dtype=dtype)

    def __getitem__(self, codes: np.ndarray) -> np.ndarray:
        found = self._known[codes]
        if len(found) and not found.min():
            for code in np.unique(codes[found == 0]).tolist():
                self._known[code] = self._ask(chr(code))
            found = self._known[codes]
        return found


def pieces(array: pa.Array) -> Iterator[pa.Array]:
    """The column, some texts at a time; of one without texts, that."""
    for start in range(0, max(len(array), 1), ROWS):
        yield array.slice(start, ROWS)


def _octets(array: pa.LargeStringArray) -> tuple[pa.Buffer, np.ndarray]:
    """The UTF-8 of a column without gaps, and where each text begins in it and the last ends."""
    if not len(array):
        return pa.py_buffer(b""), np.zeros(1, dtype=np.int64)
    _, places, data = array.buffers()
    offsets = np.frombuffer(places, np.int64)[array.offset : array.offset + len(array) + 1]
    start, stop = int(offsets[0]), int(offsets[-1])
    return (data.slice(start, stop - start) if stop > start else pa.py_buffer(b"")), offsets - start


def as_one_text(array: pa.LargeStringArray) -> pa.LargeStringArray:
    """The texts of a column one behind the other as a single text, which is searched faster."""
    octets, offsets = _octets(array)
    return pa.LargeStringArray.from_buffers(1, pa.py_buffer(offsets[[0, -1]].copy()), octets)


def octets(array: pa.LargeStringArray, size: int) -> np.ndarray:
    """The UTF-8 of texts that have so many octets each: the first one of all texts, the second, ..."""
    return np.ascontiguousarray(np.frombuffer(_octets(array)[0], np.uint8).reshape(-1, size).T)


def to_texts(array: pa.LargeStringArray) -> Texts:
    """Code points of a column; a missing text is like an empty one."""
    if array.null_count:
        array = pc.fill_null(array, "")
    data, offsets = _octets(array)
    octets = np.frombuffer(data, np.uint8)
    if len(octets) and octets.max() > 0x7F:
        codes = np.frombuffer(data.to_pybytes().decode().encode("utf-32-le"), np.uint32)
        return Texts(codes, np.cumsum(pc.utf8_length(array).to_numpy(), dtype=np.int64))
    return Texts(octets, offsets[1:])


def to_arrow(texts: Texts, missing: pa.Array) -> pa.LargeStringArray:
    """The column of these texts; where `missing` is true, there is none."""
    codes, ends = texts
    largest = int(codes.max()) if len(codes) else 0
    if largest > 0x7F:
        data = codes.astype(np.uint32, copy=False).tobytes().decode("utf-32-le").encode()
        octets = 1 + (codes > 0x7F).view(np.uint8) + (codes > 0x7FF).view(np.uint8)
        if largest > 0xFFFF:
            octets += codes > 0xFFFF
        filled = texts.starts < ends
        ends = np.zeros(len(ends), dtype=np.int64)
        ends[filled] = np.add.reduceat(octets, texts.starts[filled], dtype=np.int64)
        np.cumsum(ends, out=ends)
    else:
        data = codes.astype(np.uint8, copy=False).tobytes()
    offsets = np.concatenate([[0], ends]).astype(np.int64, copy=False)
    array = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    return pc.if_else(missing, None, array) if pc.any(missing).as_py() else array
