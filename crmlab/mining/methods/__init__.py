"""Methods without a word of customer relationships in them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={"trees"},
    submod_attrs={
        "apportionment": ["apportion", "largest_remainder"],
        "business_hours": ["BusinessHours", "business_hours_between", "iranian_holidays"],
        "change_points": ["change_positions"],
        "comparison": ["compare", "ratio_interval"],
        "cube": ["cube", "pivot", "roll_up"],
        "dunnett": ["comparison_level"],
        "intervals": [
            "Estimate",
            "difference_interval",
            "mean_interval",
            "newcombe",
            "poisson",
            "share_difference",
            "welch",
            "wilson",
        ],
        "keyness": ["distinctive_words", "key_phrases", "log_likelihood_ratio"],
        "mean_power": ["detectable_mean_difference", "power_of_means", "sample_size_means"],
        "moments": ["Moments", "group_moments"],
        "monitors": [
            "SampleRatio",
            "asymptotic_confidence_sequence",
            "asymptotic_p_value",
            "false_alarms",
            "group_sequential_bounds",
            "sample_ratio",
        ],
        "multiplicity": ["holm"],
        "power": [
            "SampleSize",
            "detectable_difference",
            "power_of_proportions",
            "sample_size",
            "sample_size_non_inferiority",
        ],
        "randomisation": ["randomise", "strata_of"],
        "relative_importance": ["johnson_weights", "shapley_weights"],
        "removal": ["removal_effects"],
        "shapley": ["shapley_values"],
        "stability": ["population_stability"],
        "survival": ["kaplan_meier", "logrank", "median_time"],
        "text": ["Terms", "language_of", "normalize", "tfidf", "tokenize"],
        "topics": ["Topics", "npmi_coherence", "topics"],
        "trees": ["CompactTreeClassifier"],
    },
)
