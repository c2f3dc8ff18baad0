"""Sections of an executed notebook that have nothing to show."""

from __future__ import annotations

import copy
from typing import Any

from crmlab.locale import Language

#: In the metadata of an output: the sentence that stands in place of what there are no data for.
NOTHING = "crm_nothing"


def without_empty_sections(notebook: Any, tongue: Language) -> Any:
    """The notebook without sections of which all outputs say that there is nothing to show.

    A section goes from one second-level heading to the next. What is left out is listed in a section
    at the end, with the reasons, so that nobody looks for it in vain.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> from crmlab.locale import language
    >>> empty = v4.new_output("execute_result", {}, metadata={NOTHING: "Nobody was asked."})
    >>> cells = [v4.new_markdown_cell("## Gaps"), v4.new_code_cell(outputs=[empty])]
    >>> shown = without_empty_sections(v4.new_notebook(cells=cells), language("en"))
    >>> print(shown.cells[-1].source)
    ## What is not in this report
    <BLANKLINE>
    - **Gaps** Nobody was asked.
    """
    sections: list[list[Any]] = [[]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            sections.append([])
        sections[-1].append(cell)
    kept, lines = [], []
    for section in sections:
        reasons = _reasons(section)
        if reasons and section is not sections[0]:
            heading = section[0].source.partition("\n")[0].removeprefix("## ")
            lines.append(f"- **{heading}** {' '.join(reasons)}")
        else:
            kept += section
    if not lines:
        return notebook
    from nbformat.v4 import new_markdown_cell

    said = "\n".join(["## " + tongue("What is not in this report"), "", *lines])
    shown = copy.copy(notebook)
    shown.cells = [*kept, new_markdown_cell(said, id="left-out")]
    return shown


def _reasons(section: list[Any]) -> list[str]:
    """Why there is nothing to show, each reason once; none if there is something."""
    outputs = [
        output
        for cell in section
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type != "stream"
    ]
    found = [output.get("metadata", {}).get(NOTHING) for output in outputs]
    return list(dict.fromkeys(found)) if found and all(found) else []
