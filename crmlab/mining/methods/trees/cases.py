"""Cases of which an event is told, split into those to learn from and those to judge by."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace

import pandas as pd

#: Of either kind a tree is learnt from, and judged by, at least.
FEWEST = 10
#: What stands for values that too few have.
OTHER = "other values"


@dataclass(frozen=True, eq=False, repr=False)
class Cases:
    """What is known of cases, what came of them, and the cases about which it is not known yet.

    Attributes
    ----------
    X, y : DataFrame, Series of str
        Cases to learn from, and the class of each.
    X_held_out, y_held_out : DataFrame, Series of str
        Cases to judge by, which nothing is learnt from.
    candidates : DataFrame
        Cases to be decided on, with the same columns.
    event : str
        The class that is looked for, such as ``"churned"``.
    about : str
        What the event is about, such as the name of a campaign.
    learnt, judged, decided : date or None
        The days before which something was known of those learnt from, of those judged by, and of the
        candidates; None where the data bear no days.
    in_doubt : DataFrame
        Indexed by `column`: columns left out because they may be known only afterwards; `auc` of each
        alone.
    why_not : str
        Why there is nothing to learn from; empty if there is.
    """

    X: pd.DataFrame = field(default_factory=pd.DataFrame)
    y: pd.Series = field(default_factory=lambda: pd.Series(dtype="str"))
    X_held_out: pd.DataFrame = field(default_factory=pd.DataFrame)
    y_held_out: pd.Series = field(default_factory=lambda: pd.Series(dtype="str"))
    candidates: pd.DataFrame = field(default_factory=pd.DataFrame)
    event: str = ""
    about: str = ""
    learnt: datetime.date | None = None
    judged: datetime.date | None = None
    decided: datetime.date | None = None
    in_doubt: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"auc": []}, dtype=float))
    why_not: str = ""

    def __repr__(self) -> str:
        said = self.why_not or f"{len(self.y):,} to learn from, {len(self.y_held_out):,} to judge by"
        return f"Cases({said})"

    @property
    def rate(self) -> float:
        """Share of the event among those learnt from."""
        return float((self.y == self.event).mean())

    @property
    def held_out_rate(self) -> float:
        """Share of the event among those judged by."""
        return float((self.y_held_out == self.event).mean())

    @property
    def too_few(self) -> bool:
        """Whether there are too few of either kind to learn from, or to judge by."""
        told = [(part == self.event) for part in (self.y, self.y_held_out)]
        return any(min(one.sum(), (~one).sum()) < FEWEST for one in told)

    def without(self, columns: pd.DataFrame) -> Cases:
        """The cases without columns that are in doubt, which are kept note of.

        Parameters
        ----------
        columns
            Indexed by `column`, with their `auc`.
        """
        parts = (self.X, self.X_held_out, self.candidates)
        X, held_out, candidates = (part.drop(columns=list(columns.index)) for part in parts)
        return replace(
            self, X=X, X_held_out=held_out, candidates=candidates, in_doubt=columns.filter(["auc"])
        )

    def with_numbers(self) -> Cases:
        """The cases with texts that are all numbers, and more than two of them, as numbers.

        A text that begins with a 0, such as that of a postcode, is none.

        Examples
        --------
        >>> X = pd.DataFrame({"visits": ["1", "2", "10"], "code": ["01", "02", "03"]})
        >>> Cases(X, pd.Series(["a", "b", "a"]), X, candidates=X).with_numbers().X["visits"].tolist()
        [1.0, 2.0, 10.0]
        """
        parts = (self.X, self.X_held_out, self.candidates)
        numeric = {}
        for name in self.X:
            told = [part[name] for part in parts if name in part]
            if not all(pd.api.types.is_string_dtype(values) for values in told):
                continue
            every = pd.concat(told).dropna().drop_duplicates()
            if len(every) > 2 and every.str.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?").all():
                numeric[name] = "float64"
        X, held_out, candidates = (part.astype(numeric) for part in parts)
        return replace(self, X=X, X_held_out=held_out, candidates=candidates)

    def pooled(self, fewest: int) -> Cases:
        """The cases with texts that fewer than `fewest` of those learnt from have called ``"other values"``.

        Examples
        --------
        >>> X = pd.DataFrame({"city": ["York", "York", "Hull"]})
        >>> Cases(X, pd.Series(["a", "b", "a"]), X, candidates=X).pooled(2).X["city"].tolist()
        ['York', 'York', 'other values']
        """
        parts = [self.X.copy(), self.X_held_out.copy(), self.candidates.copy()]
        for name, values in self.X.items():
            if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
                continue
            sizes = values.value_counts()
            common = sizes.index[sizes >= fewest]
            for part in parts:
                if name in part:
                    texts = part[name].astype("str")
                    part[name] = texts.where(texts.isna() | texts.isin(common), OTHER)
        return replace(self, X=parts[0], X_held_out=parts[1], candidates=parts[2])
