"""Two ways to execute a notebook: a Jupyter kernel through papermill, or an IPython shell in a child.

The first is the reference. The second needs a process that may be forked: one that has loaded
what notebooks need and has a single thread. Both leave the same outputs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

#: One maths thread each, the same order of sets everywhere, no thread of the allocator's own.
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
#: Called with the number of code cells done.
Done = Callable[[int], None]

KERNEL = "python3"


class Executed(NamedTuple):
    """What came of a notebook.

    Attributes
    ----------
    notebook
        With the outputs of all cells that ran.
    error
        What went wrong, a sentence; empty if nothing did.
    source
        Source of the failing cell.
    log
        What the process itself said.
    """

    notebook: Any
    error: str = ""
    source: str = ""
    log: str = ""


def can_fork() -> bool:
    """Whether reports may run in forked children here: on Linux, where forking is safe."""
    return sys.platform == "linux"


def with_papermill(
    notebook: Any, parameters: dict[str, Any], done: Done, limit: int | None = None
) -> Executed:
    """Execute in a Jupyter kernel of its own.

    Parameters
    ----------
    notebook : NotebookNode
        With a cell tagged ``parameters``; it is changed.
    limit
        Seconds a cell may take.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    count = iter(range(1, 10**9))
    with tempfile.TemporaryDirectory(prefix="crmlab-") as folder:
        output, failure = Path(folder, "report.ipynb"), None
        try:
            papermill.execute_notebook(
                notebook, output, parameters, kernel_name=KERNEL, progress_bar=False, execution_timeout=limit,
                on_cell_executed=lambda **_: done(next(count)), kernel_manager_class=_kernel_manager(folder),
            )  # fmt: skip
        except PapermillExecutionError as error:
            failure = (f"in code cell {error.exec_count}: {error.ename}: {error.evalue}", error.source)
        except Exception as error:  # a kernel that dies or does not start has many names
            said = str(error).strip().splitlines() or [""]
            failure = (f"while it ran: {type(error).__name__}: {said[0]}", "")
        log = Path(folder, "kernel.log")
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return Executed(_read(output) or notebook, *(failure or ("", "")), said)


def _read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4) if path.exists() else None


def _kernel_manager(folder: str) -> type:
    """Kernels on sockets in `folder`, which only this user can open, rather than on open ports."""
    from jupyter_client import AsyncKernelManager
    from traitlets import default

    class PrivateKernelManager(AsyncKernelManager):
        @default("transport")
        def _transport(self) -> str:
            return "ipc" if os.name == "posix" else "tcp"

        @default("ip")
        def _ip(self) -> str:
            return f"{folder}/kernel" if os.name == "posix" else "127.0.0.1"

        async def _async_start_kernel(self, **options: Any) -> None:
            # What the kernel itself says belongs into the log of a failed run, not on the screen.
            options["env"] = {**os.environ, **options.get("env", {}), **SETTINGS}
            with open(f"{folder}/kernel.log", "ab") as log:
                await super()._async_start_kernel(**options, stdout=log, stderr=log)

        start_kernel = _async_start_kernel

    return PrivateKernelManager


def with_parameters(notebook: Any, parameters: dict[str, Any]) -> Any:
    """`notebook` with the cell that papermill puts behind the one tagged ``parameters``."""
    from papermill.parameterize import parameterize_notebook

    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    return parameterize_notebook(notebook, parameters, kernel_name=KERNEL, language="python")


def in_this_process(
    notebook: Any,
    parameters: dict[str, Any],
    begun: Callable[[int, Any], None],
    limit: int | None = None,
) -> Executed:
    """Execute in an IPython shell in this process, which is spent afterwards.

    A cell past its `limit` ends the process by SIGALRM, whatever it is doing.

    Parameters
    ----------
    begun
        Called with the number of each code cell and the notebook so far before the cell runs.
    """
    notebook = with_parameters(notebook, parameters) if parameters else notebook
    shell = new_shell()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, start=1):
        cell["outputs"], cell["execution_count"] = [], None
        if not cell.source.strip():
            continue
        begun(number, notebook)
        if limit:
            signal.alarm(limit)
        cell["outputs"] = run_cell(shell, cell.source)
        signal.alarm(0)
        cell["execution_count"] = shell.execution_count - 1
        last = cell["outputs"][-1] if cell["outputs"] else {}
        expected = "raises-exception" in cell.metadata.get("tags", ())
        if last.get("output_type") == "error" and not expected:
            return Executed(
                notebook, f"in code cell {number}: {last['ename']}: {last['evalue']}", cell.source
            )
    return Executed(notebook)


@cache
def new_shell() -> Any:
    """The process's IPython shell, whose outputs are collected as a kernel would send them."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from nbformat.v4 import new_output
    from traitlets import Type
    from traitlets.config import Config

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, *, transient=None, update=False, **_: Any) -> None:
            name = (transient or {}).get("display_id")
            output = new_output("display_data", data, metadata=metadata or {})
            if update:
                for known in self.shell.displayed.get(name, ()):
                    known.update(data=output["data"], metadata=output["metadata"])
                return
            self.shell.outputs.append(output)
            if name:
                self.shell.displayed.setdefault(name, []).append(output)

        def clear_output(self, wait: bool = False) -> None:
            self.shell.outputs.clear()

    class Hook(DisplayHook):
        def write_output_prompt(self) -> None:
            pass

        def write_format_data(self, format_dict, md_dict=None) -> None:
            self.shell.outputs.append(
                new_output(
                    "execute_result", format_dict, metadata=md_dict or {}, execution_count=self.prompt_count
                )
            )

    class Shell(InteractiveShell):
        displayhook_class = Type(Hook)
        display_pub_class = Type(Publisher)
        outputs: list[Any]
        displayed: dict[str, list[Any]]

        def _showtraceback(self, etype, evalue, stb) -> None:
            self.outputs.append(
                new_output("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))
            )

        def enable_gui(self, gui=None) -> None:
            pass

    # A history would be kept in a file that all reports share.
    config = Config(HistoryManager={"enabled": False, "hist_file": ":memory:"})
    shell = Shell.instance(config=config, history_load_length=0)
    shell.outputs, shell.displayed = [], {}
    return shell


class _Stream:
    """Stands for stdout or stderr and adds what is written to the outputs of the cell."""

    encoding = "utf-8"

    def __init__(self, shell: Any, name: str) -> None:
        self._shell, self._name = shell, name

    def write(self, text: str) -> int:
        from nbformat.v4 import new_output

        last = self._shell.outputs[-1] if self._shell.outputs else {}
        if last.get("name") == self._name and last.get("output_type") == "stream":
            last["text"] += text
        elif text:
            self._shell.outputs.append(new_output("stream", name=self._name, text=text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        pass

    def fileno(self) -> int:
        # What writes past Python lands in the log of the process.
        return 1 if self._name == "stdout" else 2

    def isatty(self) -> bool:
        return False


@contextlib.contextmanager
def _captured(shell: Any) -> Iterator[None]:
    with (
        contextlib.redirect_stdout(_Stream(shell, "stdout")),  # type: ignore[type-var]
        contextlib.redirect_stderr(_Stream(shell, "stderr")),  # type: ignore[type-var]
    ):
        yield


def run_cell(shell: Any, source: str) -> list[Any]:
    """Run one cell and return its outputs."""
    shell.outputs = []
    with _captured(shell):
        shell.run_cell(source, store_history=True)
    return shell.outputs
