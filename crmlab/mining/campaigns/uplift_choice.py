"""One automatic choice among uplift models, by the customers it learns from alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from crmlab.errors import ParameterError
from crmlab.mining.campaigns.heterogeneity import HETEROGENEITY, canonical_order, heterogeneity_test
from crmlab.mining.campaigns.qini import qini
from crmlab.mining.campaigns.ranking import two_arms
from crmlab.mining.campaigns.uplift import (
    Features,
    OneColumnRule,
    ResponseRanking,
    TLearner,
    TransformedOutcome,
    UpliftModel,
    arms_of,
)


def uplift_candidates(seed: int = 0) -> dict[str, UpliftModel]:
    """Models that `UpliftChoice` compares unless told otherwise, the simplest first."""
    trees = HistGradientBoostingRegressor(
        max_iter=25, max_leaf_nodes=4, min_samples_leaf=200, early_stopping=False, random_state=seed
    )
    return {
        "one column": OneColumnRule(),
        "response": ResponseRanking(),
        "two linear models": TLearner(),
        "linear transformed outcome": TransformedOutcome(),
        "small boosted trees": TransformedOutcome(trees),
    }


class UpliftChoice(UpliftModel):
    """Uplift by the simplest model that cross-validation cannot tell from the best.

    Each candidate is learnt from all folds but one and judged on that by the raw area of `qini`; what it
    chooses itself, such as the column of a rule, it chooses without the fold. Of all candidates whose
    mean area is within one standard error of the greatest, the simplest is taken. Its scores are then
    put into the unit of the outcome by the line that fits the transformed outcomes of the folds left
    out best, so that what does not come back there is shrunk away; a score that does not come back at
    all gives everybody the average effect.

    Parameters
    ----------
    candidates
        Unfitted uplift models by name, the simplest first; those of `uplift_candidates` if not given.
    control, propensity
        As `UpliftModel` takes them, for all candidates.
    folds, seed
        Number of folds, drawn so that arms and responses are spread evenly, and the seed.
    permutations
        Draws for the test of heterogeneity; see `heterogeneity_test`.
    level
        Confidence level: heterogeneity is shown if the p-value is at most 1 - level.

    Attributes
    ----------
    candidates_ : DataFrame
        Indexed by `arm` and `candidate`: `area` (mean over folds left out, in outcomes per customer),
        `standard_error`, and `chosen`.
    heterogeneity_ : DataFrame
        Indexed by `arm`: `p_value`, `verdict` (one of `HETEROGENEITY`), and `column`, the one on which
        the effect hangs most.
    estimate_ : DataFrame
        Indexed by `arm`: `average` effect, and `area` of choosing by all folds but one and judging by
        that one, which the choice does not flatter.

    References
    ----------
    L. Breiman et al. (1984), Classification and regression trees, section 3.4.3 (one standard error).
    V. Chernozhukov et al. (2018), Generic machine learning inference on heterogeneous treatment effects,
    NBER 24678 (the line, their best linear predictor).

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> X, t = pd.DataFrame({"woman": random.integers(0, 2, 2000)}), random.integers(0, 2, 2000)
    >>> model = UpliftChoice().fit(X, (random.random(2000) < 0.1 + 0.2 * t * X["woman"]).astype(int), t)
    >>> model.choice_, model.heterogeneity_["verdict"].tolist()
    ({1: 'one column'}, ['evidence of heterogeneity'])
    """

    def __init__(
        self,
        candidates: Mapping[str, UpliftModel] | None = None,
        control: Any = None,
        propensity: float | Mapping[Any, float] | None = None,
        folds: int = 5,
        permutations: int = 499,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        super().__init__(None, control, propensity)
        self.candidates = candidates
        self.folds = folds
        self.permutations = permutations
        self.level = level
        self.seed = seed

    def fit(self, X: Any, y: ArrayLike, treatment: ArrayLike) -> UpliftChoice:
        """Compare, choose, test; as `UpliftModel.fit`."""
        given = np.asarray(treatment)
        self.arms_ = arms_of(given, self.control)
        self.features_ = Features(X)
        numbers = self.features_(X)
        if len(numbers) != len(given):
            raise ParameterError(f"There are {len(numbers):,} customers and {len(given):,} treatments.")
        control = 0 if self.control is None else self.control
        compared, tested, judged = {}, {}, {}
        self.fitted_, self.choice_ = {}, {}
        for arm in self.arms_:
            outcome, t, kept = two_arms(y, given, control, arm)
            order = canonical_order(numbers[kept], outcome, t)
            x, outcome, t = numbers[kept][order], outcome[order], t[order]
            e = self.chance(arm, t)
            compared[arm], scores = self._compare(x, outcome, t, e)
            self.choice_[arm] = _simplest(compared[arm])
            judged[arm] = (outcome[t].mean() - outcome[~t].mean(), _without_flattery(compared[arm]))
            self.fitted_[arm] = self._settle(x, outcome, t, e, self.choice_[arm], scores)
            found = heterogeneity_test(X, y, given, control, arm, self.permutations, self.seed).iloc[0]
            verdict = HETEROGENEITY[int(found["p_value"] > 1 - self.level + 1e-12)]
            tested[arm] = (found["p_value"], verdict, found.name)
        index = pd.Index(self.arms_, name="arm")
        self.heterogeneity_ = pd.DataFrame.from_dict(
            tested, "index", columns=["p_value", "verdict", "column"]
        )
        self.heterogeneity_.index = index
        self.estimate_ = pd.DataFrame([judged[arm] for arm in self.arms_], index, ["average", "area"])
        self.candidates_ = pd.concat(
            {arm: self._told(compared[arm], self.choice_[arm]) for arm in self.arms_}, names=["arm"]
        )
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Expected effect of each arm on the outcome: one column per arm, indexed as X is."""
        check_is_fitted(self, "fitted_")
        return super().predict(X)

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        model, inner, centre, slope, average = fitted
        return average + slope * (model._effect(inner, x) - centre)

    def _all(self) -> Mapping[str, UpliftModel]:
        return uplift_candidates(self.seed) if self.candidates is None else self.candidates

    def _compare(
        self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Area of each candidate (column) on each fold left out (row), and its scores there."""
        candidates = self._all()
        kind = 2 * t + (y > 0)
        if not (isinstance(self.folds, int) and self.folds > 1):
            raise ParameterError(f"folds is a number, 2 or more, not {self.folds!r}.")
        if min(t.sum(), (~t).sum()) < 2 * self.folds:
            raise ParameterError(f"{self.folds} folds need at least {2 * self.folds} customers in each arm.")
        rare = np.bincount(kind, minlength=4)[kind] < self.folds
        draw = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        areas = pd.DataFrame(0.0, range(self.folds), list(candidates))
        scores = {name: np.zeros(len(y)) for name in candidates}
        for fold, (learn, judge) in enumerate(draw.split(x, np.where(rare, 2 * t, kind))):
            for name, model in candidates.items():
                fitted = model._learn(x[learn], y[learn], t[learn], e)
                score = model._effect(fitted, x[judge])
                areas.loc[fold, name] = qini(y[judge], score, t[judge], "raw", replicates=0).value
                scores[name][judge] = score - score.mean()
        return areas, scores

    def _settle(
        self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float, name: str, scores: dict
    ) -> tuple[UpliftModel, Any, float, float, float]:
        """The chosen candidate learnt from all, and the line that puts its score into outcomes."""
        model = self._all()[name]
        inner = model._learn(x, y, t, e)
        score = scores[name]
        z = (y - y.mean()) * (t - e) / (e * (1 - e))
        square = score @ score
        slope = max(float(z @ score / square), 0.0) if square > 0 else 0.0
        average = float(y[t].mean() - y[~t].mean())
        return model, inner, float(model._effect(inner, x).mean()), slope, average

    @staticmethod
    def _told(areas: pd.DataFrame, chosen: str) -> pd.DataFrame:
        return pd.DataFrame({
            "area": areas.mean(), "standard_error": areas.std() / np.sqrt(len(areas)),
            "chosen": areas.columns == chosen,
        }).rename_axis("candidate")  # fmt: skip


def _simplest(areas: pd.DataFrame) -> str:
    """The first candidate within one standard error of the best."""
    mean = areas.mean()
    best = mean.idxmax()
    near = mean >= mean[best] - areas[best].std() / np.sqrt(len(areas))
    return str(near.idxmax())


def _without_flattery(areas: pd.DataFrame) -> float:
    """Mean area on each fold of what the other folds would have chosen."""
    left_out = [areas.loc[fold, _simplest(areas.drop(index=fold))] for fold in areas.index]
    return float(np.mean(left_out))
