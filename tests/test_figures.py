"""What figures write where: ticks of counts, labels beside bars, signs and units."""

import io

import numpy as np
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


def retention(rows: int = 3) -> pd.DataFrame:
    """A triangle of shares by month and age, as cohorts have it."""
    months = pd.date_range("2024-01-01", periods=rows, freq="MS", name="cohort")
    return pd.DataFrame(
        [
            [(age + 1) / 100 if age < rows - row else float("nan") for age in range(rows)]
            for row in range(rows)
        ],
        index=months,
    )


@pytest.mark.parametrize(("code", "months"), [("en", "Jan 2024 Mar 2024"), ("fa", "دی ۱۴۰۲ اسفند ۱۴۰۲")])
def test_a_triangle_is_empty_where_time_lies_ahead(code, months):
    tongue = language(code)
    grid = retention().set_axis(pd.to_datetime(["2024-01-02", "2024-02-02", "2024-03-02"]))
    figure = figures.heatmap(
        grid, title="", rows="", columns="", code=code, show=lambda x: tongue.percent(x, 0)
    )
    (axes,) = figure.axes
    written = [text.get_text() for text in axes.texts]
    assert written == [tongue.percent(share / 100, 0) for share in (1, 2, 3, 1, 2, 1)]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert f"{names[0]} {names[-1]}" == months
    assert axes.xaxis.get_inverted() == (code == "fa")


def test_many_cells_keep_their_numbers_to_themselves():
    grid = retention(30)
    figure = figures.heatmap(grid, title="", rows="", columns="", show=language("en").percent)
    boxes = texts(figure.axes[0])
    first = [boxes[text.get_text()] for text in figure.axes[0].texts[:30]]
    assert all(left[2] < right[0] for left, right in zip(first, first[1:], strict=False))


def test_weeks_are_called_by_their_first_day():
    grid = retention(2)
    (axes,) = figures.heatmap(grid, title="", rows="", columns="", period="W").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2024-01-01", "2024-02-01"]


@pytest.mark.parametrize("code", ["en", "fa"])
def test_a_scatter_names_each_dot_and_each_field(code):
    frame = pd.DataFrame({"name": ["a", "b", "c"], "x": [1.0, 9.0, 9.1], "y": [0.2, 0.5, 0.48]})
    figure = figures.scatter(
        frame, "name", "x", "y", title="t", x_name="done", y_name="matters", x_cut=5, y_cut=0.3,
        corners=("one", "two", "three", "four"), code=code,
    )  # fmt: skip
    axes = figure.axes[0]
    places = {text.get_text().strip("\u200f"): text for text in axes.texts}
    assert set(places) == {"a", "b", "c", "one", "two", "three", "four"}
    assert axes.xaxis_inverted() == (code == "fa")
    # Of two dots that are close, the lower has its name below.
    assert places["c"].xyann[1] < 0 < places["b"].xyann[1]
    assert len(figures.to_png(figure)) > 5000


def test_a_month_that_is_not_complete_stands_apart():
    months = pd.DataFrame({
        "month": pd.date_range("2024-01-01", periods=5, freq="MS"), "orders": [2, 8, 9, 8, 3],
        "complete": [False, True, True, True, False],
    })  # fmt: skip
    (axes,) = figures.trend(months, "orders", time="month", title="Orders").axes
    solid, dashed, hollow = axes.lines
    assert [list(pd.Series(line.get_ydata()).dropna()) for line in (solid, dashed, hollow)] == [
        [8, 9, 8], [2, 8, 8, 3], [2, 3],
    ]  # fmt: skip
    assert hollow.get_markerfacecolor() == "white"
    assert solid.get_linestyle() == "-" != dashed.get_linestyle()
    (axes,) = figures.trend(months.assign(complete=True), "orders", time="month", title="Orders").axes
    assert len(axes.lines) == 1


@pytest.mark.parametrize("code", ["en", "fa"])
@pytest.mark.parametrize("mark", [0.02, 0.2, 0.4, 0.7])
@pytest.mark.parametrize("power", [0.75, 0.3, 0.1])
def test_what_is_written_at_a_point_of_a_curve_lies_on_none_of_its_lines(code, mark, power):
    x = np.linspace(0, 1, 101)
    frame = pd.DataFrame({"share": x, "captured": x**power})
    figure = figures.curve(frame, "share", "captured", title="", x_name="share", mark=mark, code=code,
                           mark_text="{x} of customers hold {y} of those who left")  # fmt: skip
    (axes,) = figure.axes
    figures.to_png(figure)
    (text,) = axes.texts
    box = text.get_window_extent()
    for line in axes.lines[:2]:
        finer = np.linspace(0, 1, 2001)
        y = np.interp(finer, np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
        across, up = axes.transData.transform(np.column_stack([finer, y])).T
        within = (across > box.x0) & (across < box.x1) & (up > box.y0) & (up < box.y1)
        assert not within.any()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


@pytest.mark.parametrize("code", ["en", "fa"])
def test_the_name_of_one_row_keeps_off_the_lines_above_and_below(code):
    figure = figures.heatmap(retention(1), title="Title", unit="per cent", rows="first purchase",
                             columns="periods since", code=code)  # fmt: skip
    figures.to_png(figure)
    (axes,) = figure.axes
    name = axes.yaxis.label.get_window_extent()
    unit = next(text for text in figure.texts if "per cent" in text.get_text()).get_window_extent()
    assert name.y1 <= unit.y0
    assert name.y0 >= axes.xaxis.label.get_window_extent().y1


def test_what_was_expected_stands_beside_what_was_found():
    frame = pd.DataFrame({"class": ["a", "b"], "left": [0.2, 0.7], "low": [0.1, 0.6], "high": [0.3, 0.8],
                          "forecast": [0.25, 0.9]})  # fmt: skip
    names = {"left": "as it was", "forecast": "as forecast"}
    figure = figures.intervals(frame, "class", title="", value="left", beside="forecast", names=names)
    (axes,) = figure.axes
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert drawn == {"as it was": [0.2, 0.7], "as forecast": [0.25, 0.9]}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["as it was", "as forecast"]
    low, high = sorted(axes.get_xlim())
    assert low < 0.1 <= 0.9 < high


def test_long_amounts_on_an_axis_do_not_run_into_each_other():
    frame = pd.DataFrame(
        {"name": ["a", "b"], "value": [4e7, 1.7e9], "low": [3e7, 1.6e9], "high": [5e7, 1.8e9]}
    )
    for code in ("en", "fa"):
        figure = figures.intervals(
            frame, "name", title="Worth", code=code, show=lambda value: f"{value:,.0f} rials"
        )
        figure.draw_without_rendering()
        boxes = [tick.get_window_extent() for tick in figure.axes[0].get_xticklabels() if tick.get_text()]
        boxes = sorted((box.x0, box.x1) for box in boxes)
        assert len(boxes) > 2
        assert all(left[1] < right[0] for left, right in zip(boxes, boxes[1:], strict=False))
