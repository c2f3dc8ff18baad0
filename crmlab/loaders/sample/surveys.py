"""Surveys: scores, what they depend on, and who does not answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import DAYS, choose, conform, moments, numbered
from crmlab.loaders.sample.records import filed_under
from crmlab.loaders.sample.segments import Segment
from crmlab.loaders.sample.tickets import BAD_DEPARTMENT
from crmlab.loaders.sample.words import Words

#: What a satisfaction in standard deviations becomes on each scale: low, high, middle, spread.
_SCALES = {
    "nps": (0, 10, 7.4, 1.9),
    "csat": (1, 5, 3.7, 0.85),
    "ces": (1, 7, 5.0, 1.3),
    "item": (1, 5, 3.5, 0.9),
}
#: Weight of each driver in overall satisfaction, and its own mean in standard deviations.
_DRIVERS = {"price": (0.15, -0.1), "quality": (0.35, 0.5), "delivery": (0.25, -0.9), "staff": (0.17, 0.4),
            "website": (0.08, 0.1)}  # fmt: skip
_LOW = {metric: scale[0] for metric, scale in _SCALES.items()}
_HIGH = {metric: scale[1] for metric, scale in _SCALES.items()}
_DRIVERS_SPREAD, _DRIVERS_SHARED, _DRIVERS_NOISE = 1.1, 0.35, 0.4
_TOUCH_POINTS = {"website": ("online", 0.3), "store": ("store", 0.3), "delivery": ("delivery", 0.4)}
#: The bad touch point, and the quarter in which everything was worse.
BAD_TOUCH_POINT, _BAD_EFFECT = "delivery", -1.3
_DIP_QUARTER, _DIP_EFFECT = "2024Q1", -0.9
_ASKED_AFTER_ORDER, _ASKED_AFTER_TICKET = 0.5, 0.8
_WAVE, _ASKED_IN_WAVE = 91.3, 0.6
_NO_SCORE, _COMMENT = 0.02, 0.15


def surveys(
    generator: np.random.Generator,
    persons: pd.DataFrame,
    orders: pd.DataFrame,
    tickets: pd.DataFrame,
    records: pd.DataFrame,
    segments: tuple[Segment, ...],
    words: Words,
) -> pd.DataFrame:
    """The contract's surveys: relationship waves each quarter, ratings of drivers, touch points, insiders."""
    answering = np.array([segment.response for segment in segments])[persons["segment"]]
    waves = _waves(generator, persons)
    in_wave = waves[generator.random(len(waves)) < answering[waves["person"]]]
    rated = generator.random(len(in_wave)) < 0.5
    bought = orders[generator.random(len(orders)) < _ASKED_AFTER_ORDER]
    bought = bought[generator.random(len(bought)) < answering[bought["person"]]]
    done = tickets[(tickets["person"] >= 0) & tickets["resolved"].notna()]
    done = done[generator.random(len(done)) < _ASKED_AFTER_TICKET * (0.5 + answering[done["person"]])]
    mood = persons["mood"].to_numpy()
    parts = [
        _relationship(generator, in_wave, mood, words),
        _drivers(generator, in_wave[rated], mood, words),
        _after_orders(generator, bought, mood, words),
        _after_tickets(generator, done, mood, words),
    ]
    every = pd.concat(parts, ignore_index=True)
    every = every[every["day"] < DAYS].reset_index(drop=True)
    every["customer_id"] = _one_per_response(generator, every, records)
    every["respondent"] = "external"
    _remark(generator, every, words)
    every = pd.concat([every, _insiders(generator, words)], ignore_index=True)
    every["score"] = every["score"].mask(generator.random(len(every)) < _NO_SCORE)
    every = every.sort_values(["day", "response"], kind="stable")
    number, responses = pd.factorize(every["response"])
    every["response_id"] = numbered("R", len(responses))[number]
    return conform(
        every.assign(
            time=moments(every["day"].to_numpy()),
            scale_low=every["metric"].map(_LOW),
            scale_high=every["metric"].map(_HIGH),
        ),
        "surveys",
    )


