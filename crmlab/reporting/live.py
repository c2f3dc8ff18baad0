"""A live report: the notebook behind a page that Voila serves, computed anew whenever it is opened."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from crmlab.errors import ParameterError
from crmlab.reporting.page import style
from crmlab.reporting.plan import Plan
from crmlab.reporting.render import read_for, title_of
from crmlab.reporting.run import job_of

#: Jupyter finds the template of the page below this folder.
_JUPYTER = Path(__file__).parent / "jupyter"
_TEMPLATE = "crmlab"


def live_notebook(plan: Plan, folder: Path, every: int | None = None) -> Path:
    """Write what Voila needs to serve the report of a plan.

    Parameters
    ----------
    folder
        Where it goes.
    every
        Seconds after which an open page computes itself anew.

    Returns
    -------
    Path
        The notebook, translated and with its parameters filled in; ``voila.json`` is beside it.
    """
    import nbformat

    from crmlab.reporting.engines import with_parameters

    job = job_of(plan, folder)
    given = {name: str(plan.workspace.path.resolve()) if name == "workspace" else value
             for name, value in job.parameters.items()}  # fmt: skip
    notebook = with_parameters(read_for(job), given)
    path = folder / f"{plan.notebook.stem}.ipynb"
    nbformat.write(notebook, path)
    page = {
        "title": title_of(notebook),
        "lang": plan.tongue.code,
        "dir": "rtl" if plan.tongue.right_to_left else "ltr",
        "style": style(arabic=True)
        + (_JUPYTER / "voila" / "templates" / _TEMPLATE / "live.css").read_text("utf-8"),
        "every": every,
    }
    settings = {"template": _TEMPLATE, "resources": {"crmlab": page}, "show_tracebacks": False}
    (folder / "voila.json").write_text(json.dumps({"VoilaConfiguration": settings}), encoding="utf-8")
    return path


def serve(notebook: Path, port: int = 8866, browser: bool = True) -> int:
    """Serve a notebook that `live_notebook` wrote, to this machine alone, until interrupted.

    Returns
    -------
    int
        Exit status of the server; 0 after an interrupt.

    Raises
    ------
    ParameterError
        If Voila is not installed.
    """
    import signal
    import subprocess
    from importlib.util import find_spec

    if find_spec("voila") is None:
        raise ParameterError("A live report needs Voila; install it with: pip install crmlab[live]")
    paths = os.pathsep.join(filter(None, [str(_JUPYTER), os.environ.get("JUPYTER_PATH")]))
    command = [
        sys.executable, "-m", "voila", str(notebook), f"--port={port}", "--Voila.ip=127.0.0.1",
        f"--Voila.config_file_paths={notebook.parent}", *([] if browser else ["--no-browser"]),
    ]  # fmt: skip
    # Whoever ends this process ends the server too.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(command, env={**os.environ, "JUPYTER_PATH": paths})
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        process.terminate()
        process.wait()
        signal.signal(signal.SIGTERM, before)
