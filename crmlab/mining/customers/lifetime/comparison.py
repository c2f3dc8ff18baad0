"""Likelihood-ratio test: whether a fuller model explains customers better than a restricted one."""

from __future__ import annotations

from typing import NamedTuple

from crmlab.errors import ParameterError
from crmlab.mining.customers.lifetime.base import LifetimeModel


class LikelihoodRatioTest(NamedTuple):
    """Result of `likelihood_ratio_test`.

    Attributes
    ----------
    statistic : float
        Twice the difference of the log-likelihoods.
    degrees_of_freedom : int
        Parameters that the full model has more.
    p_value : float
        Chance of such a statistic or a larger one if the restricted model is true.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float


def likelihood_ratio_test(restricted: LifetimeModel, full: LifetimeModel) -> LikelihoodRatioTest:
    """Test a model against a fuller one that contains it, both fitted to the same customers.

    The chi-square distribution holds for many customers and a restriction that does not lie at the
    edge of what is possible, such as a coefficient of zero or two that are equal.

    Parameters
    ----------
    restricted, full
        Fitted models of one class; each parameter of the restricted one is in the full one, or it
        is a coefficient `both.NAME` where that has `transaction.NAME` and `lifetime.NAME`.

    Raises
    ------
    ParameterError
        If a model is not fitted, the numbers of customers differ, or the models are not nested.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from crmlab.mining.customers import ParetoNBD
    >>> random, member = np.random.default_rng(1), np.arange(500) % 2
    >>> until = np.minimum(60, 30 * random.pareto(1.5, 500))
    >>> count = random.poisson(random.gamma(1, 0.1, 500) * (1 + 2 * member) * until)
    >>> last = until * random.random(500) ** (1 / np.maximum(count, 1)) * (count > 0)
    >>> customers = pd.DataFrame({"frequency": count, "recency": last, "T": 60, "member": member})
    >>> plain = ParetoNBD().fit(customers)
    >>> full = ParetoNBD(covariates_transaction=["member"]).fit(customers)
    >>> test = likelihood_ratio_test(plain, full)
    >>> test.degrees_of_freedom, test.p_value < 0.001
    (1, True)
    """
    from scipy.stats import chi2

    for model in (restricted, full):
        if not hasattr(model, "log_likelihood_"):
            raise ParameterError(f"This {type(model).__name__} is not fitted; call fit first.")
    if restricted.n_customers_ != full.n_customers_:
        raise ParameterError(
            f"The models are fitted to {restricted.n_customers_:,.0f} and {full.n_customers_:,.0f} "
            "customers; a test needs the same ones."
        )
    more = len(full.params_) - len(restricted.params_)
    if type(restricted) is not type(full) or more < 1 or not _contained(restricted, full):
        raise ParameterError(
            "The models are not nested: the full one has all parameters of the restricted one, and more. "
            f"Restricted: {', '.join(restricted.params_)}; full: {', '.join(full.params_)}."
        )
    statistic = 2 * (full.log_likelihood_ - restricted.log_likelihood_)
    if statistic < -1e-6 * abs(full.log_likelihood_):
        raise ParameterError(
            "The full model is less likely than the restricted one: one of the fits is not the optimum, "
            "or they rest on different customers."
        )
    statistic = max(float(statistic), 0.0)
    return LikelihoodRatioTest(statistic, more, float(chi2.sf(statistic, more)))


def _contained(restricted: LifetimeModel, full: LifetimeModel) -> bool:
    for name in restricted.params_:
        process, _, covariate = name.partition(".")
        parts = {f"transaction.{covariate}", f"lifetime.{covariate}"}
        if name not in full.params_ and not (process == "both" and parts <= set(full.params_)):
            return False
    return True
