"""Merges OpenAPI documents into one, which has the operations that are served."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from gateway.apidoc.alignment import aligned, resolved
from gateway.apidoc.names import Component, Names, SourceDocument
from gateway.apidoc.operations import Document, Operation, names_in, operations, shape
from gateway.apidoc.references import Reference, reachable, renamed
from gateway.rollout.decision import LEGACY
from gateway.rollout.stage import LIVE, RETIRED

__all__ = ["OPENAPI", "Chosen", "ServedOperation", "Serves", "choose", "first_of_each", "merge", "names_of"]

OPENAPI = "3.1.0"


class ServedOperation(NamedTuple):
    """How an operation is served: at which stage, by which route (None where no route claims it)."""

    stage: str
    route: str | None = None


# Called with the name of an upstream and an operation of its document: how callers get it now, None if they don't.
Serves = Callable[[str, Operation], ServedOperation | None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """An operation of the merged document, and the index of its source. `before` is the project's, if it was moved."""

    source: int
    operation: Operation
    served: ServedOperation
    before: Operation | None = None


@dataclass(frozen=True, slots=True)
class _Merge:
    sources: Sequence[SourceDocument]
    chosen: Sequence[Chosen]
    names: Names
    paths: Mapping[str, str]  # by shape
    ids: set[str] = field(default_factory=set)


def merge(
    sources: Sequence[SourceDocument], serves: Serves, *, title: str = "API", notes: Sequence[str] = ()
) -> Document:
    """One document of the operations of `sources` that `serves` says are served; of equal ones the first.

    A moved operation keeps its `operationId`, its tags and the names of its path's parameters, and its components the
    names of those whose place they take. Other components are renamed only where two collide. `notes` say what is left
    out. The document has no `servers`.
    """
    chosen = choose(sources, serves)
    paths: dict[str, str] = {}
    for operation in [*(one.before for one in chosen if one.before), *(one.operation for one in chosen)]:
        paths.setdefault(shape(operation.path), operation.path)
    made = _Merge(sources, chosen, names_of(sources, chosen), paths)
    first = sources[0].document if sources else {}
    return {
        "openapi": OPENAPI,
        "info": _info(first, title, notes),
        "paths": _paths(made),
        "components": _components(made),
        **_tags(made),
    }


def first_of_each(found: Iterable[Operation]) -> dict[str, Operation]:
    """The operations by their key; of equal ones the first, as Django and Starlette route."""
    kept: dict[str, Operation] = {}
    for one in found:
        kept.setdefault(one.key, one)
    return kept


def choose(sources: Sequence[SourceDocument], serves: Serves) -> list[Chosen]:
    """The operations of the merged document: of those that are served the first.

    The project's come first, except before those of a route that is live. For both may be served, where the service
    takes only some values of the path's parameters, numbers say, and the project's document doesn't tell them apart.
    """
    legacy = _legacy(sources)
    before = {} if legacy is None else first_of_each(operations(sources[legacy].document))
    chosen: dict[str, Chosen] = {}
    for index, source in enumerate(sources):
        for key, one in first_of_each(operations(source.document)).items():
            first = chosen.get(key)
            if first is not None and first.source != legacy:
                continue
            served = serves(source.upstream, one)
            if served is not None and (first is None or served.stage in (LIVE, RETIRED)):
                moved = None if source.upstream == LEGACY else before.get(key)
                chosen[key] = Chosen(index, one, served, moved)
    return list(chosen.values())


def _legacy(sources: Sequence[SourceDocument]) -> int | None:
    return next((index for index, source in enumerate(sources) if source.upstream == LEGACY), None)


def names_of(sources: Sequence[SourceDocument], chosen: Sequence[Chosen]) -> Names:
    """The names of all components that the operations need."""
    names = Names(sources)
    wanted = _wanted(sources, chosen, _legacy(sources))
    names.claim(wanted, wanted)
    names.claim(_needed(sources, chosen))
    return names


def _wanted(sources: Sequence[SourceDocument], chosen: Sequence[Chosen], legacy: int | None) -> dict[Component, str]:
    """The names that components of moved operations take over from the project's."""
    wanted: dict[Component, str] = {}
    for one in chosen:
        if one.before is not None and legacy is not None:
            old, new = sources[legacy].document, sources[one.source].document
            needed = reachable([one.operation.content], new)
            for name, was in aligned(one.before.content, old, one.operation.content, new).items():
                if (reference := Reference("schemas", name)) in needed:
                    wanted.setdefault(Component(one.source, reference), was)
    if legacy is not None:
        wanted |= _wanted_schemes(sources, chosen, sources[legacy].document)
    return wanted


