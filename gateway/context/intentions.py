"""Notes what one side of a replay would have changed in sessions and files, and requested from other servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.parity.intentions import GONE, Intention, IntentionKind
from gateway.parity.plain_values import plain_value

__all__ = ["Intentions", "SessionNotes"]

MOST = 500  # notes that are kept for one request


class Intentions:
    """The notes of one request, from all of its threads."""

    __slots__ = ("_noted", "_sessions")

    def __init__(self) -> None:
        self._noted: list[Intention] = []
        self._sessions: list[SessionNotes] = []

    def note(self, kind: IntentionKind, place: str, value: Any) -> None:
        """Add a note; `value` is in the form of `parse_json`."""
        if len(self._noted) < MOST:
            self._noted.append(Intention(kind, place, value))

    def session(self) -> SessionNotes:
        """Notes for one more session."""
        notes = SessionNotes()
        if len(self._sessions) < MOST:
            self._sessions.append(notes)
        return notes

    def found(self) -> tuple[Intention, ...]:
        """All notes."""
        return (*self._noted, *(one for notes in self._sessions for one in notes.found()))


class SessionNotes:
    """Changes of one session: its items, whether its key is renewed, and whether it is deleted."""

    __slots__ = ("_after", "_before", "_ended", "_renewed")

    def __init__(self) -> None:
        self._before: Mapping[str, Any] | None = None
        self._after: Mapping[str, Any] | None = None
        self._ended = self._renewed = False

    def loaded(self, data: Mapping[str, Any]) -> None:
        """The session was read, with this content."""
        if self._before is None and self._after is None:
            self._before = plain_value(data)

    def saved(self, data: Mapping[str, Any]) -> None:
        """The session would be stored with this content."""
        self._after = plain_value(data)

    def renewed(self) -> None:
        """The session would get a new key."""
        self._renewed = True

    def ended(self) -> None:
        """The session would be deleted; what is stored from now on is a new one."""
        self._ended, self._before, self._after = True, {}, None

    def found(self) -> Iterator[Intention]:
        """The changes."""
        if self._renewed:
            yield Intention("session", "(a new key)", True)
        if self._ended:
            yield Intention("session", "(ended)", True)
        before = self._before or {}
        after = before if self._after is None else self._after
        for name in before.keys() | after.keys():
            if name not in after:
                yield Intention("session", name, GONE)
            elif name not in before or before[name] != after[name]:
                yield Intention("session", name, after[name])
