"""The house rules that a script can hold: who imports whom, sizes, names, notebooks, lock and conda file."""

import ast
import json
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import crmlab

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "crmlab"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))

#: Each room and the rooms below it that it may import. Nothing else in the package is open to it.
GROUND = {"errors", "letters", "calendars", "contract", "tables", "conditions", "kinds", "rules", "engine",
          "folders"}  # fmt: skip
MAY_IMPORT = {
    "errors": set(),
    "letters": set(),
    "folders": {"errors"},
    "calendars": {"errors"},
    "contract": {"errors"},
    "tables": {"errors", "contract"},
    "conditions": {"errors", "calendars"},
    "kinds": {"errors", "conditions"},
    "rules": {"errors", "tables", "conditions", "kinds"},
    "engine": {"errors", "calendars"},
    "parquet": {"errors", "engine"},
    "settings": {"errors", "contract", "tables", "rules"},
    "loaders": GROUND | {"settings"},
    "cleansing": GROUND,
    "sources": GROUND | {"settings", "loaders", "cleansing"},
    "refresh": GROUND | {"settings", "cleansing", "sources", "parquet"},
    "workspace": GROUND | {"settings", "loaders", "cleansing", "sources", "parquet", "refresh"},
    "arrivals": GROUND | {"loaders", "cleansing", "mining.campaigns"},
    "describe": GROUND | {"settings", "loaders", "cleansing", "workspace"},
    "export": GROUND | {"parquet", "cleansing"},
    "locale": {"errors", "calendars"},
    "layout": {"locale"},
    "figures": {"errors", "layout", "locale"},
    "mining.methods": GROUND,
    "mining.customers": GROUND | {"mining.methods", "mining.customers.profile"},
    "mining.satisfaction": GROUND | {"mining.methods"},
    # What the columns of the profile mean is open to all who read it.
    "mining.customers.profile": GROUND | {"mining.methods", "mining.customers"},
    # Nobody is contacted who refused: consent is asked where the audience is made.
    "mining.campaigns": GROUND | {"mining.methods", "mining.customers.profile", "cleansing"},
    "mining": set(),
    "widgets": GROUND
    | {"locale", "figures", "cleansing", "workspace", "arrivals", "mining.methods", "mining.campaigns"},
    "reporting": GROUND | {"locale", "figures", "cleansing", "workspace", ""},
    # A campaign is carried out by commands: audience, lists and the watch over its events.
    "cli": GROUND
    | {"settings", "loaders", "cleansing", "sources", "workspace", "describe", "reporting", "locale"}
    | {"export", "arrivals", "widgets", "mining.customers.profile", "mining.campaigns"},
}


def room_of(parts: list[str]) -> str:
    """Room of a module: its first name, or the first two below mining; the profile is a room in a room."""
    if parts[:2] == ["mining", "customers"] and parts[2:3] in (["profile"], ["profile_columns"]):
        return "mining.customers.profile"
    return ".".join(parts[:2] if parts[:1] == ["mining"] and len(parts) > 1 else parts[:1])


def imported(module: Path) -> set[str]:
    """Modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def imports(module: Path) -> set[str]:
    """Rooms of the package that a module imports."""
    paths = (name.split(".") for name in imported(module))
    return {room_of(rest) for first, *rest in paths if first == "crmlab"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_import_only_what_lies_below(module):
    parts = list(module.relative_to(PACKAGE).with_suffix("").parts)
    if parts == ["__init__"]:
        return
    room = room_of([part for part in parts if part != "__init__"])
    assert imports(module) - {room} <= MAY_IMPORT[room]


def test_what_the_package_imports_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    declared = {re.match(r"[\w.-]+", entry)[0].lower().replace("_", "-") for entry in wanted}
    makers = packages_distributions()
    for name in {name.split(".")[0] for module in MODULES for name in imported(module)}:
        if name not in sys.stdlib_module_names and name != "crmlab":
            assert {maker.lower().replace("_", "-") for maker in makers[name]} & declared, name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_one_idea(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_public_names_are_pinned():
    assert sorted(crmlab.__all__) == [
        "CrmlabError", "as_table", "cleansing", "collect", "connect", "engine", "export", "figures", "load",
        "loaders", "mining", "open_workspace", "reporting", "run_report", "sample", "tables", "verify",
        "widgets", "write_back",
    ]  # fmt: skip
    for name in crmlab.__all__:
        assert getattr(crmlab, name) is not None


@pytest.mark.parametrize("room", ["cleansing", "export", "loaders", "mining.customers", "mining.satisfaction",
                                  "mining.campaigns", "mining.methods", "reporting", "widgets"])  # fmt: skip
def test_every_public_name_of_a_room_is_there_and_documented(room):
    module = crmlab
    for part in room.split("."):
        module = getattr(module, part)
    for name in module.__all__:
        thing = getattr(module, name)
        assert not callable(thing) or thing.__doc__, name


def test_importing_crmlab_loads_no_engine():
    script = "import crmlab, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    for heavy in (
        "pandas",
        "numpy",
        "ibis",
        "duckdb",
        "matplotlib",
        "papermill",
        "nbconvert",
        "pandera",
        "scipy",
    ):
        assert heavy not in loaded


def test_the_command_starts_without_the_heavy_parts():
    script = (
        "import sys; sys.argv = ['crmlab', '--help']\n"
        "from crmlab.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*sorted(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    for heavy in ("pandas", "numpy", "ibis", "rich", "jinja2"):
        assert heavy not in loaded


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_define_nothing_and_keep_their_cells_short(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    prose = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert len(prose) >= len(code) / 3
    for source in code:
        defined = [
            node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        assert defined == []
        assert len(source.splitlines()) <= 12


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks" / "reports").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_report_notebooks_are_kept_without_outputs(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


def test_the_conda_file_is_the_one_that_the_project_and_its_lock_give():
    script = runpy.run_path(str(ROOT / ".ci" / "environment.py"))
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == script["environment"]()


def test_every_dependency_is_in_the_lock_within_its_bounds():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    versions = runpy.run_path(str(ROOT / ".ci" / "environment.py"))["locked"]()
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(versions[requirement.name.lower()]), requirement


def test_what_is_installed_is_what_is_locked():
    import importlib.metadata

    versions = runpy.run_path(str(ROOT / ".ci" / "environment.py"))["locked"]()
    for package in ("pandas", "numpy", "ibis-framework", "duckdb", "papermill", "matplotlib"):
        assert importlib.metadata.version(package) == versions[package]


def test_the_top_level_is_as_laid_down():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    assert top <= {
        "notebooks", "crmlab", "data", "reports", "tests", "environment.yml", "README.md", "pyproject.toml",
        "requirements.lock", "Makefile", ".ci", "benchmarks", ".gitignore", "LICENSE",
    }  # fmt: skip


def test_errors_have_one_base():
    from crmlab import errors

    for name, thing in vars(errors).items():
        if isinstance(thing, type) and issubclass(thing, Exception):
            assert issubclass(thing, errors.CrmlabError), name


def test_an_error_in_a_notebook_is_a_sentence_without_a_stack():
    from crmlab.errors import ParameterError

    assert ParameterError("No.")._render_traceback_() == ["ParameterError: No."]


def test_the_readme_names_commands_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"\bmake ([a-z]+)\b", readme))
    assert {"reports", "test"} <= named <= targets


def test_no_two_test_files_have_one_name():
    """Without packages among the tests, the second file of a name cannot be imported beside the first."""
    names = sorted(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert names == sorted(set(names))
