"""Things to touch in JupyterLab; they need the extra `lab`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "campaign_monitor": ["CampaignMonitor"],
        "cube": ["CubeExplorer"],
        "entry_form": ["EntryForm"],
        "review": ["DuplicateReview"],
        "tree_builder": ["TreeBuilder"],
    },
)
