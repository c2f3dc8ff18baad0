"""Methods without a word of customer relationships in them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "intervals": ["Estimate", "mean_interval", "newcombe", "share_difference", "welch", "wilson"]
    },
)
