"""Documentation of one endpoint that is a view's, made with the document, since few requests need it."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from django.db import connections
from fastapi import Query

from gateway.bridge.drf.openapi.components import Components, referred_to, with_references
from gateway.bridge.drf.openapi.errors import ERRORS
from gateway.bridge.drf.openapi.named import of_the_project
from gateway.bridge.drf.openapi.sketch import sketched
from gateway.bridge.drf.openapi.spectacular import in_project_document
from gateway.bridge.drf.original import Original

__all__ = ["Documentation", "OperationExtra"]

JSON = "application/json"


class OperationExtra(Mapping[str, Any]):
    """`openapi_extra` of an endpoint: an OpenAPI operation that FastAPI merges into its own. FastAPI appends lists and
    merges dictionaries; a tuple, and None, replace its own value.

    `path` is the endpoint's path in the document, and `arguments` the regular expressions of its parameters by name;
    None if the endpoint declares them itself, and they are only added to. `urlconf` is that of the project's document.
    """

    def __init__(
        self, original: Original, method: str, path: str, arguments: Mapping[str, str] | None, urlconf: Any = None
    ) -> None:
        self._original, self._method, self._path = original, method, path
        self._arguments, self._urlconf = arguments, urlconf
        self.components = Components(self._named)
        self._found: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})

    def __repr__(self) -> str:
        return f"OperationExtra({self._method} {self._path})"

    def __bool__(self) -> bool:
        return True

    def _named(self) -> Mapping[str, Any]:
        operation, components = self._found = _off_the_loop(self._ask)
        wanted, missing = dict[str, Any](), [*referred_to(operation)]
        while missing:
            name = missing.pop()
            if name not in wanted and name in components:
                wanted[name] = components[name]
                missing += referred_to(components[name])
        return wanted

    def _ask(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        if (known := in_project_document(self._method, self._path, self._urlconf)) is not None:
            return known[0], {name: of_the_project(name, schema) for name, schema in known[1].items()}
        return sketched(self._original, self._method, self._path, self._arguments or {})

    def _made(self) -> dict[str, Any]:
        operation, _ = self._found
        places = self.components.references
        said = with_references(operation, lambda name: {"$ref": places[name]} if name in places else {})
        said["responses"] = _responses(said.get("responses", {}))
        whole = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
        if self._arguments is None:
            whole["parameters"] = [one for one in whole.get("parameters") or () if one["in"] != "path"]
            whole.pop("security", None)
        return whole

    def __getitem__(self, name: str) -> Any:
        return self._made()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())


def _responses(said: Mapping[str, Any]) -> dict[str, Any]:
    """`said`, and None for what every endpoint would have: FastAPI's JSON response with 200, and DRFRoute's errors."""
    found: dict[str, Any] = {"200": None, "400": None, "default": None, **said}
    if found["200"] is not None:
        content = found["200"].get("content")
        media = None if content is None else {JSON: None, **content}
        found["200"] = {**found["200"], "content": media}
    for status, ours in ERRORS.items():
        if (theirs := found[str(status)]) is not None:
            found[str(status)] = _instead_of(ours, theirs)
    return found


def _instead_of(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """`theirs`, and None for what only `ours` has: FastAPI merges both, key by key, down to the schema's."""
    found = {**dict.fromkeys(ours), **theirs}
    for key in ("content", JSON, "schema"):
        if isinstance(theirs.get(key), dict) and isinstance(ours.get(key), dict):
            found[key] = _instead_of(ours[key], theirs[key])
    return found


def _off_the_loop(function: Any) -> Any:
    """Call `function` on a thread: it may query the database, as serializers and filters do for choices."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function()

    def call() -> Any:
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.copy_context().run, call).result()


class Documentation:
    """A dependency that adds the components of `operation` to the document. It is never called."""

    only_documents = True  # read by gateway.bridge.drf.route

    def __init__(self, operation: OperationExtra) -> None:
        annotation = Annotated[str | None, operation.components, Query(include_in_schema=False)]
        parameter = inspect.Parameter("components", inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=None)
        self.__signature__ = inspect.Signature([parameter])  # as FastAPI reads it

    async def __call__(self, **_documented: None) -> None:
        """No effect."""
