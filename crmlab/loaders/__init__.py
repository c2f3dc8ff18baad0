"""Bring data in as they are: files, databases, public data sets, a sample history."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "databases": ["read_database"],
        "files": ["read_file"],
        "public": ["PUBLIC_SETS", "read_public"],
        "sample": ["write_sample"],
    },
)
