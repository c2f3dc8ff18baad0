"""Decision trees: their textbook terms, a compact multiway learner, rules, and the splits a person makes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cases": ["Cases"],
        "compact": ["CompactTreeClassifier"],
        "draft": ["TreeDraft"],
        "fixed": ["FixedTreeClassifier"],
        "foreign": ["tree_of"],
        "impurity": ["entropy", "gain", "gain_ratio", "gini", "gini_gain"],
        "judge": ["Judgement", "judge_tree"],
        "rule_engine": ["score_expression", "score_table"],
        "rule_pandas": ["pandas_expression", "pandas_mask"],
        "rule_sql": ["sql_case", "sql_condition"],
        "rule_words": ["word_conditions", "word_rules"],
        "rule_simplify": ["simplify"],
        "rules": ["Rule", "RuleSet", "tree_rules"],
        "splits": ["Cuts", "Groups"],
        "structure": ["Node", "Tree"],
    },
)
