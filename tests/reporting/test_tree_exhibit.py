"""A decision tree in a report: the figure, its words in the report's language, and all nodes behind it."""

import base64
import io

import pandas as pd
import pytest
from PIL import Image

import crmlab as crm
from crmlab.errors import ParameterError
from crmlab.mining.methods.trees import Cuts, Groups, Node, Tree
from crmlab.reporting import Report
from crmlab.reporting.render import TABLE_TYPE

LAST = Node([5, 25], Groups("channel", (("web",), ("phone", "post"))), [Node([4, 5]), Node([1, 20])])
ROOT = Node([50, 30], Cuts("recency", (90.5,)), [Node([45, 5]), LAST])
TREE = Tree(ROOT, ["stays", "leaves"], ["recency", "channel"])


@pytest.fixture
def workspace(shop):
    return crm.open_workspace(shop)


def test_a_tree_stands_in_a_report_with_its_nodes(workspace):
    shown = {}
    for code in ("en", "fa"):
        exhibit = Report(workspace, code).tree("leavers", TREE, title="Who leaves", event="leaves")
        data, metadata = exhibit._repr_mimebundle_()
        shown[code] = data
        assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width == 1720
        assert "1.2.2" in metadata["image/png"]["alt"]
    assert shown["en"][TABLE_TYPE] == shown["fa"][TABLE_TYPE]
    assert shown["en"]["image/png"] != shown["fa"]["image/png"]
    nodes = pd.read_csv(io.StringIO(shown["en"][TABLE_TYPE]["csv"]))
    assert nodes["node"].astype(str).tolist() == ["1", "1.1", "1.2", "1.2.1", "1.2.2"]
    assert nodes["rate"].round(3).tolist() == [0.375, 0.1, 0.833, 0.556, 0.952]


def test_cuts_are_shown_in_a_format_of_the_report(workspace, monkeypatch):
    told = {}
    monkeypatch.setattr(crm.figures, "tree", lambda tree, **options: told.update(options) or crm.figures.bars(
        pd.DataFrame({"a": ["x"], "n": [1]}), "a", {"n": "n"}, title="x"))  # fmt: skip
    Report(workspace).tree("leavers", TREE, title="Who leaves", formats={"recency": "decimal"}, depth=1)
    assert told["show"]["recency"](90.52) == "90.5"
    assert told["depth"] == 1
    with pytest.raises(ParameterError, match="A number is shown as one of"):
        Report(workspace).tree("leavers", TREE, title="Who leaves", formats={"recency": "days"})


def test_a_tree_that_asks_who_a_person_is_stands_in_no_report(workspace):
    split = Groups("phone", (("+989121234567",), ("+989121234568",)))
    telling = Tree(Node([2, 2], split, [Node([2, 0]), Node([0, 2])]), ["a", "b"], ["phone"])
    with pytest.raises(ParameterError, match=r"'who' holds what says who a person is: phone\.") as error:
        Report(workspace).tree("who", telling, title="Who")
    assert "+98" not in str(error.value)


def test_a_tree_is_left_out_of_a_public_report(workspace):
    data, _ = Report(workspace, public=5).tree("leavers", TREE, title="Who leaves")._repr_mimebundle_()
    assert "image/png" not in data
    assert TABLE_TYPE not in data


def test_a_public_report_shows_a_tree_of_persons_if_every_node_has_enough(workspace):
    for k, shown in ((9, True), (10, False)):
        exhibit = Report(workspace, public=k).tree("leavers", TREE, title="Who leaves", persons=True)
        assert ("image/png" in exhibit.data) == shown
