"""Many reports from one warm process: what notebooks need is loaded once, each report is forked from it.

The process that loads (``python -m crmlab.reporting.pool``) has a single thread, so that forking it
is safe. It reads its jobs from stdin and says in lines of JSON on stdout how far they are:
``{"job": 3, "cell": 5, "of": 14}`` when a cell begins, then ``{"job": 3, "error": "", "headline": {}}``, or
``{"job": 3, "signal": 9}`` if the child died.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crmlab.errors import ReportError
from crmlab.reporting.engines import SETTINGS
from crmlab.reporting.render import Job

_NEEDED = (
    "numpy", "pandas", "pyarrow.parquet", "pyarrow.compute", "ibis", "ibis.backends.duckdb",
    "matplotlib.backends.backend_agg", "PIL.Image", "PIL.PngImagePlugin",
    "scipy.special", "papermill.parameterize", "IPython.core.interactiveshell", "IPython.display", "nbformat",
    "crmlab.calendars", "crmlab.engine", "crmlab.workspace", "crmlab.sources", "crmlab.mining",
    "crmlab.mining.customers.rfm", "crmlab.mining.customers.value", "crmlab.mining.satisfaction.touch_points",
    "crmlab.mining.campaigns.effect", "crmlab.mining.campaigns.funnel", "crmlab.reporting.exhibits",
    "crmlab.reporting.render", "crmlab.reporting.canonical",
)  # fmt: skip


def run_forked(jobs: Sequence[Job], workers: int) -> Iterator[dict[str, Any]]:
    """Make the jobs' reports, some at a time, and tell what happens as it happens.

    Raises
    ------
    ReportError
        If the warm process does not start.
    """
    command = [sys.executable, "-m", "crmlab.reporting.pool", str(workers)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **SETTINGS}, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        with process.stdin, contextlib.suppress(BrokenPipeError):
            json.dump([job.plain() for job in jobs], process.stdin)
        for line in process.stdout:
            yield json.loads(line)
        said = process.stderr.read().strip().splitlines()
        if process.wait():
            raise ReportError(
                f"The process that makes the reports failed: {said[-1] if said else 'no word'}."
            )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def preload() -> None:
    """Load what notebooks need."""
    import importlib

    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # 1.2 s of grammars nobody asks for
    for name in _NEEDED:
        importlib.import_module(name)
    import duckdb

    # Importing it opens a connection of its own, with threads for all cores.
    duckdb.default_connection().close()


def warm_up() -> None:
    """Use once what is costly the first time: the shell, the engine, the page, the figures."""
    import nbformat
    import pandas as pd

    from crmlab import figures
    from crmlab.locale import language
    from crmlab.reporting import engines
    from crmlab.reporting.page import to_page

    engines.new_shell()
    _warm_engine()
    for code in ("en", "fa"):
        empty = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell("# x"), nbformat.v4.new_code_cell("1")]
        )
        to_page(empty, "x", "x", language(code), {})
        frame = pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})
        figures.to_png(figures.bars(frame, "a", {"b": "b"}, title=language(code)("Share"), code=code))


def _warm_engine() -> None:
    """Connect and write a query, but run none: that would start threads."""
    import ibis

    from crmlab.engine import connect

    connect(threads=1).disconnect()
    columns = {"customer_id": "string", "time": "timestamp", "amount": "int64"}
    orders = ibis.table(columns, name="orders").filter(ibis._.amount > 0)
    customers = orders.group_by("customer_id").aggregate(
        latest=orders.time.date().max(), frequency=orders.count(), value=orders.amount.sum()
    )
    scored = customers.mutate(score=ibis.ntile(5).over(order_by=[customers.latest, customers.customer_id]))
    joined = scored.inner_join(orders, "customer_id").distinct()
    ibis.to_sql(joined.order_by(ibis.desc("latest")).limit(10), dialect="duckdb")


def main() -> None:
    """Read jobs from stdin, make them, say on stdout how far they are."""
    # An interrupt ends the pool and its children at once; who started it cleans up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    messages = os.dup(1)
    os.dup2(2, 1)
    jobs = [Job(**job) for job in json.load(sys.stdin)]
    workers, running = int(sys.argv[1]), {}
    waiting = list(enumerate(jobs))
    preload()
    # What need not wait for the warm-up runs beside it.
    while waiting and len(running) < max(workers - 1, len(jobs) == 1):
        _start(*waiting.pop(0), running, messages)
    if waiting:
        warm_up()
    while waiting or running:
        while waiting and len(running) < workers:
            _start(*waiting.pop(0), running, messages)
        child, status = os.wait()
        number = running.pop(child)
        if status:
            _say(messages, number, signal=os.WTERMSIG(status) or -os.WEXITSTATUS(status))


def _start(number: int, job: Job, running: dict[int, int], messages: int) -> None:
    """Fork a child for a job."""
    if len(os.listdir("/proc/self/task")) > 1:
        raise SystemExit("more than one thread is running, so that forking is not safe")
    gc.freeze()
    child = os.fork()
    if not child:
        _child(number, job, messages)
    running[child] = number


def _say(messages: int, number: int, **what: Any) -> None:
    os.write(messages, (json.dumps({"job": number, **what}) + "\n").encode())


def _child(number: int, job: Job, messages: int) -> None:
    """Make one report and end the process."""
    from crmlab.reporting import engines
    from crmlab.reporting.render import render, write_notebook

    folder, saved = Path(job.folder), time.monotonic()
    log = os.open(folder / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)

    def begun(cell: int, notebook: Any) -> None:
        nonlocal saved
        _say(messages, number, cell=cell, of=sum(c.cell_type == "code" for c in notebook.cells))
        if time.monotonic() - saved > 1:
            # What is there by now is there even if the process is killed.
            write_notebook(notebook, folder / "report.ipynb")
            saved = time.monotonic()

    def execute(notebook: Any, parameters: dict[str, Any]) -> engines.Executed:
        done = engines.in_this_process(notebook, parameters, begun, job.limit)
        return done._replace(log=(folder / "process.log").read_text(encoding="utf-8", errors="replace"))

    outcome = render(job, execute)
    with contextlib.suppress(OSError):
        (folder / "process.log").unlink()
    _say(messages, number, error=outcome.error, headline=outcome.headline)
    os._exit(0)


if __name__ == "__main__":
    main()
