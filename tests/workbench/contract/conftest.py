"""A service beside the project's URL patterns, compared."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import path
from fastapi import APIRouter, FastAPI
from pydantic import create_model
from rest_framework import serializers
from rest_framework.generics import CreateAPIView, RetrieveAPIView

from gateway.bridge.drf.route import DRFRoute
from gateway.compile import compile_snapshot
from gateway.config.parse import parse
from gateway.legacy.urlconf import knows
from gateway.upstreams.introspection import declared_endpoints
from gateway.workbench.contract.budget import TrialBudget
from gateway.workbench.contract.compare import find_contracts
from gateway.workbench.contract.result import EndpointContract

Comparing = Callable[..., list[EndpointContract]]


@pytest.fixture
def compared(settings: Any) -> Comparing:
    """Lay a router, or an application, beside `patterns` of the project, and return what is said of each endpoint.

    Keywords are the service's, in gateway.toml; `route` has the route's.
    """

    def compare(
        patterns: list[Any],
        app: APIRouter | FastAPI,
        *,
        what: str | None = None,
        examples: int = 20,
        route: dict[str, Any] | None = None,
        **service: Any,
    ) -> list[EndpointContract]:
        settings.ROOT_URLCONF = tuple(patterns)
        if isinstance(app, APIRouter):
            router, app = app, FastAPI()
            app.include_router(router)
        gateway = beside(app, route or {}, {"answers": "drf"} | service)
        contracts = find_contracts(gateway, what, TrialBudget(examples))
        return [endpoint for contract in contracts for endpoint in contract.endpoints]

    return compare


def beside(app: FastAPI, route: dict[str, Any], service: dict[str, Any]) -> Any:
    """What of a gateway is asked, with `app` as its only service, which claims everything that it declares."""
    config, problems = parse(
        {
            "legacy": {},
            "services": {"s": {"app": "tests:none"} | service},
            "routes": [{"name": "all", "prefix": "/", "service": "s"} | route],
        }
    )
    endpoints = declared_endpoints(app)
    snapshot, more = compile_snapshot(config, {"s": endpoints}, known=knows)
    assert problems + more == []
    upstream = SimpleNamespace(declared=app, endpoints=lambda: endpoints)
    return SimpleNamespace(config=config, snapshot=snapshot, services={"s": upstream})


@pytest.fixture
def router() -> APIRouter:
    """Where a service's endpoints are declared."""
    return APIRouter(route_class=DRFRoute)


@pytest.fixture
def written(compared: Comparing) -> Callable[..., EndpointContract]:
    """Lay an endpoint with this response model beside a view with this serializer, and return it."""

    def endpoint(serializer: Any, model: Any, **options: Any) -> EndpointContract:
        view = type("Thing", (RetrieveAPIView,), {"serializer_class": serializer})
        router = APIRouter(route_class=DRFRoute)
        router.add_api_route("/thing/", lambda: None, response_model=model, **options)
        (found,) = compared([path("thing/", view.as_view())], router)
        return found

    return endpoint


def serializer_with(**fields: Any) -> Any:
    """A serializer with these fields."""
    return type("ThingSerializer", (serializers.Serializer,), fields)


@pytest.fixture
def read(compared: Comparing) -> Callable[..., EndpointContract]:
    """Lay an endpoint with this body beside a view, and return it; keywords are those of `compared`."""

    def endpoint(view: Any, model: Any, **options: Any) -> EndpointContract:
        def things(body: Any) -> Any: ...

        things.__annotations__["body"] = model
        router = APIRouter(route_class=DRFRoute)
        router.add_api_route("/things/", things, methods=["POST"], status_code=201)
        (found,) = compared([path("things/", view.as_view())], router, **options)
        return found

    return endpoint


def creating(**fields: Any) -> Any:
    """A view that creates something with these fields."""
    return type("Things", (CreateAPIView,), {"serializer_class": serializer_with(**fields)})


def thing(annotation: Any, default: Any = ...) -> Any:
    """A model whose only field is `it`."""
    return create_model("Thing", it=(annotation, default))


def said(endpoint: EndpointContract, area: str = "") -> dict[str, str]:
    """What is found, by field or by area where there is no field, with how bad the worst of it is."""
    worst_last = reversed(endpoint.sorted_findings())
    return {one.field or one.area: one.severity.value for one in worst_last if area in ("", one.area)}


def messages(endpoint: EndpointContract) -> str:
    """All that is found, in words."""
    return "\n".join(one.message for one in endpoint.findings)


def left_out(endpoint: EndpointContract) -> str:
    """All that is not compared, in words."""
    return "\n".join(f"{one.area}: {one.why}" for one in endpoint.unknown)
