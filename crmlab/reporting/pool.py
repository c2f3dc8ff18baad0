"""Many reports from one warm process: what notebooks need is loaded once, each report is forked from it.

The process that loads (``python -m crmlab.reporting.pool``) has a single thread, so that forking it
is safe. It reads its jobs from stdin, a line of JSON for each call, and says in lines of JSON on
stdout how far they are: ``{"job": 3, "cell": 5, "of": 14}`` when a cell begins, then
``{"job": 3, "error": "", "headline": []}``, or ``{"job": 3, "signal": 9}`` if the child died; at last
``{"all": 12}``.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

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

#: Seconds without a call after which the warm process ends.
_PATIENCE = 300


class _Pool(NamedTuple):
    """The warm process, what it says that is no message, and the process that started it."""

    process: subprocess.Popen[str]
    said: IO[str]
    owner: int


#: At most one pool is kept for the next call; a call that finds it taken starts its own.
_kept: list[_Pool] = []


def run_forked(jobs: Sequence[Job], workers: int) -> Iterator[dict[str, Any]]:
    """Make the jobs' reports, some at a time, and tell what happens as it happens.

    The warm process stays for further calls until this process ends, or nothing was asked of it
    for a while.

    Raises
    ------
    ReportError
        If the warm process does not start.
    """
    pool = _take()
    try:
        request = {"workers": workers, "jobs": [job.plain() for job in jobs], "folder": os.getcwd(),
                   "environment": {**os.environ, **SETTINGS}}  # fmt: skip
        assert pool.process.stdin
        assert pool.process.stdout
        with contextlib.suppress(BrokenPipeError):
            pool.process.stdin.write(json.dumps(request) + "\n")
            pool.process.stdin.flush()
        for line in pool.process.stdout:
            event = json.loads(line)
            if "all" in event:
                break
            yield event
        else:
            pool.said.seek(0)
            said = pool.said.read().strip().splitlines() or ["no word"]
            raise ReportError(f"The process that makes the reports failed: {said[-1]}.")
    except BaseException:
        _end(pool)
        raise
    _kept.append(pool)


def _take() -> _Pool:
    """A warm process: the one that was kept, or a new one."""
    while _kept:
        pool = _kept.pop()
        if pool.owner != os.getpid():
            continue  # this process was forked from the one whose pool it is
        if pool.process.poll() is None:
            return pool
        _end(pool)
    said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - kept open
    process = subprocess.Popen(
        [sys.executable, "-m", "crmlab.reporting.pool"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=said, env={**os.environ, **SETTINGS}, text=True, encoding="utf-8",
    )  # fmt: skip
    return _Pool(process, said, os.getpid())


def _end(pool: _Pool) -> None:
    assert pool.process.stdin
    assert pool.process.stdout
    pool.process.kill()
    pool.process.wait()
    pool.said.close()
    pool.process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        pool.process.stdin.close()


@atexit.register
def _end_kept() -> None:
    while _kept:
        pool = _kept.pop()
        if pool.owner == os.getpid():
            _end(pool)


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
    """Read a line of jobs from stdin, make them, say on stdout how far they are; and again."""
    # An interrupt ends the pool and its children at once; who started it cleans up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    messages = os.dup(1)
    os.dup2(2, 1)
    warm = False
    preload()
    while select.select([sys.stdin], [], [], _PATIENCE)[0]:
        if not (line := sys.stdin.readline()):
            return
        request = json.loads(line)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        waiting = list(enumerate(Job(**job) for job in request["jobs"]))
        warm = _serve(waiting, request["workers"], warm, messages)
        _say(messages, all=len(request["jobs"]))


def _serve(waiting: list[tuple[int, Job]], workers: int, warm: bool, messages: int) -> bool:
    """Make the reports of some jobs; returns whether the process is warm now."""
    running: dict[int, int] = {}
    # What need not wait for the warm-up runs beside it.
    while not warm and waiting and len(running) < max(workers - 1, len(waiting) == 1):
        _start(*waiting.pop(0), running, messages)
    if waiting and not warm:
        warm_up()
        warm = True
    while waiting or running:
        while waiting and len(running) < workers:
            _start(*waiting.pop(0), running, messages)
        child, status = os.wait()
        number = running.pop(child)
        if status:
            _say(messages, job=number, signal=os.WTERMSIG(status) or -os.WEXITSTATUS(status))
    return warm


def _start(number: int, job: Job, running: dict[int, int], messages: int) -> None:
    """Fork a child for a job."""
    if len(os.listdir("/proc/self/task")) > 1:
        raise SystemExit("more than one thread is running, so that forking is not safe")
    gc.freeze()
    child = os.fork()
    if not child:
        _child(number, job, messages)
    running[child] = number


def _say(messages: int, **what: Any) -> None:
    os.write(messages, (json.dumps(what) + "\n").encode())


def _child(number: int, job: Job, messages: int) -> None:
    """Make one report and end the process."""
    from crmlab.reporting import engines
    from crmlab.reporting.render import render, write_notebook

    folder, saved = Path(job.folder), time.monotonic()
    log = os.open(folder / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def begun(cell: int, notebook: Any) -> None:
        nonlocal saved
        _say(messages, job=number, cell=cell, of=sum(c.cell_type == "code" for c in notebook.cells))
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
    _say(messages, job=number, error=outcome.error, headline=outcome.headline)
    os._exit(0)


if __name__ == "__main__":
    main()
