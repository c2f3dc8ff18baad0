"""Models of how long customers stay, how often they buy, and how much they spend."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base": ["Convergence"],
        "bg_bb": ["BGBB"],
        "bg_nbd": ["BGNBD", "MBGNBD"],
        "bootstrap": ["Bootstrap", "bootstrap", "prediction_interval"],
        "comparison": ["LikelihoodRatioTest", "likelihood_ratio_test"],
        "gamma_gamma": ["GammaGamma"],
        "lifetime_value": ["lifetime_value"],
        "pareto_nbd": ["ParetoNBD"],
        "sbg": ["ShiftedBetaGeometric"],
        "tracking": ["holdout", "tracking"],
    },
)
