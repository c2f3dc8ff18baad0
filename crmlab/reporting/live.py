"""A live report: the notebook behind a page that Voila serves, computed anew whenever it is opened."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.errors import ParameterError
from crmlab.reporting.page import style
from crmlab.reporting.plan import Plan
from crmlab.reporting.render import read_for, title_of
from crmlab.reporting.run import job_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from crmlab.locale import Language

#: Jupyter finds the template of the page below this folder.
_JUPYTER = Path(__file__).parent / "jupyter"
_TEMPLATE = "crmlab"
#: The first port to try, and the address that only this machine reaches.
PORT = 8866
_HERE_ALONE = "127.0.0.1"


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
    from crmlab.reporting.engines import with_parameters

    job = job_of(plan, folder)
    given = {name: str(plan.workspace.path.resolve()) if name == "workspace" else value
             for name, value in job.parameters.items()}  # fmt: skip
    notebook = with_parameters(read_for(job), given)
    path = folder / f"{plan.notebook.stem}.ipynb"
    return write_page(notebook, path, plan.tongue, every)


def write_page(notebook: NotebookNode, path: Path, tongue: Language, every: int | None = None) -> Path:
    """Write a notebook, and beside it how Voila is to show it; return its path."""
    import nbformat

    nbformat.write(notebook, path)
    page = {
        "title": title_of(notebook),
        "lang": tongue.code,
        "dir": "rtl" if tongue.right_to_left else "ltr",
        "style": style(arabic=True)
        + (_JUPYTER / "voila" / "templates" / _TEMPLATE / "live.css").read_text("utf-8"),
        "every": every,
    }
    settings = {"template": _TEMPLATE, "resources": {"crmlab": page}, "show_tracebacks": False}
    path.with_name("voila.json").write_text(json.dumps({"VoilaConfiguration": settings}), encoding="utf-8")
    return path


def free_port(asked: int | None = None) -> int:
    """A port of this machine that no program listens on.

    Parameters
    ----------
    asked
        The only one that will do; if not given, the first free one from `PORT` on.

    Raises
    ------
    ParameterError
        If it cannot be had.
    """
    why = ""
    for port in [asked] if asked else range(PORT, PORT + 50):
        with socket.socket() as probe:
            if os.name == "posix":  # a port that was left a moment ago is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HERE_ALONE, port))
            except OSError as error:
                why = error.strerror or str(error)
                continue
            return port
    which = f"The port {asked}" if asked else f"Every port from {PORT} to {PORT + 49}"
    raise ParameterError(f"{which} is taken or not to be had ({why}); name another one with --port.")


def serve(
    notebook: Path, port: int, browser: bool = True, ready: Callable[[str], None] = lambda address: None
) -> int:
    """Serve a notebook that `live_notebook` wrote, to this machine alone, until interrupted.

    Parameters
    ----------
    port
        A free one, see `free_port`.
    ready
        Called with the address of the page once the server answers there.

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
        sys.executable, "-m", "voila", str(notebook), f"--port={port}", f"--Voila.ip={_HERE_ALONE}",
        "--Voila.port_retries=0", "--Voila.log_level=WARN",
        f"--Voila.config_file_paths={notebook.parent}", *([] if browser else ["--no-browser"]),
    ]  # fmt: skip
    # Whoever ends this process ends the server too.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(command, env={**os.environ, "JUPYTER_PATH": paths})
    try:
        while process.poll() is None and not _answers(port):
            time.sleep(0.1)
        if process.poll() is None:
            ready(f"http://{_HERE_ALONE}:{port}/")
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        process.terminate()
        process.wait()
        signal.signal(signal.SIGTERM, before)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HERE_ALONE, port)) == 0
