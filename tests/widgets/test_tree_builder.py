"""The tree builder: its answers, its page in a browser with a stand-in for the notebook, and JupyterLab."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lab import jupyter_lab, open_notebook, run_cell, write_notebook
from tree_page import open_page, settle

from crmlab.errors import ParameterError
from crmlab.mining.methods.trees import Cuts, TreeDraft
from crmlab.widgets import TreeBuilder
from crmlab.widgets.tree_builder import _widget_class
from crmlab.widgets.tree_words import WORDS


def rows(n=1500, seed=0):
    random = np.random.default_rng(seed)
    X = pd.DataFrame({
        "visits": random.poisson(6, n), "amount": random.exponential(500, n).round(2),
        "town": random.choice(["Hull", "Leeds", "York", "Bath", "Ely"], n), "noise": random.normal(size=n),
    })  # fmt: skip
    leaves = (X["visits"] <= 3) | (X["town"].isin(["Hull", "Leeds"]) & (X["amount"] > 400))
    X.loc[random.random(n) < 0.1, "amount"] = np.nan
    return X, (leaves ^ (random.random(n) < 0.05)).astype(int)


def builder_of(**options):
    return TreeBuilder(*rows(), **{"names": {0: "stays", 1: "goes"}, **options})


def asked(builder, **content):
    """What the builder answers to a question of the page."""
    found = []
    builder._answer({"id": 7, **content}, lambda reply, buffers: found.append((reply, buffers)))
    ((reply, buffers),) = found
    assert reply["id"] == 7
    return reply, buffers


# What it answers


def test_questions_are_answered_under_their_number():
    builder = builder_of()
    reply, (buffer,) = asked(builder, ask="look", node="1")
    best = [one.split.column for one in builder.draft.suggest("1")]
    assert [column["name"] for column in reply["columns"]] == best
    shown = {picture["name"]: picture for picture in reply["pictures"]}
    numbers = sum(picture["bars"] + 1 for picture in shown.values() if picture["kind"] == "numbers")
    counts = np.frombuffer(buffer[8 * numbers :], "<u4")
    assert counts.sum() == 4 * len(builder.draft.data.training)  # each column counts each row once
    towns = rows()[0]["town"].iloc[builder.draft.data.training].value_counts()
    assert towns[shown["town"]["labels"]].is_monotonic_decreasing


@pytest.mark.parametrize(("content", "said"), [
    ({"ask": "look", "node": "1.9"}, "There is no node '1.9'"),
    ({"ask": "fly"}, "does not know what 'fly' is"),
    ({"ask": "split", "split": {"column": "visits", "cuts": ["x"]}}, "could not read"),
    ({"ask": "split", "split": {"column": "none", "cuts": [1]}}, "no column 'none'"),
    ({"ask": "split", "split": {"column": "visits", "cuts": [900]}}, "no training row takes branch 2"),
    ({"ask": "split", "split": {"column": "visits", "groups": [[0], [1]]}}, "holds numbers"),
    ({"ask": "split", "split": {"column": "town", "groups": [[77], [1]]}}, "could not read"),
    ({"ask": "undo"}, "nothing to undo"), ({}, "could not read"),
])  # fmt: skip
def test_what_cannot_be_done_is_answered_in_a_sentence(content, said):
    builder = builder_of()
    reply, _ = asked(builder, **content)
    assert said in reply["error"]
    assert builder.log["acts"] == []


def test_values_beyond_those_shown_go_together_as_the_rest():
    random = np.random.default_rng(0)
    X = pd.DataFrame({"code": random.choice([f"c{place:03}" for place in range(120)], 4000)})
    builder = TreeBuilder(X, (X["code"] < "c030").astype(int), held_out=0)
    (picture,) = asked(builder, ask="look")[0]["pictures"]
    assert picture["bars"] == 40
    some = picture["codes"][:3]
    asked(builder, ask="split", split={"column": "code", "groups": [some, [*picture["codes"][3:], -1]]})
    split = builder.tree_.root.split
    assert len(split.groups[0]) == 3
    assert split.other == 1
    asked(builder, ask="split", split={"column": "code", "groups": [picture["codes"], [-1]]})
    assert len(builder.tree_.root.split.groups[1]) == 80  # the values of the rest, told one by one
    reply, _ = asked(builder, ask="look")
    assert reply["split"]["groups"] == [sorted(picture["codes"], key=picture["codes"].index), [-1]]


def test_what_is_sent_is_small_even_of_many_rows_and_columns():
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(20_000, 60)), columns=[f"column {place}" for place in range(60)])
    builder = TreeBuilder(X, (X.iloc[:, :3].sum(axis=1) + random.normal(size=20_000) > 0).astype(int))
    builder.do("grow", "1", levels=5)
    state = builder.widget.state
    assert len(builder.tree_.leaves) > 30
    assert len(json.dumps(state)) < 100_000
    reply, (buffer,) = asked(builder, ask="look", node="1")
    assert len(json.dumps(reply)) + len(buffer) < 100_000
    assert len(reply["pictures"]) <= 13


def test_it_replays_and_gives_a_classifier(tmp_path):
    builder = builder_of(costs=[[0, 1], [5, 0]], shrinkage=2)
    builder.do("split", "1", "visits", [3.5])
    builder.do("group", "1.2", "town", [["Hull", "Leeds"]])
    path = builder.save(tmp_path / "log.json")
    again = TreeBuilder.replay(path, *rows(), language="fa")
    assert again.tree_.to_dict() == builder.tree_.to_dict()
    assert again.widget.words["rtl"] is True
    assert builder.estimator_.score(*rows()) > 0.7
    with pytest.raises(ParameterError, match="made for other data"):
        TreeBuilder.replay(path, rows()[0].drop(columns="noise"), rows()[1])
    with pytest.raises(ParameterError, match="knows no act 'save'"):
        builder.do("save", "x")
    with pytest.raises(ParameterError, match="There is no class 'x' among 0, 1"):
        builder_of(names={"x": "unknown"})


def test_a_notebook_keeps_the_tree_for_readers_without_a_kernel():
    X, y = rows()
    builder = TreeBuilder(X.rename(columns={"town": "<b>town</b>"}), y, names={0: "<i>stays</i>"})
    builder.do("group", "1", "<b>town</b>", [["Hull", "Leeds"]])
    builder.do("name", "1.1", "<script>alert(1)</script>")
    data, _ = builder._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == builder.widget.model_id
    assert data["text/plain"] == "<TreeBuilder: 2 leaves, height 1>"
    assert "Hull, Leeds" in data["text/html"]
    assert not re.search("<b>town|<i>stays|<script", data["text/html"])


@pytest.mark.parametrize(("language", "said"), [
    ("en", r"<bdi>AUC</bdi>: Training 0\.\d+, Held out 0\.\d+"),
    ("fa", r"<bdi>AUC</bdi>: آموزش ۰٫[۰-۹]+، کنارگذاشته ۰٫[۰-۹]+"),
])  # fmt: skip
def test_a_reader_without_a_kernel_is_told_what_was_held_out(language, said):
    builder = builder_of(language=language)
    builder.do("split", "1", "visits", [3.5])
    html = builder._view.as_html()
    assert re.search(said, html)
    assert (";" in re.sub("<[^>]+>", "", html)) == (language == "en")


def test_without_anywidget_the_tree_is_shown_with_a_sentence(monkeypatch):
    _widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    builder = builder_of()
    builder.do("split", "1", "visits", [3.5])
    data, _ = builder._repr_mimebundle_()
    assert list(data) == ["text/html", "text/plain"]
    assert data["text/html"].startswith("<p>Tree builders need anywidget; install it with: pip install")
    with pytest.raises(ParameterError, match="Tree builders need anywidget"):
        builder.widget  # noqa: B018


# Its page, with a stand-in for the notebook


@pytest.fixture
def opened(browser):
    pages = []

    def open_(builder, **options):
        pages.append(open_page(browser, builder, **options))
        return pages[-1]

    yield open_
    for page in pages:
        assert page.broken == []
        page.close()


def at_bar(page, share: float):
    """A place on the chart, as a share of its axis."""
    box = page.locator(".crm-chart").bounding_box()
    axis = page.locator(".crm-axis").bounding_box()
    return axis["x"] + share * axis["width"], box["y"] + box["height"] / 2


def choose(page, column: str):
    page.locator(f'.crm-card[data-column="{column}"]').click()
    settle(page)


def cuts_of(page):
    return [float(cut) for cut in page.locator(".crm-cut").evaluate_all(
        "cuts => cuts.map(cut => cut.getAttribute('aria-valuenow'))")]  # fmt: skip


def test_a_tree_is_built_with_the_mouse(opened):
    builder = builder_of()
    page = opened(builder)
    assert sorted(page.locator(".crm-card b").all_inner_texts()) == ["amount", "noise", "town", "visits"]
    choose(page, "amount")
    page.mouse.click(*at_bar(page, 0.3))
    page.mouse.click(*at_bar(page, 0.8))
    settle(page)
    low, high = cuts_of(page)
    assert low < high
    # A cut is dragged over the other one, and counts follow.
    page.mouse.move(*at_bar(page, 0.3))
    page.mouse.down()
    page.mouse.move(*at_bar(page, 0.5), steps=3)
    page.mouse.move(*at_bar(page, 0.9), steps=3)
    page.mouse.up()
    settle(page)
    assert cuts_of(page)[0] == high
    assert cuts_of(page)[1] > high
    told = page.locator(".crm-branches .crm-number").all_inner_texts()
    shown = [int(text.replace(",", "")) for text in told]
    page.locator(".crm-apply").click()
    settle(page)
    root = builder.tree_.root
    assert root.split == Cuts("amount", tuple(cuts_of(page)), 3)
    assert [int(child.weight) for child in root.children] == shown
    assert page.locator(".crm-box").count() == 5
    # One is dragged off, one clicked twice, one taken away by its button.
    page.mouse.move(*at_bar(page, 0.9))
    page.mouse.down()
    page.mouse.move(*at_bar(page, 0.9), steps=2)
    page.mouse.move(at_bar(page, 0.9)[0], page.locator(".crm-chart").bounding_box()["y"] - 90, steps=4)
    page.mouse.up()
    settle(page)
    assert cuts_of(page) == [high]
    page.locator(".crm-cut circle").dblclick()
    settle(page)
    assert cuts_of(page) == []
    page.mouse.click(*at_bar(page, 0.5))
    page.locator(".crm-remove").click()
    settle(page)
    assert cuts_of(page) == []
    # Missing against all others is a split as well; a number can be typed.
    assert page.locator(".crm-apply").is_enabled()
    page.mouse.click(*at_bar(page, 0.5))
    page.locator(".crm-point input").fill("432.1")
    page.keyboard.press("Enter")
    page.locator(".crm-missing select").select_option("0")
    settle(page)
    page.locator(".crm-apply").click()
    settle(page)
    assert builder.tree_.root.split == Cuts("amount", (432.1,), 0)


def test_values_are_grouped_by_dragging_and_by_keys(opened):
    builder = builder_of()
    page = opened(builder)
    choose(page, "town")
    for name in ("Hull", "Leeds"):
        chip = page.locator(".crm-chip", has_text=name).bounding_box()
        groups = page.locator(".crm-group")
        target = groups.nth(1).bounding_box()
        page.mouse.move(chip["x"] + 20, chip["y"] + 8)
        page.mouse.down()
        page.mouse.move(target["x"] + 40, target["y"] + target["height"] - 12, steps=4)
        page.mouse.up()
        settle(page)
    assert page.locator(".crm-group").count() == 3
    page.locator(".crm-chip", has_text="York").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "York"
    page.keyboard.press("ArrowRight")  # into a new group
    settle(page)
    assert page.locator(".crm-group").count() == 4
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    settle(page)
    page.locator(".crm-apply").click()
    settle(page)
    others, north = builder.tree_.root.split.groups
    assert ({*others}, {*north}) == ({"Bath", "Ely", "York"}, {"Hull", "Leeds"})
    page.locator(".crm-add").click()
    settle(page)
    assert page.locator(".crm-group").count() == 6


def test_the_builder_is_asked_and_every_act_can_be_taken_back(opened):
    builder = builder_of()
    page = opened(builder)
    said, button = page.locator(".crm-said"), lambda name: page.locator(f'[data-act="{name}"]')
    assert button("undo").is_disabled()
    assert button("prune").is_disabled()
    button("suggest").click()
    settle(page)
    assert said.inner_text().startswith("Best split: visits, ")
    assert builder.log["acts"] == []  # a suggestion is none
    page.keyboard.press("Enter")  # on Apply, which has the focus
    settle(page)
    assert "Node 1 is split by visits into" in said.inner_text()
    first = builder.tree_.to_dict()
    page.locator('[data-key="1.2"]').click()
    settle(page)
    assert said.inner_text().startswith("\u2068visits\u2069 \u2068")
    button("grow").click()
    settle(page)
    assert "Splits were grown below node 1.2" in said.inner_text()
    page.locator(".crm-name-field").fill("Loyal <b>")
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator('[data-key="1.2"] .crm-main').inner_text() == "Loyal <b>"
    button("prune").click()
    settle(page)
    button("leaf").click()
    settle(page)
    assert button("leaf").get_attribute("aria-pressed") == "true"
    assert button("grow").is_disabled()
    assert "crm-closed" in page.locator('[data-key="1.2"]').get_attribute("class")
    end = builder.tree_.to_dict()
    for _ in range(4):
        page.locator('[data-key="1"]').press("Control+z")
        settle(page)
    assert builder.tree_.to_dict() == first
    button("undo").click()
    settle(page)
    assert (page.locator(".crm-box").count(), button("undo").is_disabled()) == (1, True)
    for _ in range(5):
        page.locator('[data-key="1"]').press("Control+Shift+z")
        settle(page)
    assert builder.tree_.to_dict() == end
    assert TreeDraft.replay(builder.log, *rows()).tree.to_dict() == end


def test_measures_follow_each_act(opened):
    builder = builder_of(costs=[[0, 1], [4, 0]])
    page = opened(builder)

    def shown():
        return page.locator(".crm-measures").inner_text()

    before = shown()
    page.locator('[data-act="suggest"]').click()
    settle(page)
    assert shown() == before
    page.locator(".crm-apply").click()
    settle(page)
    found = builder.draft.measures
    assert "Cost per row" in shown()
    for text in (f"{found['held_out_accuracy']:.1%}", f"{found['auc']:.3f}", f"{found['held_out_cost']:.3f}"):
        assert text in shown()


def test_all_can_be_done_by_the_keyboard(opened):
    builder = builder_of()
    page = opened(builder)
    page.locator('[data-key="1"]').focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('crm-add')"):
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"
    before = cuts_of(page)[0]
    for key in ("ArrowRight", "PageDown", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    settle(page)
    assert cuts_of(page) != [before]
    page.keyboard.press("Home")
    first = cuts_of(page)[0]
    page.keyboard.press("Shift+ArrowRight")
    assert first < cuts_of(page)[0] < first + 1
    page.keyboard.press("End")
    assert cuts_of(page)[0] > 10
    page.keyboard.press("Delete")
    assert cuts_of(page) == []
    page.keyboard.press("Enter")  # the focus is back on the button that adds one
    settle(page)
    for _ in range(4):  # to Clear, Add a cut, Best split, Apply
        page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.classList.contains('crm-apply')")
    page.keyboard.press("Enter")
    settle(page)
    assert builder.tree_.root.split.column == "visits"
    # The tree is walked with the arrow keys.
    page.locator('[data-key="1"]').focus()
    for key, expected in (("ArrowRight", "1.1"), ("ArrowDown", "1.2"), ("ArrowUp", "1.1"), ("ArrowLeft", "1"),
                          ("End", "1.2"), ("Home", "1")):  # fmt: skip
        page.keyboard.press(key)
        settle(page)
        assert page.evaluate("document.activeElement.dataset.key") == expected
        assert page.locator('[aria-selected="true"]').get_attribute("data-key") == expected
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def test_a_screen_reader_is_told_what_is_what(opened):
    builder = builder_of()
    builder.do("split", "1", "visits", [3.5, 6.5])
    builder.do("leaf", "1.1")
    page = opened(builder)
    assert page.locator('[role="tree"]').get_attribute("aria-label") == "Decision tree"
    items = page.locator('[role="treeitem"]')
    told = items.evaluate_all("all => all.map(one => [one.ariaLevel, one.ariaPosInSet, one.ariaSetSize])")
    assert told == [["1", "1", "1"], ["2", "1", "3"], ["2", "2", "3"], ["2", "3", "3"]]
    label = items.nth(1).get_attribute("aria-label")
    assert label.startswith("≤ 3.5, predicts goes, Rows ")
    assert label.endswith("marked as a leaf")
    assert items.first.get_attribute("aria-expanded") == "true"
    slider = page.get_by_role("slider", name="Cut 1 of visits")
    assert slider.get_attribute("aria-valuetext") == "3.5"
    assert float(slider.get_attribute("aria-valuemax")) == builder.draft.data.columns["visits"].values.max()
    assert page.locator('[role="status"]').get_attribute("aria-live") == "polite"
    nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select, [role=slider]')]
        .filter(one => !(one.innerText?.trim() || one.ariaLabel || one.labels?.[0]?.innerText)).length""")
    assert nameless == 0