def _waves(generator: np.random.Generator, persons: pd.DataFrame) -> pd.DataFrame:
    """Who is asked when: part of the customers in the second month of every quarter."""
    asked = [
        pd.DataFrame({"person": np.flatnonzero((persons["acquired"] < start) & chosen), "start": start})
        for start in np.arange(_WAVE / 2, DAYS, _WAVE)
        for chosen in [generator.random(len(persons)) < _ASKED_IN_WAVE]
    ]
    waves = pd.concat(asked, ignore_index=True)
    return waves.assign(day=waves["start"] + generator.exponential(4, len(waves)).clip(max=25))


def _score(metric: str, satisfaction: np.ndarray) -> np.ndarray:
    low, high, middle, spread = _SCALES[metric]
    return np.clip(np.rint(middle + spread * satisfaction), low, high)


def _of_time(day: np.ndarray) -> np.ndarray:
    """What the quarter of the dip takes from every answer given in it."""
    quarter = pd.Series(moments(day)).dt.to_period("Q").astype("str")
    return np.where(quarter == _DIP_QUARTER, _DIP_EFFECT, 0.0)


def _answers(
    asked: pd.DataFrame, metric: str, satisfaction: np.ndarray, question: str, response: np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "response": response,
            "person": asked["person"].to_numpy(),
            "day": asked["day"].to_numpy(),
            "metric": metric,
            "question": question,
            "score": _score(metric, satisfaction + _of_time(asked["day"].to_numpy())),
            "touch_point": None,
            "department": None,
        }
    )


def _responses(letter: str, count: int) -> np.ndarray:
    return np.array([f"{letter}{number}" for number in range(count)], dtype=object)


def _relationship(
    generator: np.random.Generator, asked: pd.DataFrame, mood: np.ndarray, words: Words
) -> pd.DataFrame:
    satisfaction = mood[asked["person"]] + generator.normal(0, 0.7, len(asked))
    return _answers(asked, "nps", satisfaction, words.questions["nps"], _responses("n", len(asked)))


def _drivers(
    generator: np.random.Generator, asked: pd.DataFrame, mood: np.ndarray, words: Words
) -> pd.DataFrame:
    """Ratings of the drivers, and overall satisfaction as the weighted sum of what was ticked."""
    count = len(asked)
    weights, means = np.array(list(_DRIVERS.values())).T
    shared = mood[asked["person"]] + generator.normal(0, 0.5, count)
    felt = means + np.sqrt(_DRIVERS_SHARED) * shared[:, None] + generator.normal(0, 0.8, (count, len(means)))
    response = _responses("d", count)
    parts = [
        _answers(asked, "item", felt[:, place], words.drivers[key], response)
        for place, key in enumerate(_DRIVERS)
    ]
    ticked = pd.DataFrame({key: part["score"] for key, part in zip(_DRIVERS, parts, strict=True)})
    standard = (ticked - ticked.mean()) / ticked.std(ddof=0).replace(0, 1)
    overall = _DRIVERS_SPREAD * (standard * weights).sum(axis="columns").to_numpy()
    overall += generator.normal(0, _DRIVERS_NOISE, count)
    # The quarter of the dip has come in with the ratings.
    overall -= _of_time(asked["day"].to_numpy())
    answer = _answers(asked, "csat", overall, words.questions["overall"], response)
    return pd.concat([*parts, answer], ignore_index=True)


def _after_orders(
    generator: np.random.Generator, bought: pd.DataFrame, mood: np.ndarray, words: Words
) -> pd.DataFrame:
    shares = [share for _, share in _TOUCH_POINTS.values()]
    touch_point = choose(generator, list(_TOUCH_POINTS), len(bought), shares)
    asked = bought.assign(day=bought["day"] + 1 + generator.exponential(2, len(bought)))
    bad = np.where(touch_point == BAD_TOUCH_POINT, _BAD_EFFECT, 0.0)
    satisfaction = 0.7 * mood[asked["person"]] + bad + generator.normal(0, 0.7, len(asked))
    answers = _answers(asked, "csat", satisfaction, words.questions["csat"], _responses("o", len(asked)))
    departments = {key: words.departments[department] for key, (department, _) in _TOUCH_POINTS.items()}
    return answers.assign(
        touch_point=[words.touch_points[key] for key in touch_point],
        department=[departments[key] for key in touch_point],
    )


