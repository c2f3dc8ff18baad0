"""Cube: measures over every combination of dimensions, to roll up, drill down, slice and pivot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from crmlab.engine import as_table, collect, like, need_columns, need_numbers
from crmlab.errors import ParameterError, did_you_mean, listed

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.engine import Log

#: What a measure may do, and whether it can be had from the same measure of parts.
FUNCTIONS = {"sum": True, "count": True, "min": True, "max": True, "mean": True, "nunique": False}
#: Each dimension doubles the combinations.
_MOST = 8


def cube(data: Log, dimensions: Sequence[str], **measures: tuple[str, str]) -> Log:
    """Measures over all rows, by each dimension, by each pair of them, and so on.

    Parameters
    ----------
    data
        One row per fact, such as an order line.
    dimensions
        Columns to group by, up to eight. A value that is missing is a group of its own.
    **measures
        By name of the measure its column and what to do with it, as pandas' ``agg`` takes them:
        ``amount=("amount", "sum")``. One of ``sum``, ``count`` (of values that are there), ``min``,
        ``max``, ``mean`` and ``nunique``.

    Returns
    -------
    Frame or table, as given
        A row per cell: `level`, the dimensions it is broken down by, such as ``"city, channel"``
        (empty for the total); the dimensions, missing where `level` does not name them; the
        measures. A frame is sorted by level, from the total on, and dimensions.

    Raises
    ------
    ParameterError
        If no dimension or no measure is given, or one is not known.
    TableError
        If a column is missing, or one to be summed holds no numbers.

    References
    ----------
    J. Gray et al. (1997), Data cube: a relational aggregation operator generalizing group-by,
    cross-tab, and sub-totals, Data Mining and Knowledge Discovery 1, 29-53.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = pd.DataFrame({"city": ["York", "York", "Leeds"], "amount": [5, 7, 4]})
    >>> cube(lines, ["city"], amount=("amount", "sum"))[["level", "amount"]].values.tolist()
    [['', 16], ['city', 4], ['city', 12]]
    """
    import ibis

    if isinstance(dimensions, str):
        raise ParameterError(f"dimensions is a list of columns, such as [{dimensions!r}], not a text.")
    table, dimensions = as_table(data), list(dimensions)
    _check(table, dimensions, measures)
    types = table.schema()
    # Cells of the finest level are few; where that is exact, the coarser ones are made of them.
    parts = all(FUNCTIONS[what] for _, what in measures.values())
    source = _grouped(table, dimensions, _partial(table, measures)) if parts else table
    cells = []
    for level in _levels(dimensions):
        found = _grouped(source, level, (_whole if parts else _direct)(source, measures))
        shown = [found[name] if name in level else ibis.null(types[name]).name(name) for name in dimensions]
        cells.append(found.select(ibis.literal(", ".join(level)).name("level"), *shown, *measures))
    result = ibis.union(*cells) if len(cells) > 1 else cells[0]
    if isinstance(data, ibis.Table):
        return result
    found = collect(result)
    order = {", ".join(level): place for place, level in enumerate(_levels(dimensions))}
    placed = found.assign(level=found["level"].map(order))
    return found.loc[placed.sort_values(["level", *dimensions]).index].reset_index(drop=True)


def roll_up(cells: Log, dimensions: Sequence[str] = (), where: Mapping[str, Any] | None = None) -> Log:
    """Cells of a cube by some of its dimensions; one more drills down, one less rolls up.

    Parameters
    ----------
    cells
        As `cube` returns them.
    dimensions
        By which to look; the total if none is given.
    where
        A slice: dimension to the one value looked at.

    Returns
    -------
    Frame or table, as given
        The dimensions and the measures; those in `where` are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = pd.DataFrame({"city": ["York", "York", "Leeds"], "year": [1, 2, 2], "amount": [5, 7, 4]})
    >>> cells = cube(lines, ["city", "year"], amount=("amount", "sum"))
    >>> roll_up(cells, ["city"]).values.tolist()
    [['Leeds', 4], ['York', 12]]
    >>> roll_up(cells, ["year"], where={"city": "York"}).values.tolist()
    [[1, 5], [2, 7]]
    """
    where, table = dict(where or {}), as_table(cells)
    need_columns(table, ("level",), "Cells of a cube")
    known = _dimensions_of(table)
    for name in (*dimensions, *where):
        if name not in known:
            raise ParameterError(f"The cube has no dimension {name!r}" + did_you_mean(str(name), known))
    wanted = [name for name in known if name in (*dimensions, *where)]
    found = table.filter(table["level"] == ", ".join(wanted))
    for name, value in where.items():
        found = found.filter(found[name].isnull() if value is None else found[name] == value)
    left_out = ["level", *(name for name in known if name not in dimensions)]
    return like(cells, found.drop(*left_out), key=[name for name in known if name in dimensions] or None)


def pivot(
    cells: Log, rows: str, columns: str, measure: str, where: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Two dimensions of a cube against each other, with their totals at the end.

    Parameters
    ----------
    cells, where
        As `roll_up` takes them.
    rows, columns
        Two dimensions.
    measure
        What stands in the table; missing where there is no row.

    Returns
    -------
    DataFrame
        Values of `rows` by values of `columns`, in order, a value that is missing last; the last row
        and column are called ``total`` and are not sums but the measure over all.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = pd.DataFrame({"city": ["York", "York", "Leeds"], "year": [1, 2, 2], "amount": [5, 7, 4]})
    >>> cells = cube(lines, ["city", "year"], amount=("amount", "max"))
    >>> pivot(cells, "city", "year", "amount").fillna(0).astype(int).values.tolist()
    [[0, 4, 4], [5, 7, 7], [5, 7, 7]]
    """
    import pandas as pd

    if rows == columns:
        raise ParameterError(f"rows and columns are two dimensions, not twice {rows!r}.")
    parts = [collect(roll_up(cells, names, where)) for names in ([rows, columns], [rows], [columns], [])]
    if measure in (rows, columns) or measure not in parts[-1]:
        raise ParameterError(f"The cube has no measure {measure!r}" + did_you_mean(measure, parts[-1]))
    order = [
        [*side[name].sort_values(na_position="last"), "total"]
        for side, name in zip(parts[1:3], (rows, columns), strict=True)
    ]
    whole = [part.assign(**{name: "total" for name in (rows, columns) if name not in part}) for part in parts]
    shown = pd.concat([part[[rows, columns, measure]].astype(object) for part in whole])
    table = shown.pivot(index=rows, columns=columns, values=measure)
    return table.reindex(index=order[0], columns=order[1]).infer_objects()


