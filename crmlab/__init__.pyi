from . import cleansing, engine, export, figures, loaders, mining, reporting, tables, widgets
from .engine import as_table, collect, connect
from .errors import CrmlabError
from .export.activation import write_back
from .loaders.sample import sample
from .reporting.run import run_report
from .reporting.verify import verify
from .sources import load
from .workspace import open_workspace

__version__: str

__all__ = [
    "CrmlabError",
    "as_table",
    "cleansing",
    "collect",
    "connect",
    "engine",
    "export",
    "figures",
    "load",
    "loaders",
    "mining",
    "open_workspace",
    "reporting",
    "run_report",
    "sample",
    "tables",
    "verify",
    "widgets",
    "write_back",
]
