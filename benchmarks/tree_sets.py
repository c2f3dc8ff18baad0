"""The public sets that decision trees are compared on, with their categories and missing values as they are.

Numbers are numeric columns, names and codes are of dtype category, and missing values are missing. The
files are read where CRMLAB_DATA names their folder; four sets come with scikit-learn.
"""

import gzip
import os
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(os.environ.get("CRMLAB_DATA") or Path(__file__).parents[2] / "shared" / "data")

#: The 13 sets of the comparison.
SETS = ("iris", "wine", "breast_cancer", "australian", "credit-g", "telco churn", "segment", "splice",
        "satimage", "digits", "adult", "bank marketing", "shuttle")  # fmt: skip
#: Sets whose probabilities are compared; the second class in order is the event.
CUSTOMERS = ("telco churn", "bank marketing", "adult")
ADULT = ["age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
         "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country",
         "income"]  # fmt: skip
AUSTRALIAN_CODES = ["A1", "A4", "A5", "A6", "A8", "A9", "A11", "A12"]

Set = tuple[pd.DataFrame, np.ndarray]


def load(name: str) -> Set:
    """Columns and classes of a set; training and test part joined, in this order, where it has two."""
    if name in SPLIT_FILES:
        first, second = (rows(SPLIT_FILES[name], part) for part in (0, 1))
        return apart(pd.concat([first, second], ignore_index=True))
    return READERS[name]()


def load_split(name: str) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame, np.ndarray]:
    """Columns and classes of the published training part, then of the test part."""
    X, y = load(name)
    n = {"satimage": 4435, "shuttle": 43500, "letter": 15000}[name]
    return X[:n], y[:n], X[n:].reset_index(drop=True), y[n:]


def apart(table: pd.DataFrame) -> Set:
    """Names become categories, and the last column the classes."""
    X, y = table.iloc[:, :-1].copy(), table.iloc[:, -1].to_numpy(dtype=object).astype(str)
    for column in X:
        if not pd.api.types.is_numeric_dtype(X[column]):
            X[column] = X[column].astype("category")
    return X, y


#: Folder-relative path of the training part, of the test part, and how many lines to leave out above.
SPLIT_FILES = {
    "satimage": ("statlog_trees/sat.trn.gz", "statlog_trees/sat.tst.gz", 1),
    "shuttle": ("statlog_trees/shuttle.trn.gz", "statlog_trees/shuttle.tst.gz", 0),
}


def rows(files: tuple[str, str, int], part: int) -> pd.DataFrame:
    """Numbers between blanks, no header; columns named x1, x2, and so on."""
    table = pd.read_csv(DATA / files[part], sep=r"\s+", header=None, skiprows=files[2])
    return table.set_axis([f"x{place + 1}" for place in table.columns], axis=1)


def from_sklearn(name: str) -> Set:
    """One of the sets that come with scikit-learn, its classes as names."""
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True)
    return found.data, np.asarray(found.target_names).astype(str)[found.target]


def arff(name: str) -> pd.DataFrame:
    """A table in Weka's format, all of whose columns are kept."""
    with gzip.open(DATA / "statlog_trees" / f"{name}.arff.gz", "rt") as file:
        head, _, body = file.read().partition("@data")
    names = re.findall(r"^@attribute\s+(?:'([^']*)'|(\S+))", head, re.MULTILINE | re.IGNORECASE)
    return pd.read_csv(StringIO(body), names=[quoted or plain for quoted, plain in names], quotechar="'",
                       comment="%", skipinitialspace=True, keep_default_na=False)  # fmt: skip


def australian() -> Set:
    """Credit cards; eight of the columns are codes without order."""
    table = pd.read_csv(DATA / "statlog_trees" / "australian.dat.gz", sep=r"\s*,\s*", engine="python")
    table = table.rename(columns=str.strip)
    return apart(table.astype(dict.fromkeys(AUSTRALIAN_CODES, str)))


def telco() -> Set:
    """Who leaves a telephone company; the total is missing for customers of no month yet."""
    table = pd.read_csv(DATA / "telco_churn" / "Telco-Customer-Churn.csv").drop(columns="customerID")
    table["TotalCharges"] = pd.to_numeric(table["TotalCharges"].str.strip(), errors="coerce")
    return apart(table)


def adult() -> Set:
    """Who earns more than 50,000 dollars a year."""
    parts = [
        pd.read_csv(DATA / "adult_census" / f"adult-{part}.csv.gz", names=ADULT, skipinitialspace=True,
                    na_values="?")
        for part in ("train", "test")
    ]  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    return apart(table.assign(income=table["income"].str.rstrip(".")))


def bank() -> Set:
    """Who says yes to a deposit; without the length of the call, which is known only after it."""
    path = DATA / "bank_marketing" / "bank-additional-full.csv.gz"
    return apart(pd.read_csv(path, sep=";", keep_default_na=False).drop(columns="duration"))


READERS = {
    **{name: lambda name=name: from_sklearn(name) for name in ("iris", "wine", "breast_cancer", "digits")},
    "australian": australian,
    "credit-g": lambda: apart(arff("credit-g")),
    "telco churn": telco,
    "segment": lambda: apart(arff("segment")),
    "splice": lambda: apart(arff("splice").iloc[:, 1:]),
    "letter": lambda: apart(arff("letter")),
    "adult": adult,
    "bank marketing": bank,
}


if __name__ == "__main__":
    for name in (*SETS, "letter"):
        X, y = load(name)
        named = sum(isinstance(kind, pd.CategoricalDtype) for kind in X.dtypes)
        missing = int(X.isna().to_numpy().sum())
        print(f"{name:<16}{len(X):>7,} rows{X.shape[1]:>4} columns, {named:>2} of names,"
              f"{missing:>6,} missing,{len(np.unique(y)):>3} classes")  # fmt: skip
