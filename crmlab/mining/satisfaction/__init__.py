"""How satisfied customers are, and with what."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "scores": ["ces", "csat", "nps", "scores"],
        "touch_points": ["by_touch_point", "headline", "in_per_cent", "over_time", "weak_points"],
    },
)
