"""A decision tree built by hand in a notebook: by eye from the classes of each column, with suggestions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.errors import CrmlabError, ParameterError
from crmlab.locale import language as language_of
from crmlab.mining.methods.trees import FixedTreeClassifier, Tree, TreeDraft
from crmlab.mining.methods.trees.draft_search import Suggestion
from crmlab.widgets.parts import import_widgets, style_of
from crmlab.widgets.tree_view import TreeView

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike

#: The parts of the page, in the order in which they stand in its module.
_SCRIPTS = ("tree_drawing.js", "split_editor.js", "tree_builder.js")


class TreeBuilder:
    """Shows a decision tree that a person builds: a node is chosen, and split by what one sees.

    Of the chosen node each column is shown by its classes, the column of most worth first. Numbers are
    cut by clicking and dragging, names grouped by dragging, or the builder is asked: for the best split
    of a column or of all, for the one that is best with one more level below it, or for a whole subtree.
    What the tree is worth, on training and on held-out rows, follows at once. The rows stay in the
    kernel; the page is given counts only.

    Parameters
    ----------
    X, y
        Rows and their classes, as `TreeDraft` takes them.
    held_out, seed, shrinkage, costs
        Likewise.
    names
        What the classes are called, by class.
    language
        ``"en"`` or ``"fa"``.

    Attributes
    ----------
    draft : TreeDraft
        What is built; the page follows what is done to it by :meth:`do`.

    Raises
    ------
    ParameterError
        If the data or the language make no sense; when it is shown, if anywidget is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> X, y = pd.DataFrame({"visits": [1, 2, 3, 8, 9, 9]}), [0, 0, 0, 1, 1, 0]
    >>> builder = TreeBuilder(X, y, held_out=0, names={0: "stays", 1: "leaves"})
    >>> builder.do("split", "1", "visits", [5])
    >>> builder.estimator_.predict(pd.DataFrame({"visits": [2, 7]})).tolist()
    [0, 1]
    """

    def __init__(
        self,
        X: pd.DataFrame | np.ndarray,
        y: ArrayLike,
        *,
        held_out: float | tuple = 0.3,
        seed: int = 0,
        shrinkage: float = 3.0,
        costs: Any = None,
        names: Mapping[Any, str] | None = None,
        language: str = "en",
    ) -> None:
        tongue = language_of(language)
        draft = TreeDraft(X, y, held_out=held_out, seed=seed, shrinkage=shrinkage, costs=costs)
        self._start(draft, TreeView(draft, tongue, names or {}))

    def _start(self, draft: TreeDraft, view: TreeView) -> None:
        self.draft, self._view, self._widget = draft, view, None

    @classmethod
    def replay(
        cls, log: dict[str, Any] | str | Path, X: pd.DataFrame | np.ndarray, y: ArrayLike,
        held_out: tuple | None = None, *, names: Mapping[Any, str] | None = None, language: str = "en",
    ) -> TreeBuilder:  # fmt: skip
        """A builder with all that a log says done again; see `TreeDraft.replay`."""
        found, tongue = cls.__new__(cls), language_of(language)
        draft = TreeDraft.replay(log, X, y, held_out)
        found._start(draft, TreeView(draft, tongue, names or {}))
        return found

    @property
    def tree_(self) -> Tree:
        """The tree as it stands."""
        return self.draft.tree

    @property
    def estimator_(self) -> FixedTreeClassifier:
        """The tree as a classifier of scikit-learn, fitted already."""
        return self.draft.estimator_

    @property
    def log(self) -> dict[str, Any]:
        """All that was done, as plain data; see `TreeDraft.log`."""
        return self.draft.log

    def save(self, path: str | Path) -> Path:
        """Write the log to a file."""
        return self.draft.save(path)

    def do(self, act: str, *given: Any, **named: Any) -> None:
        """An act of the draft (split, group, apply, grow, prune, leaf, name, undo, redo), shown at once.

        Raises
        ------
        ParameterError
            If there is no such act, or it cannot be done.
        """
        if act not in ("split", "group", "apply", "grow", "prune", "leaf", "name", "undo", "redo"):
            raise ParameterError(f"A draft knows no act {act!r}; see TreeBuilder.do.")
        getattr(self.draft, act)(*given, **named)
        self._show()

    # In the notebook

    @property
    def widget(self) -> Any:
        """The widget that is displayed, to be put beside others."""
        if self._widget is None:
            self._widget = _widget_class()(state=self._view.state(), words=self._view.words())
            self._widget.on_msg(lambda _, content, buffers: self._answer(content, self._widget.send))
        return self._widget

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget; and as HTML, for readers without a kernel, the tree as it stands now."""
        plain = {"text/html": self._view.as_html(), "text/plain": repr(self)}
        try:
            found = self.widget._repr_mimebundle_(**options)
        except ParameterError as error:  # there is no anywidget
            return {**plain, "text/html": f"<p>{escape(str(error))}</p>{plain['text/html']}"}, {}
        data, meta = found if isinstance(found, tuple) else (found, {})
        return {**data, **plain}, meta

    def __repr__(self) -> str:
        tree = self.tree_
        return f"<TreeBuilder: {len(tree.leaves)} leaves, height {tree.height}>"

    def _show(self) -> None:
        if self._widget is not None:
            self._widget.state = self._view.state()

    def _answer(self, content: dict[str, Any], send: Callable[..., None]) -> None:
        """Answer a question of the page under its number; what cannot be done is answered by a sentence."""
        number = content.get("id")
        try:
            found, buffers = self._answered(content)
        except CrmlabError as error:
            found, buffers = {"error": str(error)}, []
        except (KeyError, IndexError, TypeError, ValueError) as error:
            found, buffers = {"error": self._view.not_understood(error)}, []
        send({"id": number, **found}, buffers)

    def _answered(self, content: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        view, draft, asked, key = self._view, self.draft, content["ask"], str(content.get("node", "1"))
        if asked == "look":
            return view.columns(key)
        if asked == "columns":
            return view.columns(key, list(map(str, content["names"])))
        if asked == "preview":
            return view.preview(key, view.split_of(key, content["split"])), []
        if asked in ("suggest", "ahead"):
            column = content.get("column")
            look = draft.suggest if asked == "suggest" else draft.look_ahead
            found: list[Suggestion] = look(key, column)
            return view.suggested(key, found, asked), []
        said = self._acted(asked, key, content)
        self._show()
        # What was chosen may be gone.
        keys = {key for key, _ in draft.nodes()}
        key = next(key for key in view.ways_up(key) if key in keys)
        found_, buffers = view.columns(key)
        return {**found_, "said": said}, buffers

    def _acted(self, asked: str, key: str, content: dict[str, Any]) -> str:
        draft, tell = self.draft, self._view.tell
        if asked == "split":
            split = self._view.split_of(key, content["split"])
            draft.apply(key, split)
            return tell("split", key)
        if asked == "grow":
            return tell("grow" if draft.grow(key) else "grow nothing", key)
        if asked == "leaf":
            draft.leaf(key, bool(content["closed"]))
            return tell("leaf" if content["closed"] else "no leaf", key)
        if asked == "name":
            draft.name(key, str(content["name"]))
            return tell("name", key)
        if asked == "prune":
            draft.prune(key)
        elif asked in ("undo", "redo"):
            getattr(draft, asked)()
        else:
            raise ParameterError(f"The builder does not know what {asked!r} is.")
        return tell(asked, key)


@cache
def _widget_class() -> type:
    """The class of the widget; it cannot be had without anywidget."""
    import_widgets("Tree builders")
    try:
        import anywidget
    except ImportError:
        raise ParameterError(
            "Tree builders need anywidget; install it with: pip install crmlab[lab]"
        ) from None  # fmt: skip
    import traitlets

    folder = Path(__file__).parent
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS)

    class TreeBuilderWidget(anywidget.AnyWidget):
        _esm = script
        _css = style_of(__file__)
        state = traitlets.Dict().tag(sync=True)
        words = traitlets.Dict().tag(sync=True)

    return TreeBuilderWidget
