"""The executed notebook as one page that needs nothing but itself."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from crmlab.locale import Language

_HERE = Path(__file__).parent
_FONT = _HERE.parent / "fonts" / "Vazirmatn-variable.woff2"


def to_page(notebook: Any, title: str, subtitle: str, tongue: Language, facts: dict[str, str]) -> str:
    """HTML of an executed notebook: code folded away, styles, fonts and pictures inside.

    Parameters
    ----------
    notebook : NotebookNode
        As executed.
    title, subtitle
        Heading of the page and the line above it.
    tongue
        Language of the page; right-to-left languages get a right-to-left page.
    facts
        What stands in the foot of the page, such as the parameters, by name.
    """
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    exporter = HTMLExporter(
        template_name="template",
        extra_template_basedirs=[str(_HERE)],
        config=Config({"HTMLExporter": {"anchor_link_text": ""}}),
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    resources = {
        "crmlab": {
            "title": title,
            "subtitle": subtitle,
            "lang": tongue.code,
            "dir": "rtl" if tongue.right_to_left else "ltr",
            "style": (_HERE / "page.css").read_text(encoding="utf-8"),
            "font": base64.b64encode(_FONT.read_bytes()).decode() if tongue.right_to_left else "",
            "code_label": tongue("Code"),
            "facts_label": tongue("How this report was made"),
            "facts": facts,
        }
    }
    page, _ = exporter.from_notebook_node(notebook, resources=resources)
    return page
