"""The stages that are in force: the file's, or what the database says of them since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["States", "put_in_force"]


@dataclass(frozen=True, slots=True)
class States:
    """Where the stages come from: "runtime" or "declared", and in words. `revision` is that of the runtime changes.

    `strays` are routes that have a runtime state, but are not in the file any more.
    """

    source: Literal["runtime", "declared"]
    why: str
    revision: int = 0
    strays: tuple[str, ...] = ()


def put_in_force(gateway: Gateway) -> States:
    """Publish the runtime states in `gateway`, where there are any to be had."""
    return States("declared", "as the file declares")
