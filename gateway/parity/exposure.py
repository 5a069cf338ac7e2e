"""Finds secrets and personal data that only the service's response contains."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from gateway.parity.pointer import child
from gateway.parity.redact.sensitive import has_personal_shape, has_secret_shape, is_key, is_secret, is_sensitive

__all__ = ["Exposure", "exposed"]

MOST = 200  # values of one new field that are checked
LONGEST_NAME = 200  # characters of a name in a pointer


class Exposure(NamedTuple):
    """A secret or personal data: the kind of difference ("secret", "personal"), its place and value, and how it was
    recognised ("by its name", "by its shape", "by its name and shape")."""

    kind: str
    pointer: str
    value: object
    known_by: str


def exposed(pointer: str, name: str, value: Any) -> Iterator[Exposure]:
    """The secrets and personal data in a `value` that only the service has, under `name` at `pointer`."""
    waiting = [(pointer, name, value)]
    looked_at = 0
    while waiting and looked_at < MOST:
        place, known_as, found = waiting.pop()
        looked_at += 1
        if (verdict := _verdict(known_as, found)) is not None:
            yield Exposure(verdict[0], place, found, verdict[1])
        elif isinstance(found, dict):
            waiting += [(child(place, key[:LONGEST_NAME]), key, item) for key, item in found.items()]
        elif isinstance(found, list | tuple):
            waiting += [(child(place, index), known_as, item) for index, item in enumerate(found[:MOST])]


def _verdict(name: str, value: Any) -> tuple[str, str] | None:
    if isinstance(value, bool | dict | list | tuple):
        return None  # "has_password": true says that there is one, not which
    if isinstance(value, str) and has_secret_shape(value):
        return "secret", "by its shape"
    if isinstance(value, str) and is_key(name, value):
        return "secret", "by its name and shape"
    if is_secret(name, number=isinstance(value, Decimal)):
        return "secret", "by its name"
    if isinstance(value, str) and has_personal_shape(value):
        return "personal", "by its shape"
    if isinstance(value, str) and value and is_sensitive(name):
        return "personal", "by its name"
    return None
