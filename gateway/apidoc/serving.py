"""Which operations a snapshot serves, and which upstream answers them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.apidoc.merge import ServedOperation
from gateway.apidoc.operations import Operation
from gateway.rollout.decision import LEGACY
from gateway.rollout.policy import RoutePolicy
from gateway.rollout.stage import LIVE, RETIRED
from gateway.snapshot import Snapshot

__all__ = ["SnapshotServing", "sample_path"]

UUID = "00000000-0000-0000-0000-000000000000"
# Values of a path's parameter, by its schema's format or type.
_VALUES = {"integer": "1", "number": "1", "uuid": UUID, "date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z"}


class SnapshotServing:
    """Says of an operation how `snapshot` serves it: `gateway.apidoc.merge.Serves`.

    In canary both sides do.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __call__(self, upstream: str, operation: Operation) -> ServedOperation | None:
        """How callers get this operation of `upstream`'s document; None if they don't."""
        if upstream == LEGACY:
            policy = self.policy(sample_path(operation, "x"), operation.method)
            return _by_legacy(policy)
        for value in ("x", "1", UUID):  # of a parameter whose schema says nothing of what its template takes
            policy = self.policy(sample_path(operation, value), operation.method)
            if policy is not None and policy.service == upstream and policy.serves:
                return ServedOperation(policy.state.stage, policy.route)
        return None

    def policy(self, path: str, method: str) -> RoutePolicy | None:
        """The policy of the route that claims this request."""
        match = self._snapshot.owner(path, method)
        return None if match is None or match.route is None else self._snapshot.compiled[match.route].policy


def _by_legacy(policy: RoutePolicy | None) -> ServedOperation | None:
    if policy is None:
        return ServedOperation(LEGACY)
    return None if policy.state.stage in (LIVE, RETIRED) else ServedOperation(policy.state.stage, policy.route)


def sample_path(operation: Operation, value: str) -> str:
    """A path that the operation's template matches, as its parameters' schemas say; `value` where they say nothing."""
    values = dict(_values(operation))
    return re.sub(r"{([^}]*)}", lambda found: values.get(found[1], value), operation.path)


def _values(operation: Operation) -> Iterator[tuple[str, str]]:
    for parameter in operation.content.get("parameters", ()):
        schema = parameter.get("schema", {})
        if parameter.get("in") == "path" and (value := _value(schema)) is not None:
            yield parameter["name"], value


def _value(schema: Mapping[str, Any]) -> str | None:
    if enum := schema.get("enum"):
        return str(enum[0])
    kind = schema.get("type")
    if kind == "integer" and isinstance(least := schema.get("minimum"), int):
        return str(least)
    return _VALUES.get(schema.get("format", "")) or (_VALUES.get(kind) if isinstance(kind, str) else None)
