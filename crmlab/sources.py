"""Sources of a workspace as raw tables: read, named as in the contract, nothing else changed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crmlab.errors import ParameterError, SourceError, did_you_mean, listed
from crmlab.settings import FILE, Settings, Source
from crmlab.tables import table as contract_of

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.cleansing.clean import Conventions
    from crmlab.loaders.raw import Raw


class Loaded(NamedTuple):
    """All sources of one table together.

    Attributes
    ----------
    frame
        Raw rows; columns named as in the contract.
    lineage
        `source`, `row` and `merge` (whether equal rows may be merged) of each.
    rejected
        Records that could not be read, in the form of the quarantine.
    unused
        Headings of the sources that feed no column.
    """

    frame: pd.DataFrame
    lineage: pd.DataFrame
    rejected: pd.DataFrame
    unused: list[str]


def tables_of(source: Source) -> list[str]:
    """Names of the tables a source feeds."""
    if not source.dataset:
        return [source.table]
    from crmlab.loaders.public import PUBLIC_SETS

    if source.dataset not in PUBLIC_SETS:
        raise SourceError(
            f"There is no public data set called {source.dataset!r}"
            + did_you_mean(source.dataset, PUBLIC_SETS)
        )
    return list(PUBLIC_SETS[source.dataset].tables)


def files_of(source: Source, folder: Path) -> list[Path]:
    """The files a source of the workspace in `folder` is read from; a database on a server has none.

    Raises
    ------
    SourceError
        If there is no such file.
    """
    path = folder / source.file if source.file else None
    if source.url:
        from crmlab.loaders.databases import database_file

        path = database_file(source.url, folder)
    return [] if path is None else _files(path)


def reference_files(settings: Settings, folder: Path) -> list[Path]:
    """The files of the lists that the workspace in `folder` compares its tables with.

    Raises
    ------
    SourceError
        If there is no such file.
    """
    names = (settings.places, settings.national_id_prefixes, settings.names)
    return [file for name in names if name for file in _files(folder / name)]


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise SourceError(f"There is no file {path}, which {FILE} names.")
    return sorted(child for child in path.rglob("*") if child.is_file()) if path.is_dir() else [path]


def read_table(sources: Iterable[Source], name: str, folder: Path) -> Loaded | None:
    """Read and stack all sources of table `name`; None if there is none."""
    import pandas as pd

    sources = list(sources)
    feeding = [source for source in sources if name in tables_of(source)]
    parts = [_read(source, name, folder) for source in feeding]
    if not parts:
        return None
    unused = _used_by_none(sources, feeding, parts)
    if len(parts) == 1:
        return parts[0]._replace(unused=unused)
    return Loaded(
        _stack([part.frame for part in parts]),
        pd.concat([part.lineage for part in parts], ignore_index=True),
        pd.concat([part.rejected for part in parts], ignore_index=True),
        unused,
    )


def _used_by_none(sources: list[Source], feeding: list[Source], parts: list[Loaded]) -> list[str]:
    """Headings that none of the sources of the same file or query reads, for this table or another."""
    used: dict[tuple, set[str]] = {}
    for source in sources:
        used.setdefault(_place(source), set()).update(map(str, (*source.columns.values(), *source.answers)))
    left: dict[tuple, list[str]] = {}
    for source, part in zip(feeding, parts, strict=True):
        among = left.get(_place(source), part.unused)
        left[_place(source)] = [heading for heading in part.unused if heading in among]
    unused = [
        heading for place, headings in left.items() for heading in headings if heading not in used[place]
    ]
    return list(dict.fromkeys(unused))


def _place(source: Source) -> tuple[str, str | int]:
    return source.label, source.sheet


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other; a column that is not of one type in all of them becomes text."""
    import pandas as pd

    for name in dict.fromkeys(name for frame in frames for name in frame):
        types = {frame[name].dtype if name in frame else None for frame in frames}
        if len(types) > 1:
            # Cleansing reads text and types alike, and pandas' own meeting of types is not exact.
            frames = [
                frame.assign(**{name: _as_text(frame[name])}) if name in frame else frame for frame in frames
            ]
    return pd.concat(frames, ignore_index=True)


