"""Removes parts of a module's source, and the imports that only these used; everything else is unchanged."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from gateway.workbench.retire.module import Module, Position

__all__ = ["is_empty", "without"]

Node = TypeVar("Node", bound=cst.CSTNode)


def without(module: Module, places: Collection[Position], names: Collection[str]) -> str:
    """The source of `module` without the statements, methods and list entries at `places`. `names` are definitions that
    are removed, here or elsewhere: imports of them are removed too, and their entries in `__all__`."""
    first = _edited(module.source, frozenset(places), frozenset(), frozenset(names))
    unused = _unused_imports(module.source, first, names)
    second = _edited(first, frozenset(), unused, frozenset()) if unused else first
    return second if module.source.startswith("\n") else second.lstrip("\n")


def _edited(source: str, places: frozenset[Position], imports: frozenset[str], exported: frozenset[str]) -> str:
    wrapper = MetadataWrapper(cst.parse_module(source))
    return wrapper.visit(_Remover(places, imports, exported)).code


def is_empty(source: str) -> bool:
    """Whether a module contains only imports and strings."""
    return all(_says_nothing(statement) for statement in ast.parse(source).body)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
        return True
    if isinstance(statement, ast.If):
        return all(_says_nothing(inner) for inner in statement.body)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return True
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List | ast.Tuple):
        target = statement.targets[0]
        return isinstance(target, ast.Name) and target.id == "__all__" and not statement.value.elts
    return False


def _unused_imports(before: str, after: str, names: Collection[str]) -> frozenset[str]:
    """Imports that only removed parts used: names that were used before, or that are removed themselves."""
    used_before, used_after = _used(before), _used(after)
    imported = _imported(after)
    return frozenset(
        local for local, name in imported.items() if local not in used_after and (local in used_before or name in names)
    )


def _used(source: str) -> set[str]:
    """The names that a module reads, including string annotations and `__all__`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            found |= _in_text(node.value)
    return found


def _in_text(text: str) -> set[str]:
    if not text.isascii() or not any(character.isalpha() for character in text):
        return set()
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _imported(source: str) -> Mapping[str, str]:
    """The local names of imports, each with its original name."""
    return {
        alias.asname or alias.name.partition(".")[0]: alias.name.rpartition(".")[2]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if getattr(node, "module", "") != "__future__"
    }


class _Remover(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, places: frozenset[Position], imports: frozenset[str], exported: frozenset[str]) -> None:
        super().__init__()
        self._places = places
        self._imports = imports
        self._exported = exported

    def _is_gone(self, node: cst.CSTNode) -> bool:
        position = self.get_metadata(PositionProvider, node).start
        return (position.line, position.column) in self._places

    def _kept(self, original: Node, updated: Node) -> Node | cst.RemovalSentinel:
        return cst.RemoveFromParent() if self._is_gone(original) else updated

    def leave_FunctionDef(  # noqa: N802 - as libcst calls it
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        return self._kept(original_node, updated_node)

    def leave_ClassDef(  # noqa: N802
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef | cst.RemovalSentinel:
        return self._kept(original_node, updated_node)

    def leave_SimpleStatementLine(  # noqa: N802
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        if not updated_node.body:  # its only import was removed
            return cst.RemoveFromParent()
        return self._kept(original_node, updated_node)

    def leave_If(  # noqa: N802
        self, original_node: cst.If, updated_node: cst.If
    ) -> cst.If | cst.RemovalSentinel:
        emptied = isinstance(updated_node.body, cst.IndentedBlock) and not updated_node.body.body
        if emptied and updated_node.orelse is None and original_node.body.body:
            return cst.RemoveFromParent()
        return updated_node

    def leave_List(self, original_node: cst.List, updated_node: cst.List) -> cst.List:  # noqa: N802
        kept, opening = self._elements(original_node.elements, updated_node.elements)
        bracket = updated_node.lbracket
        if opening is not None:
            bracket = bracket.with_changes(whitespace_after=_joined(bracket.whitespace_after, opening))
        return updated_node.with_changes(elements=kept, lbracket=bracket)

    def leave_Tuple(self, original_node: cst.Tuple, updated_node: cst.Tuple) -> cst.Tuple:  # noqa: N802
        kept, _ = self._elements(original_node.elements, updated_node.elements)
        return updated_node.with_changes(elements=kept)

    def _elements(
        self, original: Sequence[cst.BaseElement], updated: Sequence[cst.BaseElement]
    ) -> tuple[list[cst.BaseElement], cst.BaseParenthesizableWhitespace | None]:
        """The entries that stay, and what follows the bracket if the first one is removed. A comment above a removed
        entry is removed too, one above the next stays; the last entry ends as the last one did."""
        kept: list[cst.BaseElement] = []
        opening: cst.BaseParenthesizableWhitespace | None = None
        for before, after in zip(original, updated, strict=True):
            if not self._is_gone(before.value) and not self._is_exported(before.value):
                kept.append(after)
            elif kept:
                kept[-1] = kept[-1].with_changes(comma=_followed(kept[-1].comma, after.comma))
            elif isinstance(after.comma, cst.Comma):
                opening = after.comma.whitespace_after
        return kept, opening

    def _is_exported(self, value: cst.BaseExpression) -> bool:
        return isinstance(value, cst.SimpleString) and value.evaluated_value in self._exported

    def leave_ImportFrom(  # noqa: N802
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        if isinstance(updated_node.names, cst.ImportStar) or _is_future(original_node):
            return updated_node
        kept = [alias for alias in updated_node.names if _local(alias) not in self._imports]
        if not kept:
            return cst.RemoveFromParent()
        return updated_node.with_changes(names=_ended(kept, updated_node.names))

    def leave_Import(  # noqa: N802
        self, _original_node: cst.Import, updated_node: cst.Import
    ) -> cst.Import | cst.RemovalSentinel:
        kept = [alias for alias in updated_node.names if _local(alias) not in self._imports]
        if not kept:
            return cst.RemoveFromParent()
        return updated_node.with_changes(names=_ended(kept, updated_node.names))


def _ended(kept: list[cst.ImportAlias], whole: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    if len(kept) < len(whole):
        kept[-1] = kept[-1].with_changes(comma=whole[-1].comma)
    return kept


Comma = cst.Comma | cst.MaybeSentinel


def _followed(comma: Comma, gone: Comma) -> Comma:
    """The comma of an entry after which an entry with the comma `gone` is removed."""
    if not isinstance(comma, cst.Comma) or not isinstance(gone, cst.Comma):
        return gone
    return comma.with_changes(whitespace_after=_joined(comma.whitespace_after, gone.whitespace_after))


def _joined(
    first: cst.BaseParenthesizableWhitespace, second: cst.BaseParenthesizableWhitespace
) -> cst.BaseParenthesizableWhitespace:
    """The rest of the line of `first`, and the lines of `second`, which are above the next entry."""
    if not isinstance(second, cst.ParenthesizedWhitespace):
        return first
    if not isinstance(first, cst.ParenthesizedWhitespace):
        return second
    return second.with_changes(first_line=first.first_line)


def _is_future(node: cst.ImportFrom) -> bool:
    return isinstance(node.module, cst.Name) and node.module.value == "__future__"


def _local(alias: cst.ImportAlias) -> str:
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return alias.asname.name.value
    return alias.evaluated_name.partition(".")[0]
