"""A tree of path segments, which finds the templates that match a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from gateway.routing.template import ANY_SEGMENT, Part

__all__ = ["Tree"]

L = TypeVar("L")


class Node(Generic[L]):
    """A node of the tree: what may follow the segments before it."""

    __slots__ = ("leaf", "parameters", "prefix", "static", "tails")

    def __init__(self) -> None:
        self.static: dict[str, Node[L]] = {}
        self.parameters: dict[str, tuple[Callable[[str], object], Node[L]]] = {}
        self.tails: dict[str, tuple[Callable[[str], object], L]] = {}  # templates with a {x:path} from here on
        self.leaf: L | None = None
        self.prefix: L | None = None


class Tree(Generic[L]):
    """Keeps a value for each template; `make` creates it."""

    __slots__ = ("_make", "_root")

    def __init__(self, make: Callable[[], L]) -> None:
        self._make = make
        self._root: Node[L] = Node()

    def leaf_at(self, parts: Sequence[Part], *, is_subtree: bool = False) -> L:
        """The value for the template `parts`, or with `is_subtree` for it and everything below. It is created if there
        is none."""
        node = self._root
        for index, part in enumerate(parts):
            if isinstance(part, str):
                node = node.static.setdefault(part, Node())
            elif part.whole_tail:
                rest = "/".join(re.escape(p) if isinstance(p, str) else p.regex for p in parts[index:])
                if rest not in node.tails:
                    node.tails[rest] = re.compile(rest, re.DOTALL).fullmatch, self._make()
                return node.tails[rest][1]
            else:
                child = node.parameters.setdefault(part.regex, (part.matcher(), Node()))[1]
                # The narrower convertor is asked first: `int` before `str`.
                node.parameters = dict(sorted(node.parameters.items(), key=lambda item: item[0] == ANY_SEGMENT))
                node = child
        if is_subtree:
            node.prefix = self._make() if node.prefix is None else node.prefix
            return node.prefix
        node.leaf = self._make() if node.leaf is None else node.leaf
        return node.leaf

    def leaves(self, path: str) -> Iterator[L]:
        """The values of the templates that match `path`, more specific segments first."""
        segments = path.split("/")
        last = len(segments)
        pending = [(self._root, 1)]
        prefixes: list[tuple[int, L]] = []
        while pending:
            node, index = pending.pop()
            if node.prefix is not None:
                prefixes.append((index, node.prefix))
            if index == last:
                if node.leaf is not None:
                    yield node.leaf
                continue
            segment = segments[index]
            if node.tails:
                rest = "/".join(segments[index:])
                yield from [leaf for matches, leaf in node.tails.values() if matches(rest)]
            if node.parameters:
                found = [child for matches, child in node.parameters.values() if matches(segment)]
                pending += [(child, index + 1) for child in reversed(found)]
            child = node.static.get(segment)
            if child is not None:
                pending.append((child, index + 1))
        if len(prefixes) > 1:
            prefixes.sort(key=lambda item: item[0], reverse=True)
        for _, leaf in prefixes:
            yield leaf

    def overlapping(self, parts: Sequence[Part], *, is_subtree: bool = False) -> Iterator[L]:
        """The values of the templates that may match a path that the template `parts` matches, or with `is_subtree` one
        below it. A value may come more than once."""
        yield from _overlapping(self._root, parts, is_subtree=is_subtree)


def _overlapping(node: Node[L], parts: Sequence[Part], *, is_subtree: bool) -> Iterator[L]:
    if node.prefix is not None:
        yield node.prefix
    if not parts:
        if is_subtree:
            yield from _everything(node)
        elif node.leaf is not None:
            yield node.leaf
        return
    for _, leaf in node.tails.values():
        yield leaf
    part, rest = parts[0], parts[1:]
    if isinstance(part, str):
        found = [child for matches, child in node.parameters.values() if matches(part)]
        found += [node.static[part]] if part in node.static else []
    elif part.whole_tail:
        yield from _everything(node)
        return
    else:
        matches = part.matcher()
        found = [child for _, child in node.parameters.values()]
        found += [child for text, child in node.static.items() if matches(text)]
    for child in found:
        yield from _overlapping(child, rest, is_subtree=is_subtree)


def _everything(node: Node[L]) -> Iterator[L]:
    for leaf in (node.leaf, node.prefix, *(leaf for _, leaf in node.tails.values())):
        if leaf is not None:
            yield leaf
    for child in (*node.static.values(), *(child for _, child in node.parameters.values())):
        yield from _everything(child)
