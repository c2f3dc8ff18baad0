"""The nodes of a draft, and what acts make of them: none is ever changed, so that undoing is going back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crmlab.errors import ParameterError, listed, one_line
from crmlab.mining.methods.trees.draft_data import DraftData
from crmlab.mining.methods.trees.draft_splits import check_split
from crmlab.mining.methods.trees.splits import Split, split_from_dict


@dataclass(frozen=True, eq=False)
class DraftNode:
    """A node of a draft.

    Attributes
    ----------
    rows, held_out
        Training and held-out rows that reach it.
    counts, held_out_counts
        Of each class among them.
    split, children, name
        As of `Node`.
    closed
        Whether a person marked it as a leaf.
    """

    rows: np.ndarray
    held_out: np.ndarray
    counts: np.ndarray
    held_out_counts: np.ndarray
    split: Split | None = None
    children: tuple[DraftNode, ...] = ()
    name: str | None = None
    closed: bool = False


def node_of(data: DraftData, rows: np.ndarray, held_out: np.ndarray) -> DraftNode:
    """A leaf of some rows."""
    return DraftNode(rows, held_out, data.counts(rows), data.counts(held_out))


def walk(node: DraftNode, key: str) -> Iterator[tuple[str, DraftNode]]:
    """A node and all below it with their keys, each before its children."""
    yield key, node
    for place, child in enumerate(node.children, start=1):
        yield from walk(child, f"{key}.{place}")


def node_at(root: DraftNode, key: str) -> DraftNode:
    """The node of a key such as "1.2".

    Raises
    ------
    ParameterError
        If there is none.
    """
    for step in _steps(root, key):
        root = root.children[step]
    return root


def after(root: DraftNode, act: dict[str, Any], data: DraftData) -> DraftNode:
    """The root after an act on one of its nodes.

    Raises
    ------
    ParameterError
        If the act cannot be done.
    """
    key = act["node"]
    change: dict[str, Callable[[DraftNode], DraftNode]] = {
        "split": lambda node: parted(data, node, split_from_dict(act["split"]), key),
        "grow": lambda node: _grown(data, node, act["below"], key),
        "prune": lambda node: _pruned(node, key),
        "leaf": lambda node: _closed(node, act["closed"]),
        "name": lambda node: replace(node, name=one_line(act["name"])[:200] or None),
    }
    return _changed(root, _steps(root, key), change[act["act"]])


def parted(data: DraftData, node: DraftNode, split: Split, key: str) -> DraftNode:
    """A node with its rows parted by a split; what was below it goes."""
    check_split(data, split)
    column = data.columns[split.column]
    branches = []
    for rows in (node.rows, node.held_out):
        side = column.branch_of(split, rows)
        branches.append([rows[side == place] for place in range(split.degree)])
    empty = [str(place) for place, rows in enumerate(branches[0], start=1) if not len(rows)]
    if empty:
        raise ParameterError(
            f"Of the split of node {key} by {split.column}, no training row takes branch "
            f"{listed(empty)} of {split.degree}; move or remove a cut or group."
        )
    children = (node_of(data, *both) for both in zip(*branches, strict=True))
    return replace(node, split=split, children=tuple(children), closed=False)


def _grown(data: DraftData, node: DraftNode, below: dict[str, Any], key: str) -> DraftNode:
    depth = key.count(".") + 1
    for leaf, plain in below.items():
        if leaf.split(".")[:depth] != key.split("."):
            raise ParameterError(f"Node {leaf} is not below node {key}.")
        steps = [int(step) - 1 for step in leaf.split(".")[depth:]]
        node = _changed(node, steps, lambda leaf, plain=plain, name=leaf: _filled(data, leaf, plain, name))
    return node


def _filled(data: DraftData, node: DraftNode, plain: dict[str, Any] | None, key: str) -> DraftNode:
    if not plain:
        return node
    node = parted(data, node, split_from_dict(plain["split"]), key)
    pairs = enumerate(zip(node.children, plain["children"], strict=True), start=1)
    children = (_filled(data, child, below, f"{key}.{place}") for place, (child, below) in pairs)
    return replace(node, children=tuple(children))


def _pruned(node: DraftNode, key: str) -> DraftNode:
    if not node.children:
        raise ParameterError(f"There is nothing below node {key}.")
    return replace(node, split=None, children=())


def _closed(node: DraftNode, closed: bool) -> DraftNode:
    return replace(node, split=None, children=(), closed=True) if closed else replace(node, closed=False)


def _changed(
    node: DraftNode, steps: Sequence[int], change: Callable[[DraftNode], DraftNode]
) -> DraftNode:  # fmt: skip
    if not steps:
        return change(node)
    children = list(node.children)
    children[steps[0]] = _changed(children[steps[0]], steps[1:], change)
    return replace(node, children=tuple(children))


def _steps(root: DraftNode, key: str) -> list[int]:
    """The ways down to a node, each from 0."""
    found, node = [], root
    try:
        first, *steps = (int(step) for step in str(key).split("."))
        for step in steps if first == 1 else [0]:
            if step < 1:
                raise IndexError
            node = node.children[step - 1]
            found.append(step - 1)
    except (ValueError, IndexError):
        raise ParameterError(f"There is no node {key!r} in this tree; its root is '1'.") from None
    return found
