"""Requests that nobody recorded: valid and invalid ones, made from the API documents of the services.

schemathesis makes them, as it does for its own tests. What it can't know is taken from the copied database: keys of
rows that are there, in paths and in bodies, so that valid requests find something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlsplit

from django.apps import apps
from django.db import Error
from django.urls import Resolver404, resolve

from gateway.app import Gateway
from gateway.compat.drf import class_behind
from gateway.routing.request import BadRequest
from gateway.upstreams.service import ServiceUpstream
from gateway.workbench.corpus import Case, User
from gateway.workbench.replay.generation import Generation

__all__ = ["NoGenerator", "generate"]

BASE = "http://generated.example"
KEYS = 20  # of a table
ASKED_BY = ("superuser", "user", "anonymous", "staff")
LEFT_OUT = frozenset(
    {"accept-encoding", "authorization", "connection", "content-length", "cookie", "host", "user-agent"}
)
UNREADABLE: tuple[tuple[str, bytes], ...] = (
    ("application/json", b'{"unfinished": '),
    ("application/json", b""),
    ("application/json", b"[]"),
    ("application/json", b"null"),
    ("text/plain", b"{}"),
    ("application/x-www-form-urlencoded", b"a=1&b=%zz"),
)


class NoGenerator(Exception):
    """schemathesis isn't installed."""


def generate(gateway: Gateway, how: Generation) -> list[Case]:
    """Requests for every operation that a route claims and a service documents. Raises NoGenerator."""
    try:
        import schemathesis
    except ImportError as exc:
        raise NoGenerator('--generate needs schemathesis: pip install "django-fastapi-gateway[workbench]"') from exc
    found: dict[str, Case] = {}
    for service in gateway.services.values():
        document = _document(service)
        if document is None:
            continue
        for operation in _operations(schemathesis.openapi.from_dict(document)):
            for case in _of_operation(operation, how):
                claimed = _claimed(gateway, case)
                if claimed is not None and (not how.routes or claimed.route in how.routes):
                    found.setdefault(claimed.key, claimed)
    return list(found.values())


def _document(service: object) -> dict[str, Any] | None:
    if not isinstance(service, ServiceUpstream) or not hasattr(service.declared, "openapi"):
        return None
    # Through JSON: what an application keeps of its document is its own.
    document: dict[str, Any] = json.loads(json.dumps(service.declared.openapi(), default=str))
    return document


def _operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        operation = result.ok()  # None for one that the document describes wrongly
        if operation is not None:
            yield operation


def _claimed(gateway: Gateway, case: Case) -> Case | None:
    """The case with the template of the route that claims it; None where none does."""
    path = urlsplit(BASE + case.path).path
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": case.method,
        "scheme": "http",
        "path": path,
        "raw_path": case.path.encode("ascii", "replace"),
        "headers": [(b"host", b"localhost")],
    }
    try:
        info = gateway.resolver.read(scope)
        match = gateway.snapshot.match(info, scope)
    except BadRequest:
        return None
    if match is None or match.route is None:
        return None
    return replace(case, template=match.template, route=match.route)


# -- one operation --------------------------------------------------------------------------------


def _of_operation(operation: Any, how: Generation) -> Iterator[Case]:
    from schemathesis import GenerationMode

    users = cycle(ASKED_BY)
    template, method = str(operation.path), str(operation.method).upper()
    rows = _Rows()
    paths = _PathKeys(template)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        valid = mode is GenerationMode.POSITIVE
        for made in _examples(operation.as_strategy(generation_mode=mode), how):
            if valid:
                _fill(made, paths, rows)
            yield replace(_sent(made, template, method), user=User(next(users)))  # type: ignore[arg-type] # a kind
    if method in ("POST", "PUT", "PATCH"):
        path = paths.filled() or template
        for media_type, body in UNREADABLE:
            headers = (("content-type", media_type),)
            yield Case(template, method, path, headers=headers, body=body, user=User(next(users)))  # type: ignore[arg-type] # as above


