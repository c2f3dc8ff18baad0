"""Made-up people, some of them recorded twice, and how well they were found."""

import numpy as np
import pandas as pd

LATIN = ["abel", "adler", "bauer", "bergmann", "castro", "dietrich", "eriksen", "fischer", "garnier",
         "hoffmann", "iversen", "jansen", "keller", "lorenz"]  # fmt: skip
GIVEN = ["anna", "boris", "clara", "david", "elena", "felix", "greta", "henry", "irina", "jakob", "karin",
         "louis", "maria", "nadia", "oscar", "paula"]  # fmt: skip
PERSIAN = dict(zip("abcdefghijklmnopqrstuvwxyz", "ابپتثجچحخدذرزژسشصضطظعغفقکگ", strict=True))


def people(persons: int = 400, seed: int = 1, persian: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """Made-up people, a third of them recorded twice with a slip in one field or a new address."""
    rng = np.random.default_rng(seed)
    surname = [a + b for a in LATIN for b in ("", "son", "berg", "feld", "mann", "stein")]
    day = pd.Timestamp("1950-01-01") + pd.to_timedelta(rng.integers(0, 18000, persons), unit="D")
    frame = pd.DataFrame({
        "first_name": rng.choice(GIVEN, persons), "last_name": rng.choice(surname, persons),
        "birth_date": day.strftime("%Y-%m-%d"),
        "mobile": [f"0912{n:07d}" for n in rng.integers(0, 10**7, persons)],
        "city": rng.choice(["bonn", "rome", "oslo", "graz", "lyon"], persons),
        "postcode": rng.integers(10000, 99999, persons).astype(str),
    })  # fmt: skip
    again = frame.iloc[: persons // 3].copy()
    slip = rng.integers(0, 4, len(again))
    swapped = (
        again["birth_date"].str[:4] + "-" + again["birth_date"].str[8:] + "-" + again["birth_date"].str[5:7]
    )
    again["birth_date"] = swapped.where(
        (slip == 0) & (again["birth_date"].str[8:] <= "12"), again["birth_date"]
    )
    again["last_name"] = again["last_name"].mask(slip == 1, again["last_name"].str[:-1] + "x")
    again["mobile"] = again["mobile"].mask(slip == 2)
    again.loc[slip == 3, ["city", "postcode"]] = ["kiel", "24103"]
    truth = np.concatenate([np.arange(persons), np.arange(len(again))])
    frame = pd.concat([frame, again], ignore_index=True)
    if persian:
        for name in ("first_name", "last_name", "city"):
            frame[name] = ["".join(PERSIAN[c] for c in text) for text in frame[name]]
        noisy = rng.random(len(frame)) < 0.4
        frame["last_name"] = frame["last_name"].mask(noisy, frame["last_name"].str.replace("ک", "ك"))
        frame["mobile"] = frame["mobile"].mask(noisy, "+98" + frame["mobile"].str[1:])
    return frame, truth


def pairwise(found: pd.Series, truth) -> tuple[float, float, float]:
    """Precision, recall and F1 over all pairs inside clusters, the plain way."""

    def pairs(labels) -> float:
        sizes = pd.Series(labels).value_counts().to_numpy(dtype="float64")
        return float((sizes * (sizes - 1) / 2).sum())

    found, truth = pd.factorize(found)[0], pd.factorize(np.asarray(truth))[0]
    right = pairs(found.astype("int64") * (truth.max() + 1) + truth)
    precision, recall = right / max(pairs(found), 1), right / pairs(truth)
    return precision, recall, 2 * precision * recall / (precision + recall)
