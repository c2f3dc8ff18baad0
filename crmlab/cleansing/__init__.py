"""Make records fit to be mined: one form, checked domains, no silent loss."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "addresses": ["address_key", "check_address"],
        "clean": ["Conventions", "clean"],
        "consent": ["check_consent", "consent_register", "contact_key", "write_list"],
        "consistency": ["Rule", "check_rules"],
        "contacts": ["check_email", "check_phone"],
        "coordinates": ["check_coordinates"],
        "dates": ["detect_calendar", "read_dates", "to_gregorian", "to_jalali"],
        "duplicates.finder": ["DuplicateFinder", "find_duplicates"],
        "duplicates.golden": ["golden_records"],
        "enrichment": ["enrich"],
        "entry": ["check_record"],
        "identity": [
            "check_card",
            "check_iban",
            "check_legal_id",
            "check_national_id",
            "check_postcode",
            "customer_code",
        ],
        "ledger": ["history", "summarise"],
        "matches": ["match_reasons", "match_scores", "match_sizes"],
        "missing": ["impute", "little_mcar_test", "missing_pattern"],
        "mojibake": ["repair_mojibake"],
        "numbers": ["read_numbers"],
        "places": ["check_place", "read_places"],
        "privacy": ["group_sizes", "k_anonymity", "pseudonymize", "suppress_small_groups"],
        "standard": ["entry_standard"],
        "quality": [
            "measure_completeness",
            "measure_consistency",
            "measure_uniqueness",
            "measure_validity",
            "pooled",
            "quality_summary",
            "row_counts",
            "unmerged",
        ],
        "text": ["normalize_text"],
        "timeliness": ["last_seen", "measure_timeliness", "seen_bands"],
        "titles": ["split_title"],
    },
)
