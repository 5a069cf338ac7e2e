"""The operations that routes claim, whatever their stage, and what changes for their clients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.apidoc.merge import choose, first_of_each, names_of
from gateway.apidoc.operations import Operation, operations
from gateway.apidoc.serving import SnapshotServing, sample_path
from gateway.rollout.decision import LEGACY
from gateway.rollout.stage import LIVE, State
from gateway.workbench.apidiff.change import ClientChange
from gateway.workbench.apidiff.operations import Side, compare

if TYPE_CHECKING:
    from gateway.apidoc.published import Sources
    from gateway.snapshot import Snapshot

__all__ = ["MovedOperation", "moved_operations"]


@dataclass(frozen=True, slots=True)
class MovedOperation:
    """An operation of the project that a route claims; `changes` the worst first."""

    route: str
    service: str
    method: str
    path: str
    changes: Sequence[ClientChange]


def moved_operations(sources: Sources, snapshot: Snapshot, route: str | None = None) -> list[MovedOperation]:
    """Every operation of the project's document that a route of `snapshot` claims, or `route` does."""
    live = snapshot.at({name: State(LIVE) for name in snapshot.routes}, snapshot.revision)
    found = [*_documented(sources, live), *_undocumented(sources, live)]
    return [one for one in found if route in (None, one.route)]


def _documented(sources: Sources, live: Snapshot) -> Iterator[MovedOperation]:
    documents = sources.documents
    chosen = choose(documents, SnapshotServing(live))
    names = names_of(documents, chosen)
    old = next((source.document for source in documents if source.upstream == LEGACY), {})
    for one in chosen:
        if one.before is None:
            continue
        source = documents[one.source]
        kept = {
            name: names.schema(one.source, name) for name in source.document.get("components", {}).get("schemas", {})
        }
        changes = compare(Side(one.before, old), Side(one.operation, source.document), kept)
        yield _moved(one.served.route or "", source.upstream, one.before, changes)


def _undocumented(sources: Sources, live: Snapshot) -> Iterator[MovedOperation]:
    """Operations of the project that a service serves, but doesn't document."""
    documents = sources.documents
    serving = SnapshotServing(live)
    there = {one.operation.key for one in choose(documents, serving)}
    known = {source.upstream for source in documents}
    for source in documents:
        for key, one in first_of_each(operations(source.document)).items() if source.upstream == LEGACY else ():
            policy = serving.policy(sample_path(one, "x"), one.method)
            if key not in there and policy is not None and policy.service in known:
                said = "the service's document lacks the operation, and so will the merged one"
                yield _moved(policy.route, policy.service, one, [ClientChange("operation-undocumented", "", said)])


def _moved(
    route: str, service: str, before: Operation, changes: Sequence[ClientChange] | Iterator[ClientChange]
) -> MovedOperation:
    ordered = sorted(dict.fromkeys(changes), key=lambda change: change.severity.rank)
    return MovedOperation(route, service, before.method, before.path, ordered)
