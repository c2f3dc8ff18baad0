"""What is missing together as a figure: what stands in it, read from the axes and from the picture."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from crmlab import figures
from crmlab.cleansing import missing_pattern


def gappy() -> pd.DataFrame:
    """100 rows: e-mail lacks in 30 of them, together with the city in 10, and a number nowhere."""
    row = np.arange(100)
    return pd.DataFrame({"number": row, "city": np.where(row < 10, None, "Rom"),
                         "email": np.where(row < 30, None, "a@b.it")})  # fmt: skip


def crosses(figure) -> set[tuple[int, int]]:
    """Row and column of every cross, counted as the frame has them."""
    (axes,) = figure.axes
    return {
        tuple(int(place) for place in text.get_position()[::-1]) for text in axes.texts if text.get_text()
    }


def ticks(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize("code", ["en", "fa"])
def test_gaps_are_crossed_where_columns_and_patterns_meet(code):
    found = missing_pattern(gappy())
    figure = figures.gaps(*found, title="Gaps", source="a.csv", code=code)
    (axes,) = figure.axes
    # Patterns: none (70), e-mail (20), both (10); columns: e-mail, city.
    assert crosses(figure) == {(0, 1), (0, 2), (1, 2)}
    assert axes.xaxis_inverted() == (code == "fa")
    if code == "en":
        assert ticks(axes.yaxis) == ["email: 30.0%", "city: 10.0%"]
        assert ticks(axes.xaxis) == ["70.0%", "20.0%", "10.0%"]
        assert [text.get_text() for text in figure.texts] == [
            "Gaps", "share of rows; a cross marks what is missing", "Source: a.csv · n = 100"
        ]  # fmt: skip
    else:
        assert "۳۰٫۰" in ticks(axes.yaxis)[0]
        assert not any("missing" in text.get_text() for text in figure.texts)


def test_gaps_are_told_from_what_is_there_without_colour():
    figure = figures.gaps(*missing_pattern(gappy()), title="Gaps")
    grey = np.asarray(Image.open(io.BytesIO(figures.to_png(figure))).convert("L"))
    shades, counts = np.unique(grey, return_counts=True)
    paper, mark = shades[counts.argsort()[-2:]][::-1]
    assert (paper > 250, mark < 120) == (True, True)


def test_rare_patterns_are_counted_where_they_are_not_shown():
    figure = figures.gaps(*missing_pattern(gappy()), title="Gaps", top=1)
    assert crosses(figure) == set()
    assert figure.texts[1].get_text().endswith(" · rarer patterns left out: 2, rows: 30")


def test_a_table_without_gaps_shows_that_it_has_none():
    figure = figures.gaps(*missing_pattern(gappy()[["number"]]), title="Gaps")
    assert ticks(figure.axes[0].yaxis) == ["number: 0.0%"]
    assert crosses(figure) == set()
    assert figures.to_png(figure)