def test_persian_runs_from_the_right_and_its_axes_from_the_left(opened):
    builder = builder_of(language="fa", names={0: "می‌ماند", 1: "می‌رود"})
    builder.do("split", "1", "amount", [100.5, 600])
    page = opened(builder)
    root = page.locator(".crm-tree")
    assert (root.get_attribute("dir"), root.get_attribute("lang")) == ("rtl", "fa")
    boxes = [page.locator(f'[data-key="{key}"]').bounding_box()["x"] for key in ("1", "1.1")]
    assert boxes[0] > boxes[1]
    places = [cut["x"] for cut in (page.locator(".crm-cut circle").nth(n).bounding_box() for n in (0, 1))]
    assert places[0] < places[1]
    assert page.locator(".crm-cut").first.get_attribute("aria-valuetext") == "۱۰۰٫۵"
    assert "۶۰۰" in page.locator('[data-key="1.3"]').inner_text()
    page.locator('[data-key="1"]').focus()
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert page.evaluate("document.activeElement.dataset.key") == "1.1"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000


def test_all_that_it_says_goes_through_the_catalogue():
    view = builder_of(language="fa")._view
    assert set(view.words()) == {*WORDS, "language", "rtl"}


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("classes", [2, 5])
def test_colours_can_be_read_and_told_apart_in_grey(opened, scheme, classes):
    X, y = rows(400)
    builder = TreeBuilder(X, np.arange(400) % classes if classes > 2 else y)
    builder.do("leaf", "1")
    page = opened(builder, scheme=scheme)
    colour = "selector => getComputedStyle(document.querySelector(selector))"
    paper = page.evaluate(f"({colour})('.crm-tree').backgroundColor")
    for selector in (".crm-title", ".crm-said", ".crm-condition", ".crm-count", ".crm-hint", ".crm-legend"):
        assert contrast(page.evaluate(f"({colour})('{selector}').color"), paper) >= 4.5, selector
    button = page.evaluate(f"({colour})('.crm-acts button').color")
    assert contrast(button, paper) >= 4.5
    dots = [f"({colour})('.crm-legend .crm-class-{place}').backgroundColor" for place in range(classes)]
    shown = [page.evaluate(dot) for dot in dots]
    greys = [luminance(one) for one in shown]
    assert greys == sorted(greys)
    for one, other in zip(shown, shown[1:], strict=False):
        assert contrast(one, other) >= 1.35
    # The theme of JupyterLab comes before that of the system.
    other = {"light": "dark", "dark": "light"}[scheme]
    page.evaluate("light => { document.body.dataset.jpThemeLight = light; }", str(other == "light").lower())
    assert page.evaluate(f"({colour})('.crm-tree').colorScheme") == other
    assert page.evaluate(dots[0]) != shown[0]


