"""Parquet files of clean tables: written so that equal tables give equal bytes, and read as frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame without its index."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd")


@contextmanager
def parquet_parts(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends frames of the same columns to a file, so that none has to be kept.

    At least one frame is to be given, if only an empty one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with ExitStack() as stack:
        writers: list[pq.ParquetWriter] = []

        def append(frame: pd.DataFrame) -> None:
            arrow = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
            if not writers:
                writers.append(stack.enter_context(pq.ParquetWriter(path, arrow.schema, compression="zstd")))
            writers[0].write_table(arrow)

        yield append


@contextmanager
def readable(path: Path, mend: str) -> Iterator[None]:
    """Say which file is damaged, and what to do about it, where reading it fails.

    Raises
    ------
    SourceError
        Instead of what pyarrow raises.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        why = getattr(error, "strerror", None) or "it is damaged, or no Parquet file"
        raise SourceError(f"{path} cannot be read: {why}. {mend}") from None


def read_parquet(path: Path, mend: str = "") -> pd.DataFrame:
    """Read a frame; whole numbers stay whole. `mend` is what to do about a file that is damaged."""
    import pyarrow.parquet as pq

    from crmlab.engine import to_pandas

    with readable(path, mend):
        return to_pandas(pq.read_table(path))


def take_out(path: Path, positions: Sequence[int]) -> pd.DataFrame:
    """Write a table again without the rows at `positions`, and read it."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    stays = np.ones(len(table), dtype=bool)
    stays[positions] = False
    pq.write_table(table.filter(stays), path, compression="zstd")
    return read_parquet(path)


def engine_path(path: Path) -> str:
    """A path as the engine takes it: signs such as [ stand for a pattern unless in brackets."""
    return re.sub(r"[\[*?]", r"[\g<0>]", str(path.resolve()))
