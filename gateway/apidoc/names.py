"""Names of components in a merged document: one is renamed only if another has its name and differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any, NamedTuple

from gateway.apidoc.operations import Document
from gateway.apidoc.references import Reference, target

__all__ = ["Component", "Names", "SourceDocument"]

# What says nothing about values: two schemas that differ only in these are the same to a client.
_ANNOTATIONS = frozenset({"title", "description", "example", "examples", "externalDocs", "$comment"})


class SourceDocument(NamedTuple):
    """A document, and the name of the upstream that it is of."""

    upstream: str
    document: Document


class Component(NamedTuple):
    """A component of one of the sources, which `source` is the index of."""

    source: int
    reference: Reference


class Names:
    """Names of components, given in the order of `claim`: the first one keeps its name.

    A later one that is the same to clients shares it; another one gets the name of its upstream added, as in
    `Item_catalog`.
    """

    def __init__(self, sources: Sequence[SourceDocument]) -> None:
        self._sources = sources
        self._names: dict[Component, str] = {}
        self._owners: dict[Reference, Component] = {}

    def claim(self, components: Iterable[Component], wanted: Mapping[Component, str] | None = None) -> None:
        """Name each of `components` that has no name yet: as `wanted` says, or as it is called."""
        for component in components:
            if component not in self._names:
                name = (wanted or {}).get(component, component.reference.name)
                self._names[component] = self._free(component, name)

    def name(self, source: int, reference: Reference) -> str:
        """The name of a component; its own if it isn't there."""
        return self._names.get(Component(source, reference), reference.name)

    def schema(self, source: int, name: str) -> str:
        """The name of a schema."""
        return self.name(source, Reference("schemas", name))

    def components(self) -> Iterable[tuple[Reference, Component]]:
        """Each component of the merged document, and whose definition it has."""
        return self._owners.items()

    def _free(self, component: Component, wanted: str) -> str:
        """The first name that is free, or that a component has which is the same."""
        section, own = component.reference
        upstream = self._sources[component.source].upstream
        names = chain((wanted, own, f"{own}_{upstream}"), (f"{own}_{upstream}{number}" for number in count(2)))
        return next(name for name in names if self._is_for(Reference(section, name), component))

    def _is_for(self, name: Reference, component: Component) -> bool:
        owner = self._owners.setdefault(name, component)
        return owner == component or self._same(component, owner)

    def definition(self, component: Component) -> Any:
        """What the source says of it."""
        section, name = component.reference
        return self._sources[component.source].document.get("components", {}).get(section, {}).get(name)

    def _same(self, left: Component, right: Component) -> bool:
        return self._equal(self.definition(left), left.source, self.definition(right), right.source, {(left, right)})

    def _equal(self, left: Any, of: int, right: Any, to: int, assumed: set[tuple[Component, Component]]) -> bool:
        """Whether two parts mean the same. What is `assumed` to be equal is being compared already."""
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            was, now = target(left), target(right)
            if was is not None and now is not None:
                pair = Component(of, was), Component(to, now)
                if pair in assumed:
                    return True
                assumed.add(pair)
                return self._equal(self.definition(pair[0]), of, self.definition(pair[1]), to, assumed)
            lefts, rights = _meaning(left), _meaning(right)
            return lefts.keys() == rights.keys() and all(
                self._equal(value, of, rights[key], to, assumed) for key, value in lefts.items()
            )
        if isinstance(left, list) and isinstance(right, list):
            return len(left) == len(right) and all(
                self._equal(one, of, other, to, assumed) for one, other in zip(left, right, strict=True)
            )
        return type(left) is type(right) and bool(left == right)


def _meaning(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """`part` without annotations. A property may be called "title": then its value is a schema, and no text."""
    return {key: value for key, value in part.items() if key not in _ANNOTATIONS or isinstance(value, Mapping | bool)}
