"""How satisfied customers are, and with what."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "answers": ["driver_answers", "gap_answers"],
        "callbacks": ["call_back"],
        "differences": ["compare_groups", "score_difference"],
        "drivers": ["lmg", "relative_weights"],
        "groups": ["by_department", "by_segment"],
        "improvement": ["improve_first", "key_drivers"],
        "kano_model": ["kano"],
        "multi_item": ["index_score"],
        "poststratification": ["Poststratified", "poststratify"],
        "reliability": ["cronbach_alpha", "item_statistics", "mcdonald_omega"],
        "scores": ["ces", "csat", "nps", "scores"],
        "sentiment": ["SentimentClassifier"],
        "service": ["breaches", "performance", "service_levels", "time_to_resolution"],
        "service_quality": [
            "SERVQUAL_DIMENSIONS",
            "importance_performance",
            "relational_benefits",
            "servqual",
        ],
        "ticket_flow": ["backlog", "complaint_rate", "status_for_customer", "status_paths"],
        "tickets": ["summary_from_times", "ticket_faults", "ticket_summary"],
        "touch_points": ["by_touch_point", "headline", "in_per_cent", "over_time", "weak_points"],
        "trend": ["change_points"],
        "verbatim": ["mask_personal"],
        "voice": [
            "CommentTopics",
            "comment_topics",
            "comments",
            "complaints",
            "representative_comments",
            "topic_scores",
            "topic_shares",
        ],
    },
)
