"""crmlab: a workbench for customer relationship data in Jupyter.

Load, cleanse and mine customer records, and run notebooks on them into reproducible reports.
"""

import lazy_loader

__version__ = "0.1.0"

# Names and types stand in __init__.pyi; nothing is imported before it is used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