def _check(table: ibis.Table, dimensions: list[str], measures: Mapping[str, tuple[str, str]]) -> None:
    if not 1 <= len(dimensions) <= _MOST or len(set(dimensions)) < len(dimensions):
        raise ParameterError(f"A cube has from 1 to {_MOST} dimensions, each once.")
    if not measures:
        raise ParameterError("A cube needs a measure, such as amount=('amount', 'sum').")
    for name, what in measures.items():
        if not (isinstance(what, tuple) and len(what) == 2 and what[1] in FUNCTIONS):
            raise ParameterError(
                f"The measure {name} is a column and one of {listed(FUNCTIONS)}, such as ('amount', 'sum')."
            )
        if name in (*dimensions, "level"):
            raise ParameterError(f"The measure {name} is called as a dimension is; give it another name.")
    need_columns(table, [*dimensions, *(column for column, _ in measures.values())], "Rows of a cube")
    summed = [column for column, what in measures.values() if what in ("sum", "mean")]
    # Of yes and no the sum is how often it was yes.
    summed = [column for column in summed if not table[column].type().is_boolean()]
    need_numbers(table, summed, "the rows of a cube")
    if odd := [name for name in dimensions if ", " in name or name == "level"]:
        raise ParameterError(f"The dimension {odd[0]!r} is to be renamed: a cube tells levels by names.")


def _levels(dimensions: Sequence[str]) -> list[tuple[str, ...]]:
    return [level for size in range(len(dimensions) + 1) for level in combinations(dimensions, size)]


def _dimensions_of(cells: ibis.Table) -> list[str]:
    """Those of the finest level."""
    finest = cells["level"].argmax(cells["level"].length()).to_pyarrow().as_py()
    return finest.split(", ") if finest else []


def _grouped(table: ibis.Table, level: Sequence[str], values: Mapping[str, ibis.Value]) -> ibis.Table:
    return (table.group_by(*level) if level else table).aggregate(**values)


def _direct(table: ibis.Table, measures: Mapping[str, tuple[str, str]]) -> dict[str, ibis.Value]:
    return {name: getattr(table[column], what)() for name, (column, what) in measures.items()}


def _partial(table: ibis.Table, measures: Mapping[str, tuple[str, str]]) -> dict[str, ibis.Value]:
    """What is needed of the finest cells: of a mean, the sum and the count."""
    values = {}
    for name, (column, what) in measures.items():
        if what == "mean":
            values |= {f"{name} sum": table[column].sum(), f"{name} count": table[column].count()}
        else:
            values[name] = getattr(table[column], what)()
    return values


def _whole(parts: ibis.Table, measures: Mapping[str, tuple[str, str]]) -> dict[str, ibis.Value]:
    values = {}
    for name, (_, what) in measures.items():
        if what == "mean":
            values[name] = parts[f"{name} sum"].sum() / parts[f"{name} count"].sum().nullif(0)
        else:
            values[name] = getattr(parts[name], "sum" if what == "count" else what)()
    return values
