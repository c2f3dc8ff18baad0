"""Who customers are and what they are worth."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "purchases": ["activity", "last_day", "purchases", "totals"],
        "rfm": ["RFM_SEGMENTS", "name_segments", "rfm", "segment_grid", "segment_summary"],
        "value": ["concentration"],
    },
)
