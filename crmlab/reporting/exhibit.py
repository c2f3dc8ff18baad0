"""What stands on display in a report, with the data behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmlab.reporting.render import TABLE_TYPE


@dataclass(frozen=True)
class Exhibit:
    """A figure or table on display, with the frame behind it; None if that may not be shown."""

    name: str
    frame: pd.DataFrame | None = field(repr=False)
    data: dict[str, Any] = field(repr=False)
    metadata: dict[str, Any] = field(repr=False, default_factory=dict)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        if self.frame is None:
            return self.data, self.metadata
        csv = self.frame.to_csv(index=False, lineterminator="\n")
        return {**self.data, TABLE_TYPE: {"name": self.name, "csv": csv}}, self.metadata
