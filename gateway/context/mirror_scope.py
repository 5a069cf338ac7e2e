"""What one mirror may not share with callers, and has to itself instead."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

__all__ = ["MirrorScope", "NotConnected", "NotShielded", "among_callers", "current", "is_mirror", "mirror_scope"]

T = TypeVar("T")
NONE: Mapping[str, str] = {}


class Transaction(Protocol):
    """A transaction that is a mirror's own."""

    def end(self) -> list[str]:
        """Roll it back. Returns what would have run after a commit, by name."""


class NotShielded(Exception):
    """A mirror asked for something of its callers' that it can be given no stand-in for."""


class NotConnected(NotShielded, PermissionError):
    """A mirror asked for a connection that it can't have: for who connects, one that failed, whose socket is closed."""


class MirrorScope:
    """One mirror, in all threads and tasks that it runs on.

    `refusal`: what it asked for and can't have, in words; then nothing that it answers proves anything. Neither does it
    where it `gave_way`: the reason that it is dropped for, in a word. `cold`: it asked a cache, which is empty for it,
    and so has more to do than its caller had. `writes`: it is of a method that may; `rolls_back`: who is asked rolls
    back by itself what it writes through connections that aren't Django's. `read_only`: its transactions
    are; `lock_timeout` and `statement_timeout` are theirs, in seconds.
    `databases`: the aliases of those that it has in the place of others; `hosts`: what else it may connect to, by name,
    address or path, "*" for anything. `names` are those that it has found addresses by.
    `transactions` are those that are open, by thread and alias; `effects` what it would have done after a commit.
    """

    __slots__ = ("_stores", "cold", "databases", "effects", "gave_way", "hosts", "lock_timeout", "names", "read_only",
                 "refusal", "rolls_back", "statement_timeout", "transactions", "writes")  # fmt: skip

    def __init__(
        self,
        *,
        writes: bool = False,
        rolls_back: bool = False,
        read_only: bool = False,
        lock_timeout: float = 0.1,
        statement_timeout: float = 1.0,
        databases: Mapping[str, str] = NONE,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self.refusal: str | None = None
        self.gave_way: str | None = None
        self.cold = False
        self.writes = writes
        self.rolls_back = rolls_back
        self.read_only = read_only
        self.lock_timeout = lock_timeout
        self.statement_timeout = statement_timeout
        self.databases = databases
        self.hosts = hosts
        self.names: dict[str, list[str]] = {}
        self.transactions: dict[tuple[int, str], Transaction] = {}
        self.effects: list[str] = []
        self._stores: dict[object, object] = {}

    @property
    def may_not_stay(self) -> bool:
        """Whether it may write, and what it writes without Django would stay."""
        return self.writes and not self.rolls_back

    def owns(self, alias: str) -> bool:
        """Whether no caller uses the database of this name."""
        return alias in self.databases.values()

    def conclude(self, connection: Any, pending: int) -> None:
        """What it has done on `connection` is about to be rolled back, with all that it wants to do after a commit:
        what `run_on_commit` has from `pending` on."""

    def store(self, key: object, make: Callable[[], T]) -> T:
        """What stands in for the store that `key` identifies. Made when it is asked for first."""
        # One step, as a mirror may run on several threads: of two that are made at once, one is kept.
        return self._stores.setdefault(key, make())  # type: ignore[return-value] # a key always has the same kind

    def end_here(self) -> None:
        """Roll back what the mirror has done in databases on this thread. Without effect where it did nothing."""
        here = threading.get_ident()
        for key in [key for key in self.transactions if key[0] == here]:
            self.effects += self.transactions[key].end()
            del self.transactions[key]  # now whoever waits for the effects has them all

    def give_way(self, reason: str) -> None:
        """Note why the mirror was given up: the first reason counts."""
        self.gave_way = self.gave_way or reason

    def refuse(self, what: str, why: str = "which callers share", kind: type[NotShielded] = NotShielded) -> NotShielded:
        """Note that the mirror asked for `what`. Returns what to raise: whoever catches that changes nothing."""
        said = f"{what}, {why}"
        self.refusal = self.refusal or said
        return kind(f"a mirror can't have {said}")


# The mirror that this context, and the threads and tasks that it starts, belong to; None where callers are answered.
current: contextvars.ContextVar[MirrorScope | None] = contextvars.ContextVar("gateway.mirror", default=None)


def is_mirror() -> bool:
    """Whether this runs for a mirror, in whatever thread or task of it: nobody will see the answer, and nothing of what
    it does may stay."""
    return current.get() is not None


@contextmanager
def mirror_scope(scope: MirrorScope) -> Iterator[MirrorScope]:
    """A block that runs for a mirror. All that is other about one begins and ends here."""
    token = current.set(scope)
    try:
        yield scope
    finally:
        current.reset(token)


@contextmanager
def among_callers() -> Iterator[None]:
    """A block in which a mirror is no other than a caller."""
    token = current.set(None)
    try:
        yield
    finally:
        current.reset(token)
