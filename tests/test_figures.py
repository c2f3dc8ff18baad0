"""What figures write where: ticks of counts, labels beside bars, signs and units."""

import io

import pandas as pd
import pytest
from PIL import Image

from crmlab import figures
from crmlab.locale import language


def texts(axes) -> dict[str, tuple[float, float, float, float]]:
    """The labels of bars and the names beside them, with their boxes on the picture."""
    figures.to_png(axes.figure)
    written = [*axes.texts, *axes.get_yticklabels()]
    return {text.get_text(): text.get_window_extent().extents for text in written if text.get_text()}


@pytest.mark.parametrize(
    ("counts", "zero", "ticks"),
    [
        ([1, 0, 0, 1], True, ["0", "1"]), ([2, 1, 3, 2], True, ["0", "1", "2", "3"]),
        ([0, 0, 0, 0], True, ["0", "1"]), ([5, 5, 5, 5], False, ["4", "5", "6"]),
    ],
)  # fmt: skip
def test_counts_have_whole_ticks_each_once(counts, zero, ticks):
    months = pd.DataFrame({"month": pd.date_range("2024-01-01", periods=4, freq="MS"), "orders": counts})
    (axes,) = figures.trend(months, "orders", time="month", title="Orders", zero=zero).axes
    low, high = axes.get_ylim()
    seen = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert [axes.yaxis.get_major_formatter()(tick) for tick in seen] == ticks


def test_a_mean_keeps_its_fractions():
    months = pd.DataFrame({"period": pd.date_range("2024-01-01", periods=2, freq="MS"), "value": [0.2, 0.4]})
    (axes,) = figures.trend(months, "value", title="Mean", show=language("en").percent).axes
    assert len(axes.get_yticks()) > 3


@pytest.mark.parametrize("code", ["en", "fa"])
@pytest.mark.parametrize("values", [[1.0, -0.193, -0.007], [-0.9, -0.4, -0.001], [0.5, 0.2, 0.0]])
def test_no_label_lies_on_another_or_beside_the_picture(code, values):
    tongue = language(code)
    names = ["Champions", "A segment with a rather long name", "Returns"]
    frame = pd.DataFrame({"segment": names, "value": values})
    figure = figures.bars(frame, "segment", {"value": "value"}, title="", show=tongue.percent, code=code)
    (axes,) = figure.axes
    boxes = list(texts(axes).values())
    assert len(boxes) == 6
    width, height = figure.bbox.size
    for place, (left, low, right, high) in enumerate(boxes):
        assert left >= 0
        assert low >= 0
        assert right <= width
        assert high <= height
        for other in boxes[:place]:
            apart = right <= other[0] or other[2] <= left or high <= other[1] or other[3] <= low
            assert apart, boxes


def test_a_missing_value_has_no_bar_and_no_label():
    frame = pd.DataFrame({"segment": ["a", "b"], "value": [1.0, float("nan")]})
    (axes,) = figures.bars(frame, "segment", {"value": "value"}, title="").axes
    assert [text.get_text() for text in axes.texts] == ["1"]


def test_signs_and_units_of_numbers_stand_in_persian_order():
    frame = pd.DataFrame({"segment": ["a", "b"], "value": [0.2, -0.1]})
    show = language("fa").percent
    (axes,) = figures.bars(frame, "segment", {"value": "value"}, title="", show=show, code="fa").axes
    # A mark at the start: without it the text would run in the direction of its first sign.
    assert [text.get_text()[0] for text in axes.texts] == ["\u200f", "\u200f"]


def test_the_paper_stays_white_beside_pale_cells():
    grid = pd.DataFrame([[0] * 5] * 4 + [[1, 0, 1, 0, 0]], index=range(5, 0, -1), columns=range(1, 6))
    figure = figures.heatmap(grid, title="Customers", rows="frequency", columns="recency")
    picture = Image.open(io.BytesIO(figures.to_png(figure))).convert("RGB")
    assert [picture.getpixel(place) for place in ((2, 2), (picture.width - 3, 2))] == [(255, 255, 255)] * 2