def test_names_and_values_are_not_taken_for_markup(opened):
    X, y = rows(400)
    bad = "<img src=x onerror=window.hit=1>"
    X = X.rename(columns={"town": bad}).assign(visits=X["visits"])
    X[bad] = X[bad].replace({"Hull": "<script>window.hit=1</script>"})
    builder = TreeBuilder(X, y, names={0: "</script><b>stays", 1: bad})
    builder.do("group", "1", bad, [["<script>window.hit=1</script>"]])
    builder.do("name", "1.1", bad)
    page = opened(builder)
    page.locator(".crm-card", has_text="onerror").click()
    settle(page)
    assert page.locator("#here img, #here script, .crm-tree-nodes b b").count() == 0
    assert page.evaluate("window.hit") is None
    assert bad in page.locator('[data-key="1.1"]').inner_text()


def test_errors_are_sentences_and_a_slow_kernel_is_shown(opened):
    builder = builder_of()
    page = opened(builder)
    page.mouse.click(*at_bar(page, 0.5))
    settle(page)
    page.locator(".crm-point input").fill("9999")
    page.keyboard.press("Enter")
    settle(page)
    assert "no training row takes branch 2" in page.get_by_role("alert").inner_text()
    page.locator(".crm-clear").click()
    settle(page)
    page.locator('[data-act="suggest"]').click()
    settle(page)
    assert page.get_by_role("alert").inner_text() == ""
    page.evaluate("""() => { const quick = window.toPython; window.toPython = async (text) => {
        await new Promise(done => setTimeout(done, 600)); return quick(text); }; }""")  # fmt: skip
    page.locator('[data-act="ahead"]').click()
    page.wait_for_selector(".crm-tree.crm-busy[aria-busy=true]")
    settle(page)
    assert page.locator(".crm-tree.crm-busy").count() == 0
    assert "Best with a level below it" in page.locator(".crm-said").inner_text()


