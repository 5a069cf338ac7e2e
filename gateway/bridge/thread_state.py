"""Finds middleware that leaves state on its thread, or on a database connection, for the code of the view.

Crum and pghistory keep the request in a `threading.local`, silk and the debug toolbar their records, django-tenants and
the toolbar state on the connection. A service's code runs on another thread than the middleware, unless `one_thread =
true`, and doesn't find it there. The source doesn't tell, so each entry is tried with a synthetic request: as for a
mirror, shared resources are shielded, and the databases are rolled back.
"""

from __future__ import annotations

import gc
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from gateway.bridge.probe import Around, probe_scope, resolve_to_probe, unlogged
from gateway.compat.django import loaded_as
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.legacy.connections import django_threads
from gateway.legacy.environ import environ_of
from gateway.legacy.request import request_of
from gateway.shield import shield

__all__ = ["ThreadState", "thread_state"]

METHODS = ("GET", "POST")  # some do nothing for safe methods
TIMES = 2  # what a thread keeps, such as a connection, is there the second time
SETS = re.compile(r"\s*(SET|SELECT\s+(pg_catalog\.)?set_config)\b", re.IGNORECASE)  # they last
# Attributes of a connection that belong to a transaction, or that any query may change.
TRANSACTION = frozenset({"atomic_blocks", "autocommit", "in_atomic_block", "needs_rollback", "savepoint_ids"})
VOLATILE = frozenset(
    {"close_at", "errors_occurred", "health_check_done", "queries_log", "savepoint_state", "run_on_commit"}
)
CONTAINERS = (list, tuple, dict, set, frozenset)

ObservedState = Mapping[tuple[str | int, str], object]
GetResponse = Callable[[HttpRequest], HttpResponseBase]


@dataclass(slots=True)
class ThreadState:
    """`left` has what each entry of MIDDLEWARE leaves, in words; `untried` the entries that no request reached."""

    left: dict[str, str] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)


def thread_state(chosen: Sequence[str] | None = None) -> ThreadState:
    """Try the synchronous entries of MIDDLEWARE, or the `chosen` ones, on a temporary thread."""
    shield()
    pool = django_threads(1, "check")
    lease = pool.lease()
    try:
        with unlogged():
            return lease.submit(_tried, chosen).result()
    finally:
        lease.release()
        pool.close()


def _tried(chosen: Sequence[str] | None) -> ThreadState:
    chain = _ObservedChain(chosen)
    for method in METHODS:
        for _ in range(TIMES):
            chain.begin()
            with _leaving_nothing(chain.execute):
                chain.get_response(_request(method))
        chain.judge()
    return ThreadState(chain.left, [path for path in chain.paths if path not in chain.reached])


@contextmanager
def _leaving_nothing(execute: Callable[..., Any]) -> Iterator[None]:
    """A mirror's block, with transactions that are open from its beginning, and `execute` around queries."""
    mirror = MirrorScope()
    with ExitStack() as stack:
        stack.callback(mirror.end_here)
        stack.enter_context(mirror_scope(mirror))
        for alias in connections:
            try:
                connections[alias].cursor().close()
            except (DatabaseError, ImproperlyConfigured):  # unavailable, or none is configured
                continue
            stack.enter_context(connections[alias].execute_wrapper(execute))
        yield


def _request(method: str) -> HttpRequest:
    return request_of(environ_of(probe_scope(method), BytesIO()))


class _ObservedChain(BaseHandler):
    """Django's chain, in which each entry is observed before it begins and when it calls the next."""

    def __init__(self, chosen: Sequence[str] | None) -> None:
        self.chosen = chosen
        self.paths: list[str] = []
        self._locals: dict[int, threading.local] = {}  # by id: not all are hashable
        self._settings: Counter[str] = Counter()  # changed on each connection, with SQL
        self._before: dict[str, ObservedState] = {}
        self._changed: dict[str, str] = {}
        self.left: dict[str, str] = {}
        self.reached: set[str] = set()
        with loaded_as(self._watched):
            self.load_middleware(is_async=False)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """As Django's, with a stand-in for every view."""
        return resolve_to_probe(request)

    def begin(self) -> None:
        """Start the next request, before which new `threading.local` objects are looked for."""
        self._before.clear()
        self._changed.clear()
        # By their types: isinstance is not reliable for lazy objects.
        self._locals = {id(one): one for one in gc.get_objects() if issubclass(type(one), threading.local)}

    def execute(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Wrapper around every query (`connection.execute_wrapper`)."""
        if SETS.match(sql):
            self._settings[context["connection"].alias] += 1
        return execute(sql, params, many, context)

    def judge(self) -> None:
        """Keep the findings of the last request."""
        self.left = self._changed | self.left

    def _watched(self, path: str, middleware: Callable[..., Any]) -> Callable[..., Any]:
        def factory(get_response: GetResponse) -> Any:
            if self.chosen is not None and path not in self.chosen:
                raise MiddlewareNotUsed
            instance = middleware(lambda request: self._inside(path, get_response, request))
            self.paths.insert(0, path)
            return Around(instance, lambda request: self._outside(path, instance, request))

        if not getattr(middleware, "sync_capable", True):
            return middleware  # on the event loop, no state belongs to a thread
        factory.async_capable = False  # type: ignore[attr-defined] # as Django reads it
        return factory

    def _outside(self, path: str, middleware: GetResponse, request: HttpRequest) -> HttpResponseBase:
        self._before[path] = self._seen()
        return middleware(request)

    def _inside(self, path: str, get_response: GetResponse, request: HttpRequest) -> HttpResponseBase:
        self.reached.add(path)
        before, now = self._before[path], self._seen()
        owners = dict.fromkeys(
            owner if isinstance(owner, str) else _where(self._locals[owner])
            for owner, name in now
            if now[owner, name] != before.get((owner, name))
        )
        if owners:
            self._changed[path] = ", ".join(owners)
        return get_response(request)

    def _seen(self) -> ObservedState:
        """The state of this thread and its connections: where it is, its name, and a sign of its value."""
        seen: dict[tuple[str | int, str], object] = {}
        for connection in connections.all(initialized_only=True):
            place = f"connections[{connection.alias!r}]"
            for name, value in vars(connection).items():
                if name in TRANSACTION:
                    seen[f"a transaction on {place}", name] = _sign(value)
                elif name not in VOLATILE:
                    seen[f"{place}.{name}", name] = _sign(value)
            seen[f"a setting of {place}", ""] = self._settings[connection.alias]
        for key, one in self._locals.items():
            for name, value in one.__dict__.items():
                seen[key, name] = _sign(value)
        return seen


def _sign(value: object) -> object:
    return (id(value), len(value)) if isinstance(value, CONTAINERS) else id(value)


def _where(one: threading.local) -> str:
    """The module or class that has this `threading.local`, as far as that can be determined."""
    for holder in gc.get_referrers(one):
        if isinstance(holder, dict):
            if isinstance(name := holder.get("__name__"), str):
                return f"a threading.local of {name}"
            owners = [owner for owner in gc.get_referrers(holder) if getattr(owner, "__dict__", None) is holder]
        else:
            owners = [holder]
        for owner in owners:
            module = type(owner).__module__
            if module not in ("builtins", __name__):
                return f"a threading.local of {module}.{type(owner).__qualname__}"
    return "a threading.local"