def _wanted_schemes(sources: Sequence[SourceDocument], chosen: Sequence[Chosen], old: Document) -> dict[Component, str]:
    """The project's names of security schemes that services declare too, under any name."""
    known = {repr(_scheme(one)): name for name, one in old.get("components", {}).get("securitySchemes", {}).items()}
    found: dict[Component, str] = {}
    for component in _needed(sources, chosen):
        source, (section, name) = component
        if section == "securitySchemes" and sources[source].upstream != LEGACY:
            definition = sources[source].document["components"][section][name]
            if (was := known.get(repr(_scheme(definition)))) is not None:
                found[component] = was
    return found


def _scheme(definition: Document) -> list[tuple[str, Any]]:
    """What a security scheme is, without its description."""
    return sorted((key, value) for key, value in definition.items() if key != "description")


def _needed(sources: Sequence[SourceDocument], chosen: Sequence[Chosen]) -> Iterator[Component]:
    """The components that the operations need, those of the first source first."""
    for index, source in enumerate(sources):
        contents = [one.operation.content for one in chosen if one.source == index]
        yield from (Component(index, reference) for reference in reachable(contents, source.document))


def _paths(made: _Merge) -> dict[str, Any]:
    moved = {one.before.content.get("operationId") for one in made.chosen if one.before is not None}
    # Those of moved operations are taken before others ask for them.
    made.ids.update(name for name in moved if name is not None)
    paths: dict[str, Any] = {}
    for one in made.chosen:
        path = made.paths[shape(one.operation.path)]
        paths.setdefault(path, {})[one.operation.method.lower()] = _operation(made, one, path)
    return paths


def _operation(made: _Merge, one: Chosen, path: str) -> Document:
    source = made.sources[one.source]
    own = _with_parameters(one.operation, path, source.document)
    content: dict[str, Any] = renamed(own, partial(made.names.name, one.source))
    content |= {"x-served-by": source.upstream, "x-migration-stage": one.served.stage}
    if one.served.route is not None:
        content["x-migration-route"] = one.served.route
    was = one.before.content if one.before is not None else {}
    content |= {key: was[key] for key in ("operationId", "tags") if key in was}
    if "operationId" not in was and "operationId" in content:
        content["operationId"] = _free(content["operationId"], source.upstream, made.ids)
    return content


def _free(wanted: str, upstream: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        name, number = f"{wanted}_{upstream}{'' if number == 1 else number}", number + 1
    taken.add(name)
    return name


def _with_parameters(operation: Operation, path: str, document: Document) -> dict[str, Any]:
    """The operation's content, with the parameters of its path called as in `path`."""
    content = dict(operation.content)
    names = dict(zip(names_in(operation.path), names_in(path), strict=True))
    if "parameters" in content and any(old != new for old, new in names.items()):
        found = [(one, resolved(one, document) or {}) for one in content["parameters"]]
        content["parameters"] = [
            {**whole, "name": names.get(whole["name"], whole["name"])} if whole.get("in") == "path" else one
            for one, whole in found
        ]
    return content


def _components(made: _Merge) -> dict[str, Any]:
    sections: dict[str, dict[str, Any]] = {}
    for reference, owner in made.names.components():
        definition = renamed(made.names.definition(owner), partial(made.names.name, owner.source))
        sections.setdefault(reference.section, {})[reference.name] = definition
    return {section: dict(sorted(found.items())) for section, found in sorted(sections.items())}


def _info(first: Document, title: str, notes: Sequence[str]) -> Document:
    info = dict(first.get("info", {}))
    info = {**info, "title": info.get("title") or title, "version": info.get("version") or "0"}
    if notes:
        text = "\n".join(f"- {note}" for note in notes)
        info["description"] = f"{info.get('description', '')}\n\nNot in this document:\n\n{text}".strip()
    return info


def _tags(made: _Merge) -> Document:
    """The declarations of tags, of each the first; nothing where there are none."""
    tags: dict[str, Any] = {}
    for source in made.sources:
        for tag in source.document.get("tags", ()):
            tags.setdefault(tag["name"], tag)
    return {"tags": list(tags.values())} if tags else {}