def _after_tickets(
    generator: np.random.Generator, done: pd.DataFrame, mood: np.ndarray, words: Words
) -> pd.DataFrame:
    """Effort: the longer a ticket took, the harder it was."""
    waited = np.log1p((done["resolved"] - done["day"]).to_numpy())
    asked = done.assign(day=done["resolved"] + 0.5 + generator.exponential(1, len(done)))
    satisfaction = 0.5 * mood[asked["person"]] + 1.1 - 0.9 * waited + generator.normal(0, 0.6, len(asked))
    answers = _answers(asked, "ces", satisfaction, words.questions["ces"], _responses("t", len(asked)))
    billing = done["department"] == "billing"
    return answers.assign(
        touch_point=np.where(billing, words.touch_points["billing"], words.touch_points["support"]),
        department=done["department"].map(words.departments).to_numpy(),
    )


def _insiders(generator: np.random.Generator, words: Words) -> pd.DataFrame:
    """Departments rate each other twice a year; the touch point is the department rated."""
    keys = list(words.departments)
    pairs = [(one, other) for one in keys for other in keys if one != other]
    asked = pd.DataFrame(
        [(one, other, half * DAYS / 4 + 60) for half in range(4) for one, other in pairs],
        columns=["by", "about", "day"],
    )
    bad = np.where(asked["about"] == BAD_DEPARTMENT, _BAD_EFFECT, 0.0)
    score = _score("csat", bad + generator.normal(0.2, 0.8, len(asked)))
    return pd.DataFrame(
        {
            "response": "i" + asked["by"] + asked["day"].astype("str"),
            "day": asked["day"],
            "metric": "csat",
            "question": words.questions["internal"],
            "score": score,
            "touch_point": asked["about"].map(words.departments),
            "department": asked["by"].map(words.departments),
            "respondent": "internal",
        }
    )


def _one_per_response(
    generator: np.random.Generator, answers: pd.DataFrame, records: pd.DataFrame
) -> pd.Series:
    """The same customer id for all answers of a response; one in twenty stays anonymous."""
    first = answers.drop_duplicates("response")
    ids = filed_under(generator, records, first["person"].to_numpy(), first["day"].to_numpy())
    ids = np.where(generator.random(len(first)) < 0.05, None, ids)
    return answers["response"].map(dict(zip(first["response"], ids, strict=True)))


def _remark(generator: np.random.Generator, answers: pd.DataFrame, words: Words) -> None:
    """Add some comments: complaints beside low answers, praise beside high ones."""
    low, high = answers["metric"].map(_LOW), answers["metric"].map(_HIGH)
    height = (answers["score"] - low) / (high - low)
    speaks = (answers["metric"] != "item") & (generator.random(len(answers)) < _COMMENT)
    bad = [phrase for phrases in words.topics.values() for phrase in phrases]
    blame = choose(generator, bad, len(answers))
    delivery = [*words.topics["late delivery"], *words.topics["damaged goods"]]
    about_delivery = answers["touch_point"] == words.touch_points["delivery"]
    blame = np.where(about_delivery, choose(generator, delivery, len(answers)), blame)
    praise = choose(generator, words.phrases["praise"], len(answers))
    comment = np.where(height <= 0.5, blame, np.where(height >= 0.75, praise, None))
    answers["comment"] = np.where(speaks, comment, None)


def truth(segments: tuple[Segment, ...], words: Words) -> dict[str, pd.DataFrame]:
    """What was planted: weights of drivers, effects in standard deviations, shares who answer."""
    drivers = pd.DataFrame(
        {
            "driver": [words.drivers[key] for key in _DRIVERS],
            "weight": [weight for weight, _ in _DRIVERS.values()],
        }
    )
    effects = pd.DataFrame(
        [
            ("bad touch point", words.touch_points[BAD_TOUCH_POINT], _BAD_EFFECT),
            ("bad department", words.departments[BAD_DEPARTMENT], _BAD_EFFECT),
            ("dip", _DIP_QUARTER, _DIP_EFFECT),
        ],
        columns=["kind", "where", "effect"],
    )
    response = pd.DataFrame(
        {
            "segment": [segment.name for segment in segments],
            "response_rate": [segment.response for segment in segments],
        }
    )
    return {"drivers": drivers, "satisfaction": effects, "response": response}
