"""Write crmlab.toml: from a look at the user's own files, or for a public data set."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from crmlab.cleansing.numbers import read_numbers
from crmlab.cleansing.roles import Proposal, match_headings, measure, propose
from crmlab.errors import ParameterError, WorkspaceError, listed
from crmlab.folders import check_writable
from crmlab.loaders.files import read_file
from crmlab.loaders.public import fetch, public_set
from crmlab.settings import FILE
from crmlab.tables import table

_SCALES = ((1, 5), (0, 5), (1, 7), (0, 10), (1, 11))


#: A file's name or a heading by which one can tell that it is a survey.
_SURVEY = re.compile(r"survey|نظرسنجی|[?؟]\s*$", re.MULTILINE)


#: Columns by which one can tell whether two customers are one person.
_PERSONAL = {"first_name", "last_name", "email", "phone", "national_id", "address"}


class Answers(NamedTuple):
    """Questions of a survey that measure the same on the same scale, and the numbers beyond it."""

    metric: str
    low: int
    high: int
    headings: list[str]
    beyond: dict[str, list[str]]


@dataclass(frozen=True)
class Description:
    """What one file seems to be, and how sure that is."""

    path: Path
    proposal: Proposal
    records: int
    persian: bool
    answers: list[Answers] = field(default_factory=list)
    toman: bool = False
    remarks: list[str] = field(default_factory=list)
    open_questions: bool = False

    @property
    def heading(self) -> str:
        """The file and its table."""
        return f"{self.path.name}: {self.proposal.table or 'not recognised'}"

    @property
    def rows(self) -> list[list[str]]:
        """Column of the table and heading in the file, for display."""
        answers = [["an answer (score)", heading] for heading in self.proposal.answers]
        return [[column, heading] for column, heading in self.proposal.columns.items()] + answers


def describe_files(files: Sequence[Path]) -> list[Description]:
    """Look at each file and propose what it is.

    Raises
    ------
    SourceError
        If a file cannot be read.
    """
    found = [_describe(Path(file)) for file in files]
    spoken_of = any(
        "customer_id" in file.proposal.columns for file in found if file.proposal.table != "customers"
    )
    return [_asked_for_number(file) if spoken_of else file for file in found]


def _asked_for_number(file: Description) -> Description:
    """A file of customers that other files speak of by number has to say its own."""
    if file.proposal.table != "customers" or "customer_id" in file.proposal.columns:
        return file
    remark = "Not found: customer_id, by which the other files name customers. Fill it in in crmlab.toml."
    proposal = file.proposal._replace(missing=["customer_id"])
    return replace(file, proposal=proposal, remarks=[remark, *file.remarks], open_questions=True)


def _describe(path: Path) -> Description:
    raw = read_file(path)
    head = raw.frame.head(500)
    proposal = propose(head, path.name)
    remarks = []
    if not proposal.table:
        remarks.append("No table fits. Name it and its columns in crmlab.toml, or leave the file out.")
    if proposal.missing:
        remarks.append(f"Not found, but needed: {', '.join(proposal.missing)}. Fill them in in crmlab.toml.")
    if _SURVEY.search("\n".join([path.name.lower(), *map(str, head.columns)])) and not (
        proposal.answers or "score" in proposal.columns
    ):
        remarks.append(
            "If this is a survey with a column per question: the table is surveys, and [source.answers] "
            "names the questions."
        )
    answers = _answers(raw.frame[proposal.answers])
    remarks += [remark for group in answers for remark in _on_answers(group)]
    if proposal.unused:
        remarks.append(f"Not used: {listed(proposal.unused)}.")
    long = _long_ratings(raw.frame[proposal.unused]) if answers else []
    if long:
        remarks.append(
            f"{len(long)} columns hold whole numbers up to 100 ({listed(long, 20)}): if they are ratings, "
            'name them in [source.answers] of a further [[source]] of this file, with metric = "item", or '
            '"expectation" for what was expected.'
        )
    # Leads have a column for names as typed, customers have none.
    whole = match_headings(head[proposal.unused], "leads").get("full_name")
    if proposal.table == "customers" and whole:
        remarks.append(f"{whole}: whole names are not taken apart; customers have first_name and last_name.")
    if len(raw.rejected):
        records = _count(raw.rejected, "record")
        remarks.append(f"{records} cannot be read; cleansing will set such records aside.")
    unsure = not proposal.table or bool(proposal.missing)
    toman = bool(pd.Series(head.columns, dtype="str").str.contains("تومان|toman", case=False).any())
    return Description(path, proposal, len(raw.frame), _is_persian(head), answers, toman, remarks, unsure)


def _count(things: Sized, name: str) -> str:
    return f"{len(things):,} {name}{'s' if len(things) > 1 else ''}"


def _is_persian(head: pd.DataFrame) -> bool:
    """Whether most headings, or most rows somewhere, are written in the letters of Persian."""
    letters = "[\u0600-\u06ff]"
    headings = pd.Series(head.columns, dtype="str").str.contains(letters)
    lines = [" ".join(map(str, row)) for row in head.itertuples(index=False, name=None)]
    rows = pd.Series(lines, dtype="str").str.contains(letters)
    return bool(headings.mean() > 0.5 or rows.mean() > 0.5)


def _on_answers(group: Answers) -> list[str]:
    """What is to be checked of questions that were taken as answers."""
    taken = f"taken as {group.metric}: check both"
    if group.metric == "item":
        taken = "taken as item (a rating of one thing): check both; what asks for satisfaction is csat"
    remarks = [f"{_count(group.headings, 'question')} on a scale from {group.low} to {group.high}, {taken}."]
    return remarks + [
        f"{heading} holds numbers beyond this scale: {listed(numbers, 60)}. Cleansing would set these "
        "answers aside: correct the scale, or name what means no answer in [source.missing]."
        for heading, numbers in group.beyond.items()
    ]


def _numbers(columns: pd.DataFrame) -> pd.DataFrame:
    return columns.apply(lambda values: read_numbers(values)["text"].astype("float64"))


def _answers(questions: pd.DataFrame) -> list[Answers]:
    """Questions by what they seem to measure and by their scale.

    A zero beside 1 to 5 may be "no answer": questions whose scales end alike have the same one.
    """
    numbers = _numbers(questions)
    groups: dict[tuple[str, int], list[str]] = {}
    for heading, values in numbers.items():
        low, high = _scale(*_ends(values))
        metric = measure(heading) or "item"
        if metric == "nps" and high - low != 10:
            metric = "item"
        groups.setdefault((metric, high), []).append(str(heading))
    found = []
    for (metric, high), headings in groups.items():
        low, high = _scale(min(_ends(numbers[heading])[0] for heading in headings), high)
        odd = {heading: numbers[heading][~numbers[heading].between(low, high)] for heading in headings}
        beyond = {heading: [f"{value:g}" for value in sorted(values.dropna().unique())]
                  for heading, values in odd.items() if values.notna().any()}  # fmt: skip
        found.append(Answers(metric, low, high, headings, beyond))
    return found


def _ends(values: pd.Series) -> tuple[float, float]:
    """Lowest and highest answer: whole numbers up to 10, or to 11 where neither 0 nor 12 is among them."""
    top = 11 if (values == 11).any() and not values.isin([0, 12]).any() else 10
    answers = values[values.isin(range(top + 1))]
    return answers.min(), answers.max()


def _scale(low: float, high: float) -> tuple[int, int]:
    """The narrowest usual scale that holds answers from `low` to `high`."""
    fits = [scale for scale in _SCALES if scale[0] <= low and high <= scale[1]]
    return min(fits, key=lambda scale: scale[1] - scale[0])


def _long_ratings(columns: pd.DataFrame) -> list[str]:
    """Headings of three or more columns of whole numbers from 0 up to 100, with many between."""
    found = []
    for heading, values in columns.items():
        numbers = read_numbers(values)["text"].dropna().astype("float64")
        if numbers.max() == 100 and numbers.nunique() > 11 and numbers.isin(range(101)).all():
            found.append(str(heading))
    return found if len(found) >= 3 else []


def assumptions(files: Sequence[Description]) -> dict[str, str]:
    """What the description of these files says of all of them, by entry of ``[workspace]``.

    The language is told by their letters, toman by a heading; the others go with the language, as
    files do not say them, and are empty where they are left open.
    """
    persian = any(file.persian for file in files)
    toman = any(file.toman for file in files)
    return {
        "language": "fa" if persian else "en",
        "currency": "IRT" if toman else "IRR" if persian else "EUR",
        "time_zone": "Asia/Tehran" if persian else "",
        "phone_region": "IR" if persian else "",
    }


def write_description(folder: Path, files: Sequence[Description], force: bool = False) -> Path:
    """Write ``crmlab.toml`` for the described files into `folder`.

    Raises
    ------
    ParameterError
        If there is one already and `force` is not set.
    WorkspaceError
        If the folder cannot be written.
    """
    target = folder / FILE
    if target.exists() and not force:
        raise ParameterError(f"{target} is there already; --force replaces it.")
    check_writable(folder)
    assumed = assumptions(files)
    toman = assumed["currency"] == "IRT"
    meanings = {
        "language": "of reports: en or fa",
        "currency": "toman, as a heading says: ten rials" if toman else "not told by the files: set your own",
        "time_zone": 'zone of clean time stamps, such as "Europe/London"',
        "phone_region": 'country (such as "DE") of numbers without its code',
    }
    text = [
        "# What this workspace holds and how to read it.",
        "",
        "[workspace]",
        f"name = {_quoted(folder.resolve().name)}",
        *(f'{name} = "{value}"  # {meanings[name]}' for name, value in assumed.items()),
        "",
    ]
    if any(file.proposal.table == "customers" and _PERSONAL & file.proposal.columns.keys() for file in files):
        text += [
            "[duplicates]  # which customers are one person?",
            'customers = "find"  # "merge" makes one record of them, "keep" does not look',
            "",
        ]
    for file in files:
        text += _source_lines(file, folder)
    target.write_text("\n".join(text), encoding="utf-8")
    return target


def _source_lines(file: Description, folder: Path) -> list[str]:
    proposal = file.proposal
    place = os.path.relpath(file.path.resolve(), folder.resolve())
    lines = [
        "[[source]]",
        f"file = {_quoted(Path(place).as_posix())}",
        f"table = {_quoted(proposal.table)}",
        "",
    ]
    if not proposal.table:
        return [f"# {line}" if line else "" for line in ["No table fits this file; fill it in.", *lines]]
    lines.append("[source.columns]  # column of the table = heading in the file")
    lines += [f"{column} = {_quoted(heading)}" for column, heading in proposal.columns.items()]
    lines += [f'# {column} = ""  # needed, not found' for column in proposal.missing]
    free = [column.name for column in table(proposal.table).columns if column.name not in proposal.columns]
    lines += [f"# headings not used: {', '.join(map(_quoted, proposal.unused))}"] if proposal.unused else []
    lines += [f"# columns still free: {', '.join(free)}", ""]
    if not file.answers:
        return lines
    # Questions on another scale are a source of their own, with the same columns.
    return [line for answers in file.answers for line in [*lines, *_answer_lines(answers)]]


def _answer_lines(answers: Answers) -> list[str]:
    return [
        "[source.constants]",
        f'metric = "{answers.metric}"  # one of nps, csat, ces, item, expectation',
        f"scale_low = {answers.low}",
        f"scale_high = {answers.high}",
        "",
        "[source.answers]  # heading in the file = touch point",
        *(f"{_quoted(heading)} = {_quoted(heading)}" for heading in answers.headings),
        "",
    ]


def _quoted(text: str) -> str:
    """A basic TOML string, which is one of JSON with another sign escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_public_workspace(name: str, folder: Path) -> Path:
    """Fetch a public data set and write a workspace for it into `folder`.

    Raises
    ------
    SourceError
        If it cannot be fetched.
    ParameterError
        If `folder` is a workspace already.
    """
    chosen = public_set(name)
    target = folder / FILE
    if target.exists():
        raise ParameterError(f"{target} is there already; choose another folder.")
    source = fetch(name)
    check_writable(folder)
    try:
        shutil.copyfile(source, folder / source.name)
    except OSError as error:
        raise WorkspaceError(f"The folder {folder} cannot be written: {error.strerror}.") from None
    currency = f'currency = "{chosen.currency}"\n' if chosen.currency else ""
    target.write_text(
        f"# {chosen.title}.\n# {chosen.citation}. {chosen.licence[0].upper()}{chosen.licence[1:]}.\n\n"
        f"[workspace]\nname = {_quoted(chosen.title.split(':')[0])}\n{currency}\n"
        f'[[source]]\ndataset = "{name}"\nfile = {_quoted(source.name)}\n',
        encoding="utf-8",
    )
    return folder