def _examples(strategy: Any, how: Generation) -> list[Any]:
    """What Hypothesis makes of a strategy, without looking for what fails."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import Unsatisfiable

    found: list[Any] = []

    @seed(how.seed)
    @settings(
        max_examples=how.count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(strategy)
    def collect(case: Any) -> None:
        found.append(case)

    try:
        collect()
    except Unsatisfiable:  # nothing is wrong for a GET without parameters
        return found
    return found[: how.count]


def _sent(made: Any, template: str, method: str) -> Case:
    """What schemathesis would send."""
    from requests import Request

    prepared = Request(**_plain(made.as_transport_kwargs(base_url=BASE))).prepare()
    url = urlsplit(str(prepared.url))
    body: Any = prepared.body or b""  # its files are bytes: nothing of it is a stream
    headers = tuple(
        (name.lower(), _text(value)) for name, value in prepared.headers.items() if name.lower() not in LEFT_OUT
    )
    return Case(template, method, url.path, url.query, headers, body.encode() if isinstance(body, str) else bytes(body))


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those that `requests.Request` takes; the others are a session's."""
    names = ("method", "url", "headers", "files", "data", "params", "json")
    return {name: arguments[name] for name in names if arguments.get(name) is not None}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


# -- what is in the database ----------------------------------------------------------------------


def _fill(made: Any, paths: _PathKeys, rows: _Rows) -> None:
    """Let a valid request name rows that are there."""
    if (keys := paths.next()) and isinstance(made.path_parameters, dict):
        made.path_parameters.update(keys)
    made.body = rows.named_in(made.body)


class _Rows:
    """Keys of rows, by the names that fields have which refer to them."""

    def __init__(self) -> None:
        self._keys: dict[str, Iterator[Any] | None] = {}

    def named_in(self, value: Any) -> Any:
        """A body in whose place of numbers and texts that are called after a model stands a key of its rows."""
        if isinstance(value, dict):
            return {name: self._named(name, item) for name, item in value.items()}
        return [self.named_in(item) for item in value] if isinstance(value, list) else value

    def _named(self, name: str, value: Any) -> Any:
        if isinstance(value, int | str) and not isinstance(value, bool):
            keys = self._of(re.sub(r"_(id|pk)\Z", "", name.lower()))
            return value if keys is None else next(keys)
        return self.named_in(value)

    def _of(self, name: str) -> Iterator[Any] | None:
        if name not in self._keys:
            model = next((model for model in apps.get_models() if model._meta.model_name == name), None)  # noqa: SLF001 - documented
            keys = [] if model is None else _values(model, "pk")
            self._keys[name] = cycle(keys) if keys else None
        return self._keys[name]


class _PathKeys:
    """Values for the parameters of a path template, by which the project's view finds rows."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._names = re.findall(r"\{(\w+)\}", template)
        self._values = self._known()

    def next(self) -> dict[str, Any]:
        """For the last parameter, a value of a row that is there; nothing where none is known."""
        return {self._names[-1]: next(self._values)} if self._values is not None else {}

    def filled(self) -> str | None:
        """The path with values; None where none are known."""
        if not self._names:
            return self._template
        if self._values is None or len(self._names) > 1:
            return None
        return re.sub(r"\{\w+\}", quote(str(next(self._values)), safe=""), self._template)

    def _known(self) -> Iterator[Any] | None:
        if not self._names:
            return None
        for example in ("1", "a", "00000000-0000-4000-8000-000000000000"):
            try:
                view = resolve(re.sub(r"\{\w+\}", example, self._template)).func
            except Resolver404:
                continue
            values = _found_by(view)
            return cycle(values) if values else None
        return None


def _found_by(view: Any) -> Sequence[Any]:
    """What the rows are found by that a view shows: REST framework's and Django's generic ones say it."""
    found = class_behind(view)
    if found is None:
        return []
    queryset = found.initkwargs.get("queryset", getattr(found.kind, "queryset", None))
    model = getattr(queryset, "model", None) or getattr(found.kind, "model", None)
    return [] if model is None else _values(model, getattr(found.kind, "lookup_field", "pk"))


def _values(model: Any, field: str) -> list[Any]:
    try:
        return [*model._base_manager.order_by("pk").values_list(field, flat=True)[:KEYS]]  # noqa: SLF001 - documented
    except (Error, LookupError, ValueError, TypeError):
        return []
