"""Files and folders: checksums, and writing that is whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crmlab.errors import WorkspaceError


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


#: Files of the package that decide what comes out; fonts have a checksum of their own.
_CODE = (".py", ".css", ".j2", ".html", ".po", ".mplstyle")


def _code_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in _CODE]


def code_sha256(parts: tuple[str, ...] = ("",)) -> str:
    """SHA-256 over the package's own modules, all of them or those under `parts`."""
    root, digest = Path(__file__).parent, hashlib.sha256()
    for part in parts:
        path = root / part
        for module in sorted(_code_in(path)) if path.is_dir() else [path]:
            digest.update(str(module.relative_to(root)).encode())
            digest.update(module.read_bytes())
    return digest.hexdigest()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until nobody else cleans the workspace in `folder`, and keep others waiting meanwhile."""
    handle = None
    with suppress(ImportError, OSError):  # Windows and some network drives know no such lock.
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, UTF-8, so that whoever reads it meanwhile finds all of it or what was there."""
    fresh = path.with_name(f".{path.name}.new-{uuid.uuid4().hex[:8]}")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(path)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of `folder` if all goes well, and leaves no trace if not."""
    mark = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    fresh = folder.with_name(f"{folder.name}.new-{mark}")
    old = folder.with_name(f"{folder.name}.old-{mark}")
    try:
        if folder.exists() and not folder.is_dir():
            raise OSError("a file has its name")
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    except OSError as error:
        if old.exists():
            old.rename(folder)
        raise WorkspaceError(f"The folder {folder} cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_writable(folder: Path) -> Path:
    """Make `folder` if need be and make sure that files can be written to it.

    Raises
    ------
    WorkspaceError
        In one sentence, if they cannot.
    """
    # Other threads, and other machines with a process of the same number, may probe at the same time.
    probe = folder / f".writable-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        said = f"The folder {folder} cannot be written: {error.strerror}. Choose another one."
        raise WorkspaceError(said) from None
    return folder