def test_columns_further_down_are_fetched_when_seen(opened):
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(500, 40)), columns=[f"c{place}" for place in range(40)])
    page = opened(TreeBuilder(X, (X["c7"] > 0).astype(int)))
    drawn = page.locator(".crm-thumb path").count()
    assert page.locator(".crm-card b").first.inner_text() == "c7"
    assert drawn < 2 * 30
    last = page.locator(".crm-card").last
    last.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.crm-card:last-child .crm-thumb path')")
    last.click()
    settle(page)
    assert page.locator(".crm-editor-head h4").inner_text() == last.locator("b").inner_text()


def test_what_is_done_in_the_notebook_is_followed_and_a_closed_view_is_silent(opened):
    builder = builder_of()
    page = opened(builder)
    builder.do("split", "1", "visits", [3.5])
    page.evaluate("""state => { window.values.state = state;
        for (const work of window.heard["change:state"]) work(); }""", builder.widget.state)  # fmt: skip
    settle(page)
    assert page.locator(".crm-box").count() == 3
    assert cuts_of(page) == [3.5]
    page.evaluate("window.close_()")
    assert page.evaluate("Object.values(window.heard).flat().length") == 0


def test_a_narrow_page_has_one_column_and_nothing_sticks_out(opened):
    page = opened(builder_of(), width=420)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    chart, cards = page.locator(".crm-chart").bounding_box(), page.locator(".crm-columns").bounding_box()
    assert cards["y"] > chart["y"] + chart["height"]


