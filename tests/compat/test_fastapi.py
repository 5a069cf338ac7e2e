"""What an application of FastAPI's declares, and how FastAPI goes about a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import anyio.to_thread
import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Header
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from gateway.compat.anyio import wrap_run_sync
from gateway.compat.fastapi import (
    called_before,
    changed_dependant,
    given_or_default,
    is_documentation,
    lingers,
    manager_of,
    parameters,
    route_contexts,
    step_of,
    without,
)


class Body(BaseModel):
    name: str


def language(accept_language: Annotated[str, Header()] = "en") -> str:
    return accept_language


def user(language: Annotated[str, Depends(language)]) -> str:
    return language


def guard() -> None:
    pass


def endpoint(pk: int, page: int, user: Annotated[str, Depends(user)]) -> dict[str, Any]:
    return {"pk": pk, "page": page, "user": user}


def application(function: Callable[..., Any] = endpoint, *, method: str = "GET", **options: Any) -> FastAPI:
    """`function` at /v1/items/{pk}: in a router that is included in another, with a prefix and a dependency."""
    inner, outer, app = APIRouter(**options), APIRouter(), FastAPI()
    inner.add_api_route("/{pk}", function, methods=[method])
    outer.include_router(inner, prefix="/items")
    app.include_router(outer, prefix="/v1", dependencies=[Depends(guard)])
    return app


def context_of(app: FastAPI, path: str = "/v1/items/{pk}") -> Any:
    return next(context for context in route_contexts(app.routes) if context.path == path)


async def ask(app: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        return await client.get(path)


def test_a_route_of_an_included_router_with_what_the_inclusion_adds():
    context = context_of(application())

    assert isinstance(context.original_route, APIRoute)
    assert context.original_route.endpoint is endpoint
    assert context.methods == {"GET"}


def test_what_is_called_before_an_endpoint():
    assert [*called_before(context_of(application()).dependant)] == [guard, user, language]
    assert [*called_before(None)] == []


def test_what_an_endpoint_and_its_dependencies_take():
    def write(pk: int, body: Body, language: Annotated[str, Depends(language)]) -> None:
        raise NotImplementedError

    dependant = context_of(application(write, method="POST")).dependant

    assert [name for name, _ in parameters(dependant)] == ["pk", "accept_language"]
    found = dict(parameters(dependant, body=True))
    assert (set(found), found["body"].annotation) == ({"pk", "body", "accept_language"}, Body)


def generating():
    yield


async def generating_async():
    yield


def nothing_more() -> None:
    pass


def background(tasks: BackgroundTasks) -> None:
    pass


def after(value: Annotated[None, Depends(generating)]) -> None:
    pass


def after_async(value: Annotated[None, Depends(generating_async)]) -> None:
    pass


def before(value: Annotated[None, Depends(generating, scope="function")]) -> None:
    pass


def deeply(value: Annotated[None, Depends(after)]) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "request_lingers", "socket_lingers"),
    [
        (nothing_more, False, False),
        (background, True, True),
        (after, True, True),
        (after_async, True, True),
        (before, False, True),
        (deeply, True, True),
    ],
)
def test_whether_there_is_something_to_do_after_the_answer(function, request_lingers, socket_lingers):
    dependant = context_of(application(function)).dependant

    assert (lingers(dependant, socket=False), lingers(dependant, socket=True)) == (request_lingers, socket_lingers)


class Route(APIRoute):
    """Whose handlers ask for no `guard` and no `page`, which the document has all the same."""

    def get_route_handler(self) -> Any:
        with changed_dependant(self, lambda whole: without(whole, lambda _: {"page"}, lambda call: call is guard)):
            return super().get_route_handler()


@pytest.mark.anyio
@pytest.mark.parametrize("included", [True, False])
async def test_a_handler_solves_what_its_route_depends_on_by_then(included):
    def refuse() -> None:
        raise AssertionError("it is solved")

    def count(page: int = 1) -> int:
        return page

    app = application(count, route_class=Route)
    if not included:
        app.router.add_api_route("/v1/items/{pk}", count, dependencies=[Depends(guard)], route_class_override=Route)
        app.router.routes = [app.router.routes[-1]]
    app.dependency_overrides[guard] = refuse

    answer = await ask(app, "/v1/items/7?page=2")

    assert (answer.status_code, answer.json()) == (200, 1)
    assert "page" in {one["name"] for one in app.openapi()["paths"]["/v1/items/{pk}"]["get"]["parameters"]}


def test_which_functions_give_fastapis_own_pages():
    app = application()
    functions = {context.path: context.original_route.endpoint for context in route_contexts(app.routes)}

    assert {path for path, function in functions.items() if is_documentation(function)} == {
        "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc",
    }  # fmt: skip


class Given(APIRoute):
    """Which notes the class of responses that it was given."""

    found: list[Any] = []

    def __init__(self, *args: Any, response_class: Any, **options: Any) -> None:
        self.found.append(response_class)
        super().__init__(*args, response_class=response_class, **options)


@pytest.mark.parametrize(("options", "expected"), [({}, JSONResponse), ({"response_class": str}, str)])
def test_the_default_where_nobody_gave_an_argument(options, expected):
    Given.found.clear()
    router = APIRouter(route_class=Given)

    router.get("/", response_model=None, **options)(nothing_more)

    assert given_or_default(Given.found[0]) is expected


@pytest.mark.anyio
async def test_a_dependency_with_yield_is_entered_and_exited_by_its_methods_around_the_endpoint(monkeypatch):
    def noting(original):
        async def run_sync(function, *args, **options):
            steps.append((step_of(function), manager_of(function)))
            return await original(function, *args, **options)

        return run_sync

    def dependent(value: Annotated[None, Depends(generating)]) -> None:
        pass

    steps: list[tuple[str, Any]] = []
    monkeypatch.setattr(anyio.to_thread, "run_sync", anyio.to_thread.run_sync)
    wrap_run_sync("steps", noting)
    await ask(application(dependent), "/v1/items/7")

    (_, enter, of_endpoint, leave) = steps  # the guard's is the first
    assert (enter[0], leave[0]) == ("__enter__", "__exit__")
    assert enter[1] is leave[1] is not None
    assert of_endpoint[1] is None
