"""Decision trees: their textbook terms, a compact multiway learner, rules, and the splits a person makes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "compact": ["CompactTreeClassifier"],
        "foreign": ["tree_of"],
        "impurity": ["entropy", "gain", "gain_ratio", "gini", "gini_gain"],
        "splits": ["Cuts", "Groups"],
        "structure": ["Node", "Tree"],
    },
)
