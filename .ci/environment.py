"""Print environment.yml (conda-forge names) from pyproject.toml and the versions of the lock file."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Packages that conda-forge calls otherwise than PyPI does.
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "jupyter-client": "jupyter_client",
    "jupyter-core": "jupyter_core",
    "lazy-loader": "lazy_loader",
}
#: What the conda environment has besides the core.
EXTRAS = ("lab", "live", "postgres")


def bare(requirement: str) -> str:
    """Name of a requirement without extras and bounds."""
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower()


def locked() -> dict[str, str]:
    """Version of each package in the lock file, as Python 3.11 gets it."""
    versions = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        found = re.match(r"([a-z0-9._-]+)==([^ ;\\]+)(?: ; (.*?))? ?\\?$", line)
        if found and ("python_full_version >=" not in (found[3] or "") or found[1] not in versions):
            versions.setdefault(found[1], found[2])
    return versions


def environment() -> str:
    """Text of environment.yml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    versions = locked()
    lines = [
        "# Written by `make lock` from pyproject.toml and requirements.lock; do not edit.",
        "name: crmlab",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
    ]
    for name in sorted({bare(requirement) for requirement in wanted}):
        lines.append(f"  - {CONDA_NAMES.get(name, name)}={versions[name]}")
    lines += ["  - pip:", "      - --no-deps --editable ."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(environment(), end="")
