"""Conditions over the profile: who meets the one that a campaign's segment is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.conditions import columns_of, parse
from crmlab.engine import as_table, collect
from crmlab.errors import ParameterError, did_you_mean
from crmlab.kinds import Field, typed
from crmlab.mining.campaigns.definition import ALL
from crmlab.mining.customers.profile_columns import MONEY, column_called
from crmlab.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

_ALLOWED = {column.name: tuple(column.allowed or ()) for column in TABLES["customers"].columns}


def meets(profile: pd.DataFrame, condition: str, decimals: int = 2) -> pd.Series:
    """Whether each customer of a profile meets a condition.

    Parameters
    ----------
    profile
        One row per customer, as `crmlab.mining.customers.profile` returns it.
    condition
        In the language of `crmlab.conditions`, over the columns of the profile; ``"all"`` is met by
        everyone. Money is compared in whole units of the currency, as in the rules of a workspace.
    decimals
        Digits after the decimal mark of the currency.

    Returns
    -------
    Series of boolean
        Indexed like `profile`; missing where a missing value leaves it open.

    Raises
    ------
    ParameterError
        If the condition cannot be understood, or names a column that the profile has not.

    Examples
    --------
    >>> import pandas as pd
    >>> profile = pd.DataFrame({"recency": [90, 10, None], "monetary_value": [5000, 9000, 7000]})
    >>> meets(profile, "recency > 60 and monetary_value >= 50").tolist()
    [True, False, <NA>]
    """
    import pandas as pd

    from crmlab.cleansing.expressions import express

    if condition.strip() == ALL:
        return pd.Series(True, index=profile.index, dtype="boolean")
    try:
        node = typed(parse(condition), lambda table, name: _field(profile, table, name))
        if node.kind not in ("boolean", ""):
            raise ParameterError(f"this gives no yes or no, but {node.kind}; compare it with something.")
    except ParameterError as error:
        raise ParameterError(f"{condition!r}: {error}") from None
    if profile.empty:
        return pd.Series(index=profile.index, dtype="boolean")
    read = profile[list(dict.fromkeys(name for _, name in columns_of(node)))]
    texts = {name: "str" for name in read if isinstance(read[name].dtype, pd.CategoricalDtype)}
    table = as_table(read.astype(texts).assign(_row=range(len(read))))
    met = collect(table.select("_row", met=express(node, table, as_table, decimals)), key="_row")["met"]
    return met.astype("boolean").set_axis(profile.index)


def _field(profile: pd.DataFrame, table: str, name: str) -> Field:
    """What a condition has to know of a column of the profile."""
    from pandas.api import types

    if table:
        raise ParameterError(f"{table}.{name} is no column of the profile; name one without a table.")
    if name not in profile.columns:
        raise ParameterError(f"the profile has no column {name!r}{did_you_mean(name, map(str, profile))}")
    dtype = profile[name].dtype
    if types.is_bool_dtype(dtype):
        return Field("boolean")
    if types.is_numeric_dtype(dtype):
        return Field("money" if column_called(name).unit == MONEY else "number")
    if types.is_datetime64_any_dtype(dtype):
        return Field("time")
    if hasattr(dtype, "categories"):
        return Field("text", tuple(map(str, dtype.categories)))
    return Field("text" if types.is_string_dtype(dtype) else "", _ALLOWED.get(name, ()))
