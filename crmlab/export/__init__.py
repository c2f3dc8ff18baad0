"""Results on their way back into the systems that act on them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "activation": ["Written", "write_back"],
        "mail_merge": ["merge_fields", "write_mailing"],
    },
)
