"""Which operations a snapshot serves, by route and stage."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.apidoc.operations import Operation
from gateway.apidoc.serving import SnapshotServing, sample_path
from gateway.compile import compile_snapshot
from gateway.config.parse import parse
from gateway.rollout.stage import State
from gateway.routing.table import EndpointPattern


def serving(stage: str, *, known: bool = True, **route: Any) -> SnapshotServing:
    """Of a snapshot with one route below /items, whose service declares GET of /items/{item_id:int}."""
    routes = [{"name": "items", "prefix": "/items", "service": "items", "methods": ["GET"]} | route]
    config, _ = parse({"legacy": {}, "services": {"items": {"app": "a:b"}}, "routes": routes})
    endpoints = [EndpointPattern("/items/{item_id:int}", frozenset({"GET"}))]
    snapshot, problems = compile_snapshot(config, {"items": endpoints}, known=lambda _: known)
    assert problems == []
    return SnapshotServing(snapshot.at({"items": State(stage)}, 1))


def operation(method: str = "GET", path: str = "/items/{id}", **schema: Any) -> Operation:
    parameter = {"name": "id", "in": "path", "required": True, "schema": schema or {"type": "integer"}}
    return Operation(method, path, {"parameters": [parameter] if "{id}" in path else []})


@pytest.mark.parametrize(
    ("stage", "by_legacy", "by_service"),
    [
        ("legacy", True, False),
        ("shadow", True, False),
        ("canary", True, True),
        ("live", False, True),
        ("retired", False, True),
    ],
)
def test_the_stage_of_its_route_decides_who_serves_an_operation(stage, by_legacy, by_service):
    found = serving(stage)
    assert (found("legacy", operation()) is not None, found("items", operation()) is not None) == (
        by_legacy,
        by_service,
    )


def test_an_operation_that_no_route_claims_is_legacys():
    assert serving("live")("legacy", operation("POST")) == ("legacy", None)
    assert serving("live")("legacy", operation(path="/other")) == ("legacy", None)


def test_stage_and_route_are_named():
    assert serving("live")("items", operation()) == ("live", "items")
    assert serving("shadow")("legacy", operation()) == ("shadow", "items")


def test_what_a_service_declares_and_no_route_claims_is_not_served():
    assert serving("live")("items", operation(path="/other")) is None
    assert serving("live")("other", operation()) is None


def test_what_a_route_leaves_to_legacy_is_legacys():
    found = serving("live", exclude=["/items/1"])
    assert found("legacy", operation(path="/items/1")) is not None


def test_a_service_is_found_whatever_its_template_takes():
    assert serving("live")("items", Operation("GET", "/items/{item_id}", {})) is not None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, "1"),
        ({"type": "integer", "minimum": 7}, "7"),
        ({"type": "string", "format": "uuid"}, "00000000-0000-0000-0000-000000000000"),
        ({"type": "string", "enum": ["new", "old"]}, "new"),
        ({"type": "string"}, "x"),
        ({"type": ["string", "null"]}, "x"),
    ],
)
def test_a_sample_is_of_the_parameters_kind(schema, value):
    assert sample_path(operation(**schema), "x") == f"/items/{value}"
