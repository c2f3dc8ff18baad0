"""What campaigns do and what they earn."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "adjustment": ["adjusted_effect", "earlier_spend"],
        "attribution": ["attribution"],
        "audience": ["REASONS", "assigned", "audience", "reason_counts"],
        "balance": ["Balance", "balance"],
        "card": ["card", "rule_steps"],
        "completion_rule": ["CompletionRule"],
        "definition": ["Arm", "Campaign", "Exclusions", "Indicator"],
        "effect": ["effect", "responses", "revenue"],
        "funnel": ["LOSSES", "choose_campaign", "funnel", "outcomes"],
        "heterogeneity": ["HETEROGENEITY", "heterogeneity_test"],
        "monitor": ["Monitor", "Snapshot"],
        "payback": ["campaign_return", "payback_curve", "payback_sentences"],
        "profit": ["best_audience", "profit_curve"],
        "qini": ["AUUC_CONVENTIONS", "QINI_CONVENTIONS", "auuc", "qini", "qini_curve"],
        "response": ["ResponseEvaluation", "evaluate_response", "response_model", "response_splits"],
        "response_checks": ["ResponseDrift", "response_drift", "response_leaks"],
        "rules": ["FATES", "check_events", "next_actions"],
        "segment": ["meets"],
        "sequential": ["confidence_sequence"],
        "size": ["sample_size", "size_check"],
        "starter": ["starter"],
        "subgroups": ["interaction_tests", "subgroup_effects"],
        "uplift": [
            "ClassTransformation",
            "OneColumnRule",
            "ResponseRanking",
            "SLearner",
            "TLearner",
            "TransformedOutcome",
            "XLearner",
        ],
        "uplift_choice": ["UpliftChoice", "uplift_candidates"],
        "uplift_groups": ["uplift_at_k", "uplift_by_percentile"],
    },
)
