"""What many tests need: public data, a sample workspace, a browser."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
#: Copies of the public data sets: where CRMLAB_DATA says, else in shared/data beside the checkout.
PUBLIC_DATA = Path(os.environ.get("CRMLAB_DATA") or ROOT.parent / "shared" / "data").resolve()


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder with copies of the public data sets."""
    if not PUBLIC_DATA.is_dir():
        pytest.skip("no copies of the public data sets; name their folder with CRMLAB_DATA")
    return PUBLIC_DATA


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Public data sets are read from the copies, never fetched in a test that does not say so."""
    if PUBLIC_DATA.is_dir():
        monkeypatch.setenv("CRMLAB_DATA", str(PUBLIC_DATA))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that two workers end at about the same time."""
    items.sort(key=lambda item: item.path.parent.name not in ("reporting", "locale"))


def _sample(tmp_path_factory: pytest.TempPathFactory, name: str, language: str) -> Path:
    """A clean sample workspace that all workers of a test run share."""
    from crmlab.folders import alone_in
    from crmlab.loaders.sample import write_sample
    from crmlab.workspace import open_workspace

    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "samples"
    shared.mkdir(exist_ok=True)
    with alone_in(shared):
        if not (shared / name).exists():
            write_sample(shared / name, customers=600, seed=7, language=language)
            open_workspace(shared / name).ensure_clean()
    return shared / name


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small English sample workspace, shared: do not change it."""
    return _sample(tmp_path_factory, "shop", "en")


@pytest.fixture(scope="session")
def persian_sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Persian sample workspace, shared: do not change it."""
    return _sample(tmp_path_factory, "فروشگاه", "fa")


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of one's own, as a user to whom the rights of files apply: root may read all."""
    folder = Path(tempfile.mkdtemp())
    user = os.geteuid()
    if user == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        os.seteuid(nobody.pw_uid)
    try:
        yield folder
    finally:
        os.seteuid(user)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700)
        shutil.rmtree(folder)


def find_browser() -> str | None:
    """Chromium of the system, or Playwright's own."""
    named = os.environ.get("CRMLAB_BROWSER")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    path = find_browser()
    if path is None:
        pytest.skip(
            "no Chromium: install Debian's package (apt-get install chromium) or Playwright's own "
            "(.venv/bin/playwright install chromium)"
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
            ],
        )
        yield chromium
        chromium.close()
