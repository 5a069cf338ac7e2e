"""Generates requests, valid and invalid ones, from the services' API documents.

schemathesis generates them, as for its own tests. Keys of existing rows, in paths and bodies, are taken from the copied
database, so that valid requests find something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

from gateway.app import Gateway
from gateway.routing.request import BadRequest
from gateway.upstreams.service import ServiceUpstream
from gateway.workbench.corpus import Case, User
from gateway.workbench.replay.generation import Generated, Generation
from gateway.workbench.replay.path_values import PathValues, model_called, values

__all__ = ["NoGenerator", "generate"]

BASE = "http://generated.example"
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
_end = re.compile(r"(?<!\\)((?:\\\\)*)\\z")


class NoGenerator(Exception):
    """schemathesis isn't installed."""


def generate(gateway: Gateway, how: Generation) -> Generated:
    """Requests for every operation that a service documents and a route claims. Raises NoGenerator."""
    try:
        import schemathesis
    except ImportError as exc:
        raise NoGenerator('--generate needs schemathesis: pip install "django-fastapi-gateway[workbench]"') from exc
    found: dict[str, Case] = {}
    left_out: list[tuple[Case, str]] = []
    for service in gateway.services.values():
        document = _document(service)
        if document is None:
            continue
        for operation in _operations(schemathesis.openapi.from_dict(document)):
            for case, problem in _of_operation(operation, how):
                claimed = _claimed(gateway, case)
                if claimed is None or (how.routes and claimed.route not in how.routes):
                    continue
                if problem:
                    left_out.append((claimed, problem))
                else:
                    found.setdefault(claimed.key, claimed)
    return Generated([*found.values()], left_out)


def _document(service: object) -> dict[str, Any] | None:
    if not isinstance(service, ServiceUpstream) or not hasattr(service.declared, "openapi"):
        return None
    # A copy, through JSON: the application keeps the document.
    document: dict[str, Any] = json.loads(json.dumps(service.declared.openapi(), default=str), object_hook=_readable)
    return document


def _readable(schema: dict[str, Any]) -> dict[str, Any]:
    """A part of a document, in which Python's `\\Z` replaces `\\z` in regular expressions, which REST framework writes
    for other engines."""
    if isinstance(pattern := schema.get("pattern"), str):
        schema["pattern"] = _end.sub(r"\1\\Z", pattern)
    return schema


def _operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        operation = result.ok()  # None if the document is invalid there
        if operation is not None:
            yield operation


def _claimed(gateway: Gateway, case: Case) -> Case | None:
    """The case with the template of the route that claims it; None if none does."""
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


def _of_operation(operation: Any, how: Generation) -> Iterator[tuple[Case, str]]:
    """The requests for an operation, each with ""; for a kind that can't be generated, a case with the reason."""
    from schemathesis import GenerationMode

    users = cycle(ASKED_BY)
    template, method = str(operation.path), str(operation.method).upper()
    rows = _Rows()
    paths = PathValues(template)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        valid = mode is GenerationMode.POSITIVE
        try:
            examples = _examples(operation.as_strategy(generation_mode=mode), how)
            if valid:
                for made in examples:
                    _fill(made, paths, rows)
            cases = [_sent(made, template, method) for made in examples]
        except Exception as exc:  # noqa: BLE001 - a schema may be anything; the others are none the worse
            why = f"no {mode.value} requests can be made of the API document: {type(exc).__name__}: {exc}"
            yield Case(template, method, paths.filled() or paths.example), why.partition("\n")[0]
            continue
        for case in cases:
            yield replace(case, user=User(next(users))), ""  # type: ignore[arg-type] # a kind
    if method in ("POST", "PUT", "PATCH"):
        path = paths.filled() or paths.example
        for media_type, body in UNREADABLE:
            headers = (("content-type", media_type),)
            yield Case(template, method, path, headers=headers, body=body, user=User(next(users))), ""  # type: ignore[arg-type] # as above


def _examples(strategy: Any, how: Generation) -> list[Any]:
    """Examples that Hypothesis draws from a strategy; nothing is tested."""
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
    except Unsatisfiable:  # a GET without parameters can't be invalid
        return found
    return found[: how.count]


def _sent(made: Any, template: str, method: str) -> Case:
    """The request that schemathesis would send."""
    from requests import Request

    prepared = Request(**_plain(made.as_transport_kwargs(base_url=BASE))).prepare()
    url = urlsplit(str(prepared.url))
    body: Any = prepared.body or b""  # files are bytes, so the body is no stream
    headers = tuple(
        (name.lower(), _text(value)) for name, value in prepared.headers.items() if name.lower() not in LEFT_OUT
    )
    return Case(template, method, url.path, url.query, headers, body.encode() if isinstance(body, str) else bytes(body))


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `requests.Request`, without those of a session."""
    names = ("method", "url", "headers", "files", "data", "params", "json")
    return {name: arguments[name] for name in names if arguments.get(name) is not None}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


# -- existing rows --------------------------------------------------------------------------------


def _fill(made: Any, paths: PathValues, rows: _Rows) -> None:
    """Make a valid request refer to existing rows."""
    if (keys := paths.next()) and isinstance(made.path_parameters, dict):
        made.path_parameters.update(keys)
    made.body = rows.named_in(made.body)


class _Rows:
    """Keys of existing rows, by the names of fields that refer to them."""

    def __init__(self) -> None:
        self._keys: dict[str, Iterator[Any] | None] = {}

    def named_in(self, value: Any) -> Any:
        """A body in which numbers and text in fields that are named after a model are replaced by keys of its rows."""
        if isinstance(value, dict):
            return {name: self._named(name, item) for name, item in value.items()}
        return [self.named_in(item) for item in value] if isinstance(value, list) else value

    def _named(self, name: str, value: Any) -> Any:
        several = isinstance(value, list)
        if all(isinstance(one, int | str) and not isinstance(one, bool) for one in (value if several else [value])):
            keys = self._of(re.sub(r"_(id|pk)(s?)\Z", r"\2", name))
            if keys is not None:
                return [next(keys) for _ in value] if several else next(keys)
        return self.named_in(value)

    def _of(self, name: str) -> Iterator[Any] | None:
        if name not in self._keys:
            model = model_called(name)
            keys = [] if model is None else values(model, "pk")
            self._keys[name] = cycle(keys) if keys else None
        return self._keys[name]
