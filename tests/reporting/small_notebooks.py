"""A small notebook to run instead of the long ones."""

import json
from pathlib import Path

PARAMETERS = """workspace: str = "."  # folder of the workspace
language: str = "en"  # [en | fa] language
as_of: "date" = None  # [orders.time] day looked back from
bins: int = 5  # [2..10] number of classes
arm: str = None  # [campaign_events.arm] arm to show
note: str = "x"  # a remark"""


def write_notebook(
    path: Path, *cells: str, tables: tuple[str, ...] = ("orders",), parameters: str = PARAMETERS
) -> Path:
    """A notebook with a title, the parameters and the given code cells."""

    def code(source: str, tags: list[str]) -> dict:
        cell = {"cell_type": "code", "execution_count": None, "outputs": [], "metadata": {"tags": tags}}
        return cell | {"id": f"cell-{len(source)}", "source": source.splitlines(keepends=True)}

    title = {
        "cell_type": "markdown",
        "id": "title",
        "metadata": {},
        "source": ["# A small report\n", "\n", "Text."],
    }
    notebook = {
        "cells": [title, code(parameters, ["parameters"]), *(code(cell, []) for cell in cells)],
        "metadata": {
            "crmlab": {"tables": list(tables)},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        },
        "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path
