"""Answers from clean tables: who customers are, how satisfied, what campaigns earn."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["campaigns", "customers", "methods", "satisfaction"]
)