# In JupyterLab

DATA = "import sys; sys.path.insert(0, {here!r})\nfrom test_tree_builder import builder_of, rows"
BUILD = "builder = builder_of(language={language!r}, **{more})\nbuilder"
REPLAY = """import json
from crmlab.widgets import TreeBuilder
builder.save('log.json')
again = TreeBuilder.replay('log.json', *rows())
same = json.dumps(again.tree_.to_dict()) == json.dumps(builder.tree_.to_dict())
print('same' if same else 'other', len(builder.log['acts']), builder.estimator_.score(*rows()) > .7)"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    here = str(Path(__file__).parent)
    for language, names in (("en", "dict()"), ("fa", "dict(names={0: 'می‌ماند', 1: 'می‌رود'})")):
        first, second = DATA.format(here=here), BUILD.format(language=language, more=names)
        write_notebook(folder / f"{language}.ipynb", first, second, REPLAY)
    with jupyter_lab(folder) as address:
        yield folder, address


def answered(page) -> None:
    """Wait until the kernel has answered what the builder asked."""
    page.wait_for_timeout(80)
    page.wait_for_selector('.crm-tree[aria-busy="false"]')


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_tree_is_built_in_jupyterlab(browser, lab, language):
    folder, address = lab
    page = open_notebook(browser, address.format(f"{language}.ipynb"), run=2)
    page.wait_for_selector(".crm-card", timeout=60_000)
    answered(page)
    page.locator('.crm-card[data-column="amount"]').click()
    answered(page)
    page.locator(".crm-chart").scroll_into_view_if_needed()
    page.mouse.click(*at_bar(page, 0.4))
    page.mouse.click(*at_bar(page, 0.7))
    answered(page)
    before = cuts_of(page)
    # A cut is dragged.
    page.mouse.move(*at_bar(page, 0.7))
    page.mouse.down()
    page.mouse.move(*at_bar(page, 0.85), steps=5)
    page.mouse.up()
    answered(page)
    assert cuts_of(page)[0] == before[0]
    assert cuts_of(page)[1] > before[1]
    page.locator(".crm-apply").click()
    page.wait_for_function("document.querySelectorAll('.crm-box').length === 5")
    page.locator('[data-key="1.2"]').click()
    answered(page)
    page.locator('[data-act="suggest"]').click()
    answered(page)
    # Keys of the notebook, such as Z for undo and D for delete, are none inside the builder.
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.crm-box').length > 5")
    answered(page)
    boxes = page.locator(".crm-box").count()
    page.locator('[data-key="1.2"]').press("Control+z")
    page.wait_for_function("document.querySelectorAll('.crm-box').length === 5")
    page.locator('[data-act="redo"]').click()
    page.wait_for_function("boxes => document.querySelectorAll('.crm-box').length === boxes", arg=boxes)
    answered(page)
    page.screenshot(path=folder / f"{language}.png")
    run_cell(page, 2)
    told = page.locator("[data-mime-type='application/vnd.jupyter.stdout']")
    told.wait_for()
    assert told.inner_text() == "same 4 True\n"
    assert page.asked == []
    page.close()
