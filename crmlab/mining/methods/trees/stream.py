"""Rows of parquet files, piece by piece: what a tree is learned from when the data do not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.errors import SourceError, did_you_mean
from crmlab.mining.methods.trees.bins import Bins, coders, codes_on_demand, sample_rows
from crmlab.mining.methods.trees.data import Classes
from crmlab.mining.methods.trees.grow import Block

#: Rows read at once.
AT_ONCE = 32_768


class ParquetRows:
    """The rows of a parquet file or of a folder of them, in the order of the names.

    Parameters
    ----------
    path
        The file or folder.
    target
        The column of the classes.
    features
        The other columns to read; all if None.
    seed
        Seed of the sample.

    Raises
    ------
    SourceError
        If there is no such file or column, or no rows.
    """

    def __init__(self, path: str | Path, target: str, features: list[str] | None, seed: int) -> None:
        import pyarrow.parquet as parquet

        path = Path(path)
        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not files or not files[0].is_file():
            raise SourceError(f"There is no parquet file at {path}.")
        try:
            # What was read is not kept: buffered ahead, a file would fill the memory it does not fit in.
            self._files = [parquet.ParquetFile(file, pre_buffer=False, buffer_size=AT_ONCE) for file in files]
        except (OSError, ValueError) as error:
            raise SourceError(f"{path} cannot be read as parquet: {error}") from None
        schema = self._files[0].schema_arrow
        # What pandas wrote as an index tells rows apart and says nothing of them.
        index = (schema.pandas_metadata or {}).get("index_columns", ())
        names = [name for name in schema.names if name not in index]
        self.target = target
        self.features = [name for name in names if name != target] if features is None else list(features)
        for name in (target, *self.features):
            if name not in names:
                raise SourceError(f"There is no column {name!r} in {path}{did_you_mean(name, names)}")
        self.n_rows = sum(file.metadata.num_rows for file in self._files)
        if not self.n_rows:
            raise SourceError(f"There are no rows in {path}: there is nothing to learn from.")
        self._seed, self._progress = seed, None

    @contextmanager
    def passes(self, shown: bool) -> Iterator[None]:
        """Show on the terminal how far the passes over the files have come."""
        if not shown:
            yield
            return
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress

        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as self._progress:
            yield
        self._progress = None

    def whole(self) -> tuple[pd.DataFrame, np.ndarray]:
        """All rows at once."""
        frame = pd.concat(list(self._frames([*self.features, self.target], "Reading")))
        frame = frame.reset_index(drop=True)
        return frame[self.features], frame[self.target].to_numpy()

    def sample_and_classes(self) -> tuple[pd.DataFrame, Classes]:
        """The sample that bins are learned from, and the classes."""
        wanted, start = sample_rows(self.n_rows, self._seed), 0
        parts, classes = [], []
        for frame in self._frames([*self.features, self.target], "Sampling"):
            low, high = np.searchsorted(wanted, [start, start + len(frame)])
            parts.append(frame[self.features].iloc[wanted[low:high] - start])
            classes.append(np.asarray(frame[self.target].unique()))
            start += len(frame)
        return pd.concat(parts, ignore_index=True), Classes.of(np.concatenate(classes))

    def blocks(self, bins: Bins, classes: Classes) -> Iterator[Block]:
        """Codes and classes of all rows."""
        for frame in self._frames([*self.features, self.target], "Counting"):
            codes = codes_on_demand(coders(bins, dict(frame.items())), slice(0, None))
            yield codes, classes.numbers(frame[self.target].to_numpy()), None

    def _frames(self, columns: list[str], what: str) -> Iterator[pd.DataFrame]:
        import pyarrow

        pool = pyarrow.default_memory_pool()
        task = None if self._progress is None else self._progress.add_task(what, total=self.n_rows)
        for file in self._files:
            for batch in file.iter_batches(batch_size=AT_ONCE, columns=columns, use_threads=False):
                yield batch.to_pandas(ignore_metadata=True)
                # What was freed goes back at once: kept, it grows with the length of the file.
                pool.release_unused()
                if task is not None:
                    self._progress.advance(task, batch.num_rows)
