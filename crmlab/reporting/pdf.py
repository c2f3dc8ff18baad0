"""A page as PDF, printed by Chromium: no further package, and the same bytes for the same page."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from crmlab.errors import ReportError

#: Names under which systems know Chromium.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 120
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
#: A time in the document's information, and what it is replaced by: as long, so that no offset moves.
_TIME = re.compile(rb"(/(?:CreationDate|ModDate) ?\(D:)\d{14}[+-]\d\d'\d\d")
_NO_TIME = rb"\g<1>19800101000000+00'00"
#: An element that others refer to; browsers begin to count at one number or another.
_NODE = re.compile(rb"\(node(\d{8})\)")


def to_pdf(page: Path, target: Path, browser: str | None = None) -> Path:
    """Print a page to PDF.

    Parameters
    ----------
    page
        HTML that needs nothing but itself, as `crmlab.reporting.page.to_page` writes it.
    target
        The PDF; its folder is there. A file of this name is replaced once the new one is whole.
    browser
        Program to print with; found by `find_browser` if not given.

    Returns
    -------
    Path
        `target`. The same page and browser give the same bytes: what is left to chance is taken out.

    Raises
    ------
    ReportError
        If there is no browser, or it prints nothing.

    Examples
    --------
    >>> to_pdf(Path("report.html"), Path("report.pdf"))  # doctest: +SKIP
    """
    program = browser or find_browser()
    if not page.is_file():
        raise ReportError(f"There is no page {page} to print.")
    # Beside the target: browsers from a snap see no other temporary folder.
    with tempfile.TemporaryDirectory(prefix="crmlab-pdf-", dir=target.parent) as folder:
        printed = Path(folder, "page.pdf").resolve()
        said = _call([
            program, *_OPTIONS, f"--user-data-dir={Path(folder, 'browser').resolve()}",
            f"--print-to-pdf={printed}", page.resolve().as_uri(),
        ])  # fmt: skip
        content = printed.read_bytes() if printed.is_file() else b""
        if not content.startswith(b"%PDF"):
            last = said.strip().splitlines()[-1:] or ["it said nothing"]
            raise ReportError(f"{program} did not print {page}: {last[0]}.")
        printed.write_bytes(canonical(content))
        printed.replace(target)
    return target


def find_browser() -> str:
    """The program to print with: what CRMLAB_BROWSER names, else Chromium or Chrome on the path.

    Raises
    ------
    ReportError
        If there is none, with what to install.
    """
    named = os.environ.get("CRMLAB_BROWSER")
    for name in (named,) if named else BROWSERS:
        if found := shutil.which(name):
            return found
    missing = f"CRMLAB_BROWSER names {named}, which is no program" if named else "There is no Chromium"
    raise ReportError(
        f"{missing}, and a PDF is printed by one. Install it (on Debian or Ubuntu: apt-get install chromium) "
        "or name a Chromium or Chrome with the environment variable CRMLAB_BROWSER."
    )


def canonical(content: bytes) -> bytes:
    """A PDF without what differs between two prints of one page: its times, and where ids begin.

    Nothing changes its length, so no offset moves; ids keep their order.

    >>> canonical(b"<</CreationDate (D:20260704120000+02'00')>> /ID (node00000117)")
    b"<</CreationDate (D:19800101000000+00'00')>> /ID (node00000001)"
    """
    ids = {name: rank for rank, name in enumerate(sorted(set(_NODE.findall(content))), start=1)}
    content = _NODE.sub(lambda found: b"(node%08d)" % ids[found[1]], content)
    return _TIME.sub(_NO_TIME, content)


def _call(command: list[str]) -> str:
    """Run the browser and return what it said; it is ended with its children if it takes too long."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ReportError(f"{command[0]} cannot be started: {error.strerror}.") from None
    with process:
        try:
            return process.communicate(timeout=SECONDS)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            said = f"{command[0]} took more than {SECONDS} seconds to print and was ended."
            raise ReportError(said) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