def _as_text(values: pd.Series) -> pd.Series:
    from crmlab.cleansing.numbers import read_numbers

    return read_numbers(values)["text"] if values.dtype.kind in "iuf" else values.astype("str")


def _read(source: Source, name: str, folder: Path) -> Loaded:
    if source.dataset:
        from crmlab.loaders.public import read_public

        raw = read_public(source.dataset, folder / source.file if source.file else None)[name]
        return _loaded(source, name, raw.frame, raw.rows, raw, [])
    raw = _read_raw(source, folder)
    columns = _columns(source, name, raw.frame)
    frame = raw.frame[list(columns.values())].set_axis(list(columns), axis="columns")
    rows = raw.rows
    used = {*columns.values(), *source.answers}
    if source.answers:
        frame, rows = _one_row_per_answer(source, raw.frame, frame, rows)
    frame = frame.assign(**source.constants)
    for column, markers in source.missing.items():
        if column in frame:
            wanted = {str(marker) for marker in (markers if isinstance(markers, list) else [markers])}
            frame[column] = frame[column].mask(_as_text(frame[column]).isin(wanted))
    unused = [str(heading) for heading in raw.frame.columns if heading not in used]
    return _loaded(source, name, frame, rows, raw, unused)


def _read_raw(source: Source, folder: Path) -> Raw:
    from crmlab.loaders.databases import read_database
    from crmlab.loaders.files import read_file

    if source.url:
        return read_database(source.url, source.query, folder)
    return read_file(
        folder / source.file, source.format, source.encoding, source.delimiter, source.header, source.sheet
    )


def _columns(source: Source, name: str, frame: pd.DataFrame) -> dict[str, str]:
    """Column of the table to heading; as the settings say, else by the headings themselves."""
    if not source.columns:
        from crmlab.cleansing.roles import match_headings

        return match_headings(frame, name)
    for column, heading in {**source.columns, **{h: h for h in source.answers}}.items():
        if heading not in frame:
            raise SourceError(
                f"{source.label} has no column {heading!r} (named for {column})"
                + did_you_mean(str(heading), map(str, frame.columns))
            )
    return source.columns


def _one_row_per_answer(
    source: Source, raw: pd.DataFrame, frame: pd.DataFrame, rows: pd.Series
) -> tuple[pd.DataFrame, pd.Series]:
    """Unpivot a survey with one column per question."""
    import pandas as pd

    questions = list(source.answers)
    missing = [heading for heading in questions if heading not in raw]
    if missing:
        raise SourceError(
            f"{source.label} has no column {missing[0]!r} (named under answers)"
            + did_you_mean(missing[0], map(str, raw.columns))
        )
    times = len(questions)
    repeated = frame.loc[frame.index.repeat(times)].reset_index(drop=True)
    if "response_id" not in repeated:
        repeated["response_id"] = rows.repeat(times).astype("str").to_numpy()
    answers = raw[questions].apply(_as_text).to_numpy(dtype=object).ravel()
    return repeated.assign(
        touch_point=list(source.answers.values()) * len(frame),
        question=questions * len(frame),
        score=pd.Series(answers, dtype="str"),
    ), rows.repeat(times)


def _loaded(
    source: Source, name: str, frame: pd.DataFrame, rows: pd.Series, raw: Raw, unused: list[str]
) -> Loaded:
    import pandas as pd

    from crmlab.cleansing.ledger import empty_quarantine

    lineage = pd.DataFrame(
        {"source": source.label, "row": rows.to_numpy(), "merge": source.duplicates == "merge"}
    )
    rejected = raw.rejected.rename(columns={"reason": "reasons"})
    rejected = rejected.assign(
        table=name,
        source=source.label,
        record=[json.dumps({"line": line}, ensure_ascii=False) for line in rejected["record"]],
    )
    model = empty_quarantine()
    rejected = rejected.reindex(columns=list(model)).astype(model.dtypes.to_dict())
    return Loaded(frame.reset_index(drop=True), lineage, rejected, unused)


