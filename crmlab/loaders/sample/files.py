"""The sample as a workspace: source files, the truth beside them, and crmlab.toml."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.errors import ParameterError, WorkspaceError
from crmlab.loaders.sample.forms import Form, form_of
from crmlab.loaders.sample.pollution import BROKEN_LINE, FIELDS_LEFT
from crmlab.loaders.sample.words import Words
from crmlab.settings import FILE

_TEXT = pa.large_string()
_QUOTE, _NOTHING = pa.scalar('"', _TEXT), pa.scalar("", _TEXT)
_UTM = ("newsletter", "search", "banner", "direct")


def check_free(folder: Path) -> None:
    """Refuse a folder that is a workspace already."""
    if (folder / FILE).exists():
        raise ParameterError(f"{folder} has a {FILE} already; choose another folder for the sample.")


def write(
    folder: Path,
    tables: dict[str, pd.DataFrame],
    truth: dict[str, pd.DataFrame],
    kind: str,
    language: str,
    words: Words,
    progress: Callable[[str], None],
) -> None:
    """Write all files of a workspace into `folder`, or none."""
    forms = {name: form_of(name, kind, language) for name in tables}
    dirt = truth["dirt"]
    with _all_or_nothing(folder) as fresh:
        for name, form in forms.items():
            progress(form.file)
            broken = dirt.loc[(dirt["table"] == name) & (dirt["kind"] == BROKEN_LINE), "row"] - 1
            _write_table(fresh / form.file, tables[name], form, broken.tolist())
        (fresh / "truth").mkdir()
        for name, frame in truth.items():
            _write_table(fresh / "truth" / f"{name}.csv", frame, Form(f"{name}.csv"))
        _write_text(fresh / FILE, _description(tables, forms, kind, language, words))


def _write_table(path: Path, frame: pd.DataFrame, form: Form, broken: Sequence[int] = ()) -> None:
    if path.suffix == ".jsonl":
        _write_text(path, "".join(_json_lines(frame)))
        return
    heads = pd.DataFrame([[form.headings.get(name, name) for name in frame]], columns=list(frame))
    lines = [*_lines(heads, form.delimiter), *_lines(frame, form.delimiter)]
    for place in broken:
        lines[place + 1] = form.delimiter.join(lines[place + 1].split(form.delimiter)[:FIELDS_LEFT])
    # Office programs end lines as Windows does.
    end = "\n" if form.encoding == "utf-8" else "\r\n"
    path.write_text(end.join([*lines, ""]), encoding=form.encoding, newline="")


def _lines(frame: pd.DataFrame, delimiter: str) -> list[str]:
    """Delimited text, quoted where need be; whole columns at a time, which `csv` cannot do."""
    columns = []
    for name in frame:
        cells = pa.array(frame[name].astype("str"), _TEXT)
        special = pc.match_substring_regex(cells, f'[{delimiter}"\r\n]')
        if pc.any(special).as_py():
            doubled = pc.replace_substring(cells, '"', '""')
            cells = pc.if_else(special, pc.binary_join_element_wise(_QUOTE, doubled, _QUOTE, _NOTHING), cells)
        columns.append(cells)
    joined = pc.binary_join_element_wise(*columns, pa.scalar(delimiter, _TEXT), null_handling="replace")
    return joined.to_pylist()


def _json_lines(frame: pd.DataFrame) -> Iterator[str]:
    """Web forms: one object a line, missing values null, where the visitor came from nested."""
    present = frame.astype("object").where(frame.notna(), None)
    for number, record in enumerate(present.to_dict("records")):
        record["utm"] = {"source": _UTM[number % len(_UTM)]}
        yield json.dumps(record, ensure_ascii=False) + "\n"


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _description(
    tables: dict[str, pd.DataFrame], forms: dict[str, Form], kind: str, language: str, words: Words
) -> str:
    """The content of crmlab.toml."""
    lines = [
        "[workspace]",
        f"name = {json.dumps(words.workspaces[kind], ensure_ascii=False)}",
        f'language = "{language}"',
        f'currency = "{words.currency}"',
        f'time_zone = "{words.time_zone}"',
        f'phone_region = "{words.phone_region}"',
    ]
    for name, form in forms.items():
        lines += ["", "[[source]]", f'table = "{name}"', f'file = "{form.file}"']
        if form.headings:
            lines.append("[source.columns]")
            named = {column: form.headings[column] for column in tables[name]}
            lines += [f"{column} = {json.dumps(head, ensure_ascii=False)}" for column, head in named.items()]
    return "\n".join(lines) + "\n"


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[Path]:
    """A fresh folder beside `folder`; what is in it moves there if all goes well."""
    folder = folder.absolute()
    fresh = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    made, moved = not folder.exists(), []
    try:
        _remove(fresh)
        fresh.mkdir(parents=True)
        yield fresh
        folder.mkdir(exist_ok=True)
        # The description comes last: until then the folder is no workspace.
        for path in sorted(fresh.iterdir(), key=lambda path: (path.name == FILE, path.name)):
            target = folder / path.name
            if target.exists():
                raise ParameterError(
                    f"{folder} has a {path.name} already; choose another folder for the sample."
                )
            path.rename(target)
            moved.append(target)
        made, moved = False, []
    except OSError as error:
        raise WorkspaceError(
            f"The folder {folder} cannot be written: {error.strerror}. Choose another one."
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        for path in moved:
            _remove(path)
        if made:
            _remove(folder)


def _remove(path: Path) -> None:
    """Remove a file or folder if it is there and can be removed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink()
