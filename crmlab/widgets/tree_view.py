"""A drafted tree in words and numbers for its page: nodes, columns as counts, splits, measures, sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from crmlab.errors import ParameterError
from crmlab.locale import Language
from crmlab.mining.methods.trees import Cuts, TreeDraft
from crmlab.mining.methods.trees.bins import NameBins, NumericBins
from crmlab.mining.methods.trees.draft_nodes import DraftNode, parted
from crmlab.mining.methods.trees.draft_search import Suggestion
from crmlab.mining.methods.trees.draft_splits import column_of, cuts_at, groups_of
from crmlab.mining.methods.trees.splits import Split, Value
from crmlab.widgets.tree_words import SENTENCES, WORDS

#: Bars of a column of numbers, values of a column of names that are shown one by one, and columns whose
#: counts are sent before the page asks for them.
BARS, VALUES, FIRST = 80, 40, 12
#: Stands for all values that are not shown one by one.
REST = -1


class TreeView:
    """Tells a page what a draft is."""

    def __init__(self, draft: TreeDraft, tongue: Language, names: Mapping[Any, str]) -> None:
        self.draft, self.tongue = draft, tongue
        self.classes = [str(names.get(name, name)) for name in draft.data.classes.tolist()]
        self._bins = {bins.name: (place, bins) for place, bins in enumerate(draft.search.bins)}
        self._spans: dict[str, tuple[float, float]] = {}
        strange = [str(name) for name in names if name not in draft.data.classes.tolist()]
        if strange:
            raise ParameterError(f"There is no class {strange[0]!r} among {', '.join(self.classes)}.")

    # The whole

    def words(self) -> dict[str, Any]:
        """What the page says by itself, and how."""
        tongue = self.tongue
        return {"language": tongue.code, "rtl": tongue.right_to_left, **{
            name: tongue(text) for name, text in WORDS.items()
        }}  # fmt: skip

    def state(self) -> dict[str, Any]:
        """The tree, its measures, and what can be undone."""
        draft = self.draft
        tree = {node.key: node for node in draft.tree.nodes}
        nodes = [self._node(key, node, tree[key].prediction) for key, node in self._labelled()]
        return {"classes": self.classes, "nodes": nodes, "measures": self._measures(),
                "undo": draft.can_undo, "redo": draft.can_redo, "acts": len(draft.log["acts"])}  # fmt: skip

    def _labelled(self) -> Iterator[tuple[str, tuple[DraftNode, str]]]:
        waiting = [("1", self.draft.node("1"), self.tongue("All rows"))]
        while waiting:
            key, node, label = waiting.pop()
            yield key, (node, label)
            if node.split:
                labels = self.labels(node.split)
                below = zip(node.children, labels, strict=True)
                waiting += [
                    (f"{key}.{place}", child, said) for place, (child, said) in enumerate(below, start=1)
                ][::-1]

    def _node(self, key: str, labelled: tuple[DraftNode, str], prediction: int) -> dict[str, Any]:
        node, label = labelled
        return {
            "key": key, "label": label, "counts": node.counts.tolist(), "class": prediction,
            "column": self.shown(node.split.column) if node.split else "",
            "split": node.split.column if node.split else "",
            "name": node.name or "", "closed": node.closed, "n": self.tongue.number(int(node.counts.sum())),
            "share": self._share(node.counts, prediction),
        }  # fmt: skip

    def _share(self, counts: np.ndarray, place: int) -> str:
        total = counts.sum()
        return self.tongue.percent(counts[place] / total if total else np.nan, 1)

    def _measures(self) -> list[dict[str, str]]:
        tongue, found = self.tongue, self.draft.measures
        held_out = len(self.draft.data.held_out) > 0
        rows = [
            (tongue("Accuracy"), "accuracy", tongue.percent),
            (tongue("AUC"), "auc", lambda value: tongue.number(value, 3)),
        ]
        if self.draft.costs is not None:
            rows.append((tongue("Cost per row"), "cost", lambda value: tongue.number(value, 3)))
        told = [
            {"name": name, "training": write(found[key]),
             "held_out": write(found[f"held_out_{key}"]) if held_out else ""}
            for name, key, write in rows
        ]  # fmt: skip
        sizes = ((tongue("Leaves"), found["leaves"]), (tongue("Height"), found["height"]))
        return told + [
            {"name": name, "training": tongue.number(size), "held_out": ""} for name, size in sizes
        ]

    # Words

    def shown(self, column: str) -> str:
        """What a column is called."""
        return self.tongue(column) if self.tongue.knows(column) else column

    def value(self, value: Value) -> str:
        """A value of a column of names as it is read."""
        known = isinstance(value, str) and self.tongue.knows(value)
        return self.tongue(value) if known else str(value)

    def decimal(self, number: float) -> str:
        """A number with the digits it has."""
        text = f"{number:,.12g}" if 1e-4 <= abs(number) < 1e12 or number == 0 else f"{number:.6g}"
        return self.tongue.number(number, len(text.partition(".")[2])) if "e" not in text else text

    def labels(self, split: Split) -> list[str]:
        """What each branch of a split holds, shortly."""
        tongue, missing = self.tongue, self.tongue("missing")
        if isinstance(split, Cuts):
            points = [self.decimal(point) for point in split.points]
            middle = [
                tongue("{low} to {high}", low=low, high=high)
                for low, high in zip(points, points[1:], strict=False)
            ]
            said = [tongue("all known values")]
            if points:
                low, high = tongue("≤ {value}", value=points[0]), tongue("> {value}", value=points[-1])
                said = [low, *middle, high]
        else:
            comma = "، " if tongue.right_to_left else ", "
            said = []
            for place, group in enumerate(split.groups):
                some = comma.join(self.value(value) for value in group[:6])
                more = " …" if len(group) > 6 or (place == split.other and not group) else ""
                said.append(f"{some}{more}"[:80])
        if split.missing_apart:
            return [*said, missing]
        return said

    def tell(self, act: str, key: str) -> str:
        """What was done, and what the tree is worth now."""
        node = dict(self.draft.nodes()).get(key)
        split = node.split if node else None
        said = self.tongue(
            SENTENCES[act], key=key, column=self.shown(split.column) if split else "",
            n=split.degree if split else 0,
        )  # fmt: skip
        found = self.draft.measures
        value = found["held_out_accuracy"] if len(self.draft.data.held_out) else found["accuracy"]
        return f"{said} {self.tongue('Accuracy: {share}.', share=self.tongue.percent(value))}"

    def not_understood(self, error: Exception) -> str:
        """What is said of a question that is none."""
        return f"The builder could not read what the page asked ({type(error).__name__})."

    @staticmethod
    def ways_up(key: str) -> Iterator[str]:
        """A node and those above it, the root last."""
        while key:
            yield key
            key = key.rpartition(".")[0]

    # Columns of a node

    def columns(self, key: str, names: Sequence[str] | None = None) -> tuple[dict[str, Any], list[bytes]]:
        """The columns at a node, of most worth first, and the counts of some of them.

        The buffer holds for each column with counts the edges of its bars (float64), if it has numbers,
        and behind all edges the counts (uint32): of each class in each bar, of the rest, and missing.
        """
        node, found = self.draft.node(key), {}
        best = {one.split.column: one for one in self.draft.search.suggestions(node.rows)}
        if names is None:
            order = [*best, *(name for name in self._bins if name not in best)]
            names = order[:FIRST]
            if node.split and node.split.column not in names:
                names = [*names, node.split.column]
            top = max([one.worth for one in best.values()], default=0)
            gains = {name: best[name].gain if name in best else 0.0 for name in order}
            shares = {name: one.worth / top if top > 0 else 0.0 for name, one in best.items()}
            found["columns"] = [
                {"name": name, "shown": self.shown(name), "gain": self.tongue.number(gains[name], 3),
                 "worth": round(max(shares.get(name, 0), 0), 3)}
                for name in order
            ]  # fmt: skip
            found |= {
                "node": key,
                "split": self._plain(node.split, node.rows),
                "title": self._title(key, node),
                "path": self._path(key),
            }
        counts = self.draft.search.counts(node.rows)
        pictures = [self._picture(column_of(self.draft.data, name).name, counts) for name in names]
        edges = [edges for _, edges, _ in pictures]
        bars = [bars.ravel() for _, _, bars in pictures]
        found["pictures"] = [picture for picture, _, _ in pictures]
        buffer = np.concatenate(edges).astype("<f8").tobytes()
        return found, [buffer + np.concatenate(bars).astype("<u4").tobytes()]

    def _title(self, key: str, node: DraftNode) -> str:
        total, place = int(node.counts.sum()), int(node.counts.argmax())
        return self.tongue(
            "Node {key}: {n:,} {n:row|rows}, {share} {name}", key=key, n=total,
            share=self._share(node.counts, place), name=f"\u2068{self.classes[place]}\u2069",
        )  # fmt: skip

    def _path(self, key: str) -> str:
        """The conditions on the way down to a node."""
        nodes, said = dict(self.draft.nodes()), []
        for above, below in zip(list(self.ways_up(key))[1:], self.ways_up(key), strict=False):
            if below != "1":
                split = nodes[above].split
                label = self.labels(split)[int(below.rpartition(".")[2]) - 1]
                colon = "" if isinstance(split, Cuts) else ":"
                said.append(f"\u2068{self.shown(split.column)}\u2069{colon} \u2068{label}\u2069")
        return ("، " if self.tongue.right_to_left else "; ").join(reversed(said)) or self.tongue("All rows")

    def _picture(self, name: str, counts: np.ndarray) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
        place, bins = self._bins[name]
        here = counts[place]
        plain = {"name": name, "gone": bool(self._has_missing(name))}
        if isinstance(bins, NumericBins):
            edges, bars, last = self._bars(bins, here[: bins.n_bins])
            bars = np.concatenate([bars, here[bins.n_bins : bins.n_bins + 1]])
            return {**plain, "kind": "numbers", "bars": len(edges) - 1, "last": last}, edges, bars
        codes = self._codes(bins, here)
        rest = here[: bins.n_bins].sum(0) - here[codes].sum(0)
        labels = [self.value(bins.values[code]) for code in codes]
        bars = np.concatenate([here[codes], rest[None], here[bins.n_bins : bins.n_bins + 1]])
        picture = {**plain, "kind": "names", "bars": len(codes), "codes": codes, "labels": labels}
        return picture, np.empty(0), bars

    def _bars(self, bins: NumericBins, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Edges and counts of the bars, each some bins that hold rows; how much of a bar the last one is."""
        low, high = self._span(bins.name)
        sizes = counts.sum(1)
        filled = np.flatnonzero(sizes)
        if not len(filled):
            return np.array([low, high]), np.zeros((1, counts.shape[1]), dtype=int), 1.0
        first, last = int(filled[0]), int(filled[-1])
        ends = np.arange(first, last + 1)
        step = -(-len(ends) // BARS)
        if step > 1:
            ends = np.unique(np.append(ends[step - 1 :: step], last))
        starts = np.append(first, ends[:-1] + 1)
        inner = bins.edges[ends[:-1]]
        low = float(bins.edges[first - 1]) if first else low
        high = float(bins.edges[last]) if last < len(bins.edges) else high
        edges = np.concatenate([[low], inner, [max(high, low)]])
        return edges, np.add.reduceat(counts, starts, axis=0), float((last + 1 - starts[-1]) / step)

    def _span(self, name: str) -> tuple[float, float]:
        if name not in self._spans:
            values = self.draft.data.columns[name].values[self.draft.data.training]
            known = values[~np.isnan(values)]
            self._spans[name] = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        return self._spans[name]

    def _has_missing(self, name: str) -> bool:
        place, bins = self._bins[name]
        return self.draft.search.counts(self.draft.node("1").rows)[place, bins.n_bins].sum() > 0

    def _codes(self, bins: NameBins, counts: np.ndarray) -> list[int]:
        """Values that are shown one by one: the commonest at the node."""
        sizes = counts[: len(bins.values)].sum(1)
        order = np.argsort(-sizes, kind="stable")[:VALUES]
        return [int(code) for code in order if sizes[code]]

    # Splits, as the page and as the draft know them

    def _plain(self, split: Split | None, rows: np.ndarray) -> dict[str, Any] | None:
        """A split as the page knows it: values by their places, the unseen and the many as the rest."""
        if split is None:
            return None
        if isinstance(split, Cuts):
            return split.to_dict()
        place, bins = self._bins[split.column]
        codes = self._codes(bins, self.draft.search.counts(rows)[place])
        side_of = {value: side for side, group in enumerate(split.groups) for value in group}
        groups: list[list[int]] = [[] for _ in split.groups]
        for code in codes:
            groups[side_of.get(bins.values[code], split.other)].append(code)
        groups[split.other].append(REST)
        return {"column": split.column, "groups": groups, "missing": split.missing}

    def split_of(self, key: str, plain: Mapping[str, Any]) -> Split:
        """A split as the page said it."""
        rows, name, missing = self.draft.node(key).rows, str(plain["column"]), plain.get("missing")
        if "cuts" in plain:
            return cuts_at(self.draft.data, rows, name, list(map(float, plain["cuts"])), missing)
        bins = self._bins[name][1]
        if not isinstance(bins, NameBins):
            raise ParameterError(f"The column {name} holds numbers; cut it instead of grouping its values.")
        groups = [[bins.values[code] for code in group if code != REST] for group in plain["groups"]]
        other = [place for place, group in enumerate(plain["groups"]) if REST in group]
        if other and not groups[other[0]]:
            groups[other[0]] = self._rest(name, rows, {value for group in groups for value in group})
        kept = [place for place, group in enumerate(groups) if group or place in other]
        return groups_of(
            self.draft.data, rows, name, [groups[place] for place in kept], missing,
            kept.index(other[0]) if other else None,
        )  # fmt: skip

    def _rest(self, name: str, rows: np.ndarray, taken: set) -> list[Value]:
        """The values of a column at a node but for some."""
        column = self.draft.data.columns[name]
        here = np.unique(column.values[rows])
        return [value for value in column.names[here[here >= 0]].tolist() if value not in taken]

    def preview(self, key: str, split: Split) -> dict[str, Any]:
        """What a split would make of a node."""
        node = parted(self.draft.data, self.draft.node(key), split, key)
        branches = [
            {"label": label, "counts": child.counts.tolist(), "class": int(child.counts.argmax()),
             "n": self.tongue.number(int(child.counts.sum())),
             "share": self._share(child.counts, int(child.counts.argmax()))}
            for label, child in zip(self.labels(split), node.children, strict=True)
        ]  # fmt: skip
        bits = self.tongue.number(self.draft.search.gain(split, node.rows), 3)
        return {"branches": branches, "gain": bits, "missing": split.missing}

    def suggested(self, key: str, found: Sequence[Suggestion], asked: str) -> dict[str, Any]:
        """The best of some suggestions, or that there is none."""
        if not found:
            return {"said": self.tongue("No column parts the rows of node {key} any further.", key=key)}
        best = found[0]
        said = SENTENCES[asked if best.saving > 0 else "nothing pays"]
        told = self.tongue(
            said, key=key, column=self.shown(best.split.column), n=best.split.degree,
            gain=self.tongue.number(best.gain, 3),
        )  # fmt: skip
        return {"split": self._plain(best.split, self.draft.node(key).rows), "said": told}

    # Without a page

    def as_html(self) -> str:
        """The tree as lists in lists, for readers without a kernel."""
        tongue = self.tongue
        training, held_out, comma = tongue(WORDS["training"]), tongue(WORDS["held_out"]), tongue(", ")
        measures = " · ".join(
            f"<bdi>{escape(one['name'])}</bdi>: "
            + (
                f"{training} {one['training']}{comma}{held_out} {one['held_out']}"
                if one["held_out"]
                else one["training"]
            )
            for one in self._measures()
        )
        way = "rtl" if tongue.right_to_left else "ltr"
        body = self._as_list("1", self.draft.node("1"), tongue("All rows"))
        return (
            f'<div lang="{tongue.code}" dir="{way}" style="font-family:sans-serif;line-height:1.5">'
            f"<p>{measures}</p><ul>{body}</ul></div>"
        )

    def _as_list(self, key: str, node: DraftNode, label: str) -> str:
        place = int(node.counts.argmax())
        what = self.shown(node.split.column) if node.split else self.classes[place]
        said = (
            f"<bdi>{escape(label)}</bdi>: <b><bdi>{escape(node.name or what)}</bdi></b> "
            f"({self.tongue.number(int(node.counts.sum()))}{'؛' if self.tongue.right_to_left else ';'} "
            f"{self._share(node.counts, place)} <bdi>{escape(self.classes[place])}</bdi>)"
        )
        if not node.split:
            return f"<li>{said}</li>"
        pairs = enumerate(zip(node.children, self.labels(node.split), strict=True), start=1)
        below = "".join(self._as_list(f"{key}.{place}", child, text) for place, (child, text) in pairs)
        return f"<li>{said}<ul>{below}</ul></li>"
