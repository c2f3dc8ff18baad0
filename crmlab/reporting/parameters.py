"""Parameters of a report: read from the notebook without running it, checked before it runs.

The first code cell tagged ``parameters`` declares one parameter a line::

    as_of: "date" = None  # [orders.time] day from which one looks back; default: day after the last

The annotation is the type: str, int, float, bool or "date"; without one it is that of the default.
The comment says what the parameter means and in what unit; a rule in square brackets may stand
before it:

    [2..10]           a number in this range
    [web | phone]     one of these
    [orders.time]     a day within the column's days (or a month after them), or one of its values
    [required]        may not be left out
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlab.calendars import as_day
from crmlab.errors import ParameterError, did_you_mean

TYPES = ("str", "int", "float", "bool", "date")
#: Days after the last one in the data that a date may name: the end of a month, say.
_GRACE = 31
_RULE = re.compile(r"^\[([^\]]+)\]\s*")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a report, as its notebook declares it."""

    name: str
    type: str
    default: Any
    meaning: str
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    column: str = ""


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook's JSON.

    Raises
    ------
    ParameterError
        If the file is not a notebook.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ParameterError(f"{path} is not a notebook.") from None
    return notebook


def read_parameters(path: Path) -> dict[str, Parameter]:
    """Parameters that the notebook at `path` declares, by name.

    Raises
    ------
    ParameterError
        If there is no such cell, or a line of it is not a declaration.
    """
    for cell in read_notebook(path)["cells"]:
        if "parameters" in cell.get("metadata", {}).get("tags", ()):
            return parse_parameters("".join(cell["source"]), path.name)
    raise ParameterError(
        f"{path} has no cell with the tag parameters, so it cannot be run as a report; give the tag to the "
        "cell that sets its parameters, an empty one if it has none."
    )


def parse_parameters(source: str, where: str = "the parameters cell") -> dict[str, Parameter]:
    """Parameters declared in the source of a parameters cell.

    Examples
    --------
    >>> parse_parameters("bins: int = 5  # [2..10] score classes")["bins"].maximum
    10.0
    """
    comments = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string.lstrip("# ").strip()
    found = {}
    for node in ast.parse(source).body:
        name, kind, default = _declaration(node, where)
        if kind not in TYPES:
            raise ParameterError(f"{where}: the type of {name} is one of {', '.join(TYPES)}, not {kind}.")
        found[name] = _with_rules(Parameter(name, kind, default, comments.get(node.end_lineno, "")), where)
    return found


def _declaration(node: ast.stmt, where: str) -> tuple[str, str, Any]:
    """Name, type and default of ``name: type = default`` or ``name = default``."""
    target = node.target if isinstance(node, ast.AnnAssign) else None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    try:
        if not isinstance(target, ast.Name):
            raise ValueError
        default = ast.literal_eval(node.value)
    except ValueError:
        raise ParameterError(
            f"{where}, line {node.lineno}: a parameter is declared as name: type = default  # meaning, "
            "with a plain number, text, True, False or None for its default."
        ) from None
    if isinstance(node, ast.AnnAssign):
        return target.id, ast.unparse(node.annotation).strip("'\""), default
    return target.id, "str" if default is None else type(default).__name__, default


def _with_rules(parameter: Parameter, where: str) -> Parameter:
    """The parameter with the bracketed rules of its comment taken out and understood."""
    rules, meaning = {}, parameter.meaning
    while rule := _RULE.match(meaning):
        text, meaning = rule[1].strip(), meaning[rule.end() :]
        if text == "required":
            rules["required"] = True
        elif ends := re.fullmatch(r"(-?[\d.]+?)\.\.(-?[\d.]+)", text):
            rules["minimum"], rules["maximum"] = float(ends[1]), float(ends[2])
        elif re.fullmatch(r"[a-z_]+\.[a-z_]+", text):
            rules["column"] = text
        else:
            rules["choices"] = tuple(choice.strip() for choice in text.split("|"))
    return Parameter(parameter.name, parameter.type, parameter.default, meaning, **rules)


def check_parameters(
    declared: Mapping[str, Parameter], given: Mapping[str, Any], data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Values of all parameters: the given ones checked, the others at their default.

    Parameters
    ----------
    declared
        As `read_parameters` returns them.
    given
        Values, or the texts typed for them.
    data
        Lookup of what columns hold: ``"orders.time"`` to first and last day, or to the list of
        its values. A column that is not in it is not checked.

    Returns
    -------
    dict
        In the order of the declaration; days as ISO text.

    Raises
    ------
    ParameterError
        For an unknown name (the nearest is suggested), a wrong type or an impossible value.

    Examples
    --------
    >>> check_parameters(parse_parameters("bins: int = 5  # [2..10] classes"), {"bins": "12"})
    Traceback (most recent call last):
    crmlab.errors.ParameterError: bins is a number from 2 to 10, not 12.
    """
    for name in given:
        if name not in declared:
            raise ParameterError(f"This report has no parameter {name!r}" + did_you_mean(name, declared))
    values = {}
    for name, parameter in declared.items():
        value = given.get(name, parameter.default)
        if value is None or (value == "" and parameter.type != "str"):
            if parameter.required:
                raise ParameterError(f"The parameter {name} is required: {parameter.meaning}.")
            values[name] = None
            continue
        values[name] = _in_domain(parameter, _typed(parameter, value), data or {})
    return values


def _typed(parameter: Parameter, value: Any) -> Any:
    name, wanted = parameter.name, parameter.type
    if wanted == "str":
        return str(value)
    if wanted == "date":
        return as_day(value, name).isoformat()
    if wanted == "bool":
        text = str(value).strip().lower()
        if text in ("true", "yes", "1", "on", "false", "no", "0", "off"):
            return text in ("true", "yes", "1", "on")
        raise ParameterError(f"{name} is yes or no, not {value!r}.")
    try:
        if isinstance(value, bool):
            raise ValueError
        # int() and float() read Persian and Arabic digits too.
        return int(str(value)) if wanted == "int" else float(str(value))
    except ValueError:
        kind = "a whole number" if wanted == "int" else "a number"
        raise ParameterError(f"{name} is {kind}, not {value!r}.") from None


def _in_domain(parameter: Parameter, value: Any, data: Mapping[str, Any]) -> Any:
    name, low, high = parameter.name, parameter.minimum, parameter.maximum
    if low is not None and not low <= value <= high:
        raise ParameterError(f"{name} is a number from {low:,.12g} to {high:,.12g}, not {value:,.12g}.")
    if parameter.choices and value not in parameter.choices:
        raise ParameterError(f"{name} is one of {', '.join(parameter.choices)}, not {value!r}.")
    known = data.get(parameter.column)
    if known is None:
        return value
    if parameter.type == "date":
        first, last = as_day(known[0]), as_day(known[1])
        latest = last.fromordinal(last.toordinal() + _GRACE)
        if not first.isoformat() <= value <= latest.isoformat():
            raise ParameterError(
                f"{name} = {value} lies outside the data: {parameter.column} runs from {first} to {last}; "
                f"a day up to {latest} will do."
            )
    elif value not in known:
        raise ParameterError(
            f"{name} = {value!r} does not occur in {parameter.column}"
            + did_you_mean(str(value), map(str, known))
        )
    return value
