"""Compares the metadata that OPTIONS returns: clients build forms from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.parity.severity import Severity
from gateway.workbench.contract.database import AsksDatabase
from gateway.workbench.contract.result import Compared, ContractFinding, ContractReport, Unknown, plain
from gateway.workbench.drf.contract.users import callers
from gateway.workbench.drf.contract.views import with_user

__all__ = ["compare_options"]


def compare_options(legacy: Any, service: Any) -> Iterator[ContractReport]:
    """The differences in the metadata for a superuser, who sees everything."""
    try:
        ours, theirs = _told(legacy), _told(service)
    except AsksDatabase:
        yield Unknown("options", "the metadata asks the database")
        return
    except Exception as exc:  # noqa: BLE001 - the project's own code
        yield Unknown("options", f"{type(exc).__name__}: {exc}")
        return
    yield Compared("options", ", ".join(ours))
    for place in dict.fromkeys([*ours, *theirs]):
        if ours.get(place) != theirs.get(place):
            area = Severity.NOTE if place == "description" else Severity.BREAKING
            before, after = plain(ours.get(place)), plain(theirs.get(place))
            yield ContractFinding(
                area, "options", f"{place}: {before} in legacy, {after} in the service", place, before, after
            )


def _told(view: Any) -> dict[str, Any]:
    """The metadata by dotted name."""
    *_, (_, user) = callers()
    asked = with_user(view, user)
    found = asked.metadata_class().determine_metadata(asked.request, asked) if asked.metadata_class else {}
    return dict(_flat(found, ""))


def _flat(tree: Any, place: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, dict):
        yield place, tree if isinstance(tree, bool | int | float | None) else str(tree)
        return
    for name, value in tree.items():
        yield from _flat(value, f"{place}.{name}" if place else str(name))
