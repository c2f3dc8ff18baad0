"""Ways in boxes: one box for what ways share, nothing on top of anything else, mirrored in Persian."""

import itertools

import pandas as pd
import pytest
from matplotlib.patches import FancyBboxPatch

from crmlab import figures

WAYS = pd.DataFrame({
    "arm": ["all", "offer a", "all"], "event": ["bounced", "clicked, link B", "sent"],
    "wait": ["", "within 3 days\ndue 4 hours later", "for 5 days"], "action": ["post", "phone", "stop"],
})  # fmt: skip


def drawn(code="en", frame=WAYS, **options):
    figure = figures.ways(frame, ["arm", "event", "action"], title="Rules", wait="wait", ends=["stop"],
                          source="Shop", code=code, **options)  # fmt: skip
    figures.to_png(figure)
    (axes,) = figure.axes
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    texts = {}
    for text in axes.texts:
        if text.get_text():
            texts.setdefault(text.get_text().replace("\u200f", ""), []).append(text.get_window_extent())
    return boxes, texts


def test_ways_with_the_same_beginning_share_its_box_and_stand_together():
    boxes, texts = drawn()
    assert len(boxes) == 2 + 3 + 3
    assert {name: len(places) for name, places in texts.items()} == {
        "all": 1, "offer a": 1, "bounced": 1, "clicked, link B": 1, "sent": 1, "post": 1, "phone": 1,
        "stop": 1, "within 3 days\ndue 4 hours later": 1, "for 5 days": 1,
    }  # fmt: skip
    height = {name: -place.y0 - place.y1 for name, (place,) in texts.items()}
    assert height["bounced"] < height["all"] < height["sent"] < height["clicked, link B"]
    assert height["phone"] == pytest.approx(height["clicked, link B"], abs=8)


def test_only_what_ends_a_way_is_not_filled():
    boxes, _ = drawn()
    assert [box.get_facecolor()[:3] == (1, 1, 1) for box in boxes].count(True) == 1


@pytest.mark.parametrize("code", ["en", "fa"])
def test_no_text_stands_on_another_or_beyond_its_box(code):
    long = WAYS.assign(arm="an arm with a name that is longer than most", wait=["", *WAYS["wait"][1:]])
    for frame in (WAYS, long, pd.concat([WAYS] * 4, ignore_index=True)):
        boxes, texts = drawn(code, frame)
        places = list(itertools.chain(*texts.values()))
        assert not [pair for pair in itertools.combinations(places, 2) if pair[0].overlaps(pair[1])]
        inside = [box.get_window_extent() for box in boxes]
        for text in places:
            touched = [box for box in inside if box.overlaps(text)]
            assert len(touched) <= 1
            for box in touched:
                assert box.x0 < text.x0
                assert text.x1 < box.x1


def test_in_persian_the_ways_begin_on_the_right():
    for code, begins_left in (("en", True), ("fa", False)):
        _, texts = drawn(code)
        assert (texts["all"][0].x0 < texts["post"][0].x0) == begins_left


def test_no_ways_and_two_steps_are_drawn():
    assert figures.to_png(figures.ways(WAYS.head(0), ["arm", "action"], title="None", source="Shop"))
    assert figures.to_png(figures.ways(WAYS, ["event", "action"], title="Two", source="Shop"))
