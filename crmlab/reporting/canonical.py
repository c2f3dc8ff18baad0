"""An executed notebook without what differs between two runs of the same thing."""

from __future__ import annotations

from typing import Any


def canonical(notebook: Any) -> Any:
    """Remove times, machine details and random ids from an executed notebook, in place.

    Times are in the manifest. Cells are numbered, pieces of a stream are put together.
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number:03d}"
        for passing in ("execution", "papermill"):
            cell.metadata.pop(passing, None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if "injected-parameters" in cell.metadata.get("tags", ()):
            # Where the workspace lies is a detail of the machine.
            lines = cell["source"].splitlines(keepends=True)
            cell["source"] = "".join(line for line in lines if not line.startswith("workspace = "))
        if cell.cell_type == "code":
            cell["outputs"] = _one_stream_each(cell.outputs)
    return notebook


def _one_stream_each(outputs: list[Any]) -> list[Any]:
    """Outputs with the text of each stream in one piece, where its first piece stood."""
    merged: list[Any] = []
    first: dict[str, Any] = {}
    for output in outputs:
        if output.output_type == "stream" and output.name in first:
            first[output.name]["text"] += output.text
            continue
        if output.output_type == "stream":
            first[output.name] = output
        merged.append(output)
    return merged