def load(
    source: str | Path,
    table: str | None = None,
    columns: dict[str, str] | None = None,
    *,
    query: str = "",
    conventions: Conventions | None = None,
    **options: Any,
) -> pd.DataFrame:
    r"""Load one source as one table.

    Parameters
    ----------
    source
        A file (delimited text, Excel, Parquet, JSON lines), a database URL with `query`, or the
        name of a public data set.
    table
        Table of the contract it is to be; without it the source comes as it stands.
    columns
        Column of the table to heading in the source; by the headings themselves if not given.
    conventions
        How dates and money are written, where the columns alone cannot tell.
    **options
        `format`, `encoding`, `delimiter`, `header` or `sheet`, as `crmlab.loaders.read_file`
        takes them.

    Returns
    -------
    DataFrame
        Typed by the contract where every cell of a column can be read; a column with cells that
        cannot is left as it is and named in a warning, as are lines that cannot be read. Money is
        in minor units.

    Raises
    ------
    SourceError
        In one sentence, if the source cannot be read or lacks a column.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "shop.csv")
    >>> _ = path.write_text("Customer ID;Date;Total\n7;1403/05/12;12,50\n")
    >>> load(path, table="orders")[["customer_id", "amount"]].values.tolist()
    [['7', 1250]]
    """
    from crmlab.cleansing.clean import type_columns
    from crmlab.loaders.databases import read_database
    from crmlab.loaders.files import read_file
    from crmlab.loaders.public import PUBLIC_SETS, read_public

    text = str(source)
    entry = Source(file=Path(text).name)
    if "://" in text:
        entry = Source(url=text, query=query)
        raw = read_database(text, query)
    elif text in PUBLIC_SETS and not Path(text).exists():
        tables = read_public(text)
        if table is None and len(tables) > 1:
            raise ParameterError(f"The data set {text} has several tables; name one: {', '.join(tables)}.")
        if table is not None and table not in tables:
            raise ParameterError(f"The data set {text} has no {table}; it has: {', '.join(tables)}.")
        raw = tables[table or next(iter(tables))]
        columns = {name: name for name in raw.frame.columns}
    else:
        raw = read_file(source, **options)
    if len(raw.rejected):
        first = raw.rejected.iloc[0]
        warnings.warn(
            f"{entry.label}: {_count(raw.rejected, 'record')} could not be read, the first is record "
            f"{first['row']}: {first['reason']}. A workspace keeps such records in its quarantine.",
            stacklevel=2,
        )
    if table is None:
        return raw.frame
    names = _either_way(columns, table) if columns else {}
    entry = replace(entry, table=table, columns=names)
    chosen = _columns(entry, table, raw.frame)
    _need_required(raw.frame, chosen, entry)
    frame = raw.frame[list(chosen.values())].set_axis(list(chosen), axis="columns")
    frame, unread = type_columns(frame, table, conventions)
    for column, reasons in unread.items():
        places = ", ".join(str(raw.rows[row]) for row in reasons.index[:3])
        warnings.warn(
            f"{entry.label}, column {column}: {_count(reasons, 'cell')} cannot be read ({reasons.iloc[0]}; "
            f"first in record {places}); the column is left as it is. crmlab.cleansing.clean repairs "
            "such cells or sets their rows aside.",
            stacklevel=2,
        )
    return frame


def _count(things: pd.DataFrame | pd.Series, name: str) -> str:
    return f"{len(things):,} {name}{'s' if len(things) > 1 else ''}"


def _either_way(columns: dict[str, str], table: str) -> dict[str, str]:
    """Column to heading, also if given as heading to column as pandas' rename takes it."""
    known = set(contract_of(table).names)
    if not known & columns.keys() and known & set(columns.values()):
        return {column: heading for heading, column in columns.items()}
    return columns


def _need_required(frame: pd.DataFrame, chosen: dict[str, str], entry: Source) -> None:
    for column in contract_of(entry.table).columns:
        given = column.name in chosen or column.default is not None
        if column.name == "amount":
            given |= "unit_price" in chosen
        if column.required and not given:
            headings = listed(frame.columns)
            hint = (
                " It has one column only; if its columns are separated by another sign, name it with "
                "delimiter=..." if len(frame.columns) == 1 else ""
            )  # fmt: skip
            raise SourceError(
                f"{entry.label} has no column for {column.name} ({column.meaning}), which {entry.table} "
                f"needs; it has: {headings}. Say which one it is: columns={{'{column.name}': ...}}.{hint}"
            )
