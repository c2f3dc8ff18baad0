"""Who customers are and what they are worth."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "affinity": ["affinity_scores", "product_affinity"],
        "changes": ["Changes", "changed_since"],
        "churn": ["ChurnData", "churn_dataset", "churn_model", "contract_churn", "lifetime_forecast"],
        "churn_cases": ["churn_cases"],
        "churn_evaluation": ["ChurnEvaluation", "compare_churn", "evaluate_churn", "leakage_guard"],
        "churn_forecast": ["ChurnForecast", "churn_forecast"],
        "cohorts": ["cohort_triangle", "cohorts"],
        "drift": ["population_stability", "segment_drift"],
        "lifetime": [
            "BGBB",
            "BGNBD",
            "GammaGamma",
            "MBGNBD",
            "ParetoNBD",
            "ShiftedBetaGeometric",
            "bootstrap",
            "holdout",
            "lifetime_value",
            "likelihood_ratio_test",
            "prediction_interval",
            "tracking",
        ],
        "loyalty": ["loyalty", "repurchases"],
        "outlook": ["Outlook", "outlook_check", "value_outlook"],
        "profile": ["profile"],
        "profile_columns": ["PROFILE_COLUMNS", "column_formats", "profile_columns", "profile_coverage"],
        "profit": ["customer_profit"],
        "purchases": ["activity", "last_day", "purchases", "totals"],
        "rfm": ["RFM_SEGMENTS", "name_segments", "rfm", "rfm_thresholds", "segment_grid", "segment_summary"],
        "segment_words": ["describe_segments", "word_columns", "word_segments"],
        "segments": ["Segmentation", "segment"],
        "summary": ["purchase_summary"],
        "value": ["TIERS", "concentration", "gini", "investment_tiers", "value_groups"],
        "wallet": ["share_of_wallet", "wallet_allocation"],
    },
)
