"""Which views `gateway check` says can be deleted, once their routes are retired."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path
from django.views import View
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSet

from gateway.compile import compile_snapshot
from gateway.config.parse import parse
from gateway.routing.table import EndpointPattern
from gateway.workbench.retired import RetiredView, retired_views


class Reading(View):
    """Takes GET."""

    def get(self, request): ...


class Writing(Reading):
    """Takes POST too."""

    def post(self, request): ...


class Things(ViewSet):
    """A list, and things in it."""

    def list(self, request): ...
    def create(self, request): ...
    def retrieve(self, request, pk): ...


def function(request): ...


def routed(prefix: str, stage: str = "retired", **more: Any) -> dict[str, Any]:
    name = prefix.strip("/").replace("/", "-") or "all"
    return {"name": name, "prefix": prefix, "service": "s", "stage": stage} | more


@pytest.fixture
def views(settings):
    """The views that retired routes concern, given URL patterns, a service's endpoints and routes."""

    def found(patterns: list[Any], endpoints: dict[str, str], *routes: dict[str, Any]) -> dict[str, RetiredView]:
        settings.ROOT_URLCONF = tuple(patterns)
        service = {"s": {"url": "http://127.0.0.1:9"}}
        config, problems = parse({"legacy": {}, "services": service, "routes": list(routes)})
        declared = [EndpointPattern(where, frozenset(methods.split())) for where, methods in endpoints.items()]
        snapshot, more = compile_snapshot(config, {"s": declared})
        assert problems + more == []
        return {view.view.rpartition(".")[2]: view for view in retired_views(snapshot)}

    return found


def test_a_view_whose_url_is_claimed_can_be_deleted(views):
    view = views([path("things/", Reading.as_view())], {"/things/": "GET"}, routed("/things"))["Reading"]
    assert (view.deletable, [url.pattern for url in view.gone], view.routes) == (True, ["things/"], {"things"})


@pytest.mark.parametrize("stage", ["legacy", "shadow", "canary", "live"])
def test_no_view_is_deleted_while_there_is_a_way_back(views, stage):
    assert views([path("things/", Reading.as_view())], {"/things/": "GET"}, routed("/things", stage)) == {}


def test_a_view_that_no_route_concerns_is_not_mentioned(views):
    patterns = [path("things/", Reading.as_view()), path("others/", Writing.as_view())]
    assert list(views(patterns, {"/things/": "GET"}, routed("/things"))) == ["Reading"]


PARAMETERS = [
    (path("a/<int:pk>/", Reading.as_view()), "/a/{pk:int}/", True),
    (path("a/<int:pk>/", Reading.as_view()), "/a/{pk}/", True),
    (path("a/<slug:s>/", Reading.as_view()), "/a/{s}/", True),
    (path("a/<uuid:u>/", Reading.as_view()), "/a/{u:uuid}/", True),
    (path("a/<path:rest>", Reading.as_view()), "/a/{rest:path}", True),
    (re_path(r"^a/(?P<pk>[0-9]+)/$", Reading.as_view()), "/a/{pk:int}/", True),
    (re_path(r"^a/(?P<pk>[^/.]+)/$", Reading.as_view()), "/a/{pk}/", True),
    (re_path(r"^a/b\.html$", Reading.as_view()), "/a/b.html", True),
    (path("a/<str:s>/", Reading.as_view()), "/a/{s:int}/", False),
    (path("a/<str:s>/", Reading.as_view()), "/a/{s:uuid}/", False),
    (path("a/<path:rest>", Reading.as_view()), "/a/{rest}", False),
    (path("a/<path:rest>/end/", Reading.as_view()), "/a/{rest}/end/", False),
    (re_path(r"^a/(?P<pk>\d+)/$", Reading.as_view()), "/a/{pk:int}/", False),
    (re_path(r"^a/1/", Reading.as_view()), "/a/1/", False),
    (path("a/x/", Reading.as_view()), "/a/{s}", False),
]


@pytest.mark.parametrize(("pattern", "endpoint", "deletable"), PARAMETERS)
def test_every_path_has_to_be_claimed(views, pattern, endpoint, deletable):
    found = views([pattern], {endpoint: "GET"}, routed("/a"))
    assert any(view.deletable for view in found.values()) is deletable


UNREADABLE = [
    re_path(r"^a/x/?$", Reading.as_view()),
    re_path(r"^a/(?P<x>[a-f]{2})/$", Reading.as_view()),
    re_path(r"^a/(x|y)/$", Reading.as_view()),
    path("a/v<int:pk>/", Reading.as_view()),
    *i18n_patterns(path("a/x/", Reading.as_view())),
]


@pytest.mark.parametrize("pattern", UNREADABLE, ids=lambda pattern: str(pattern.pattern))
def test_a_pattern_that_cannot_be_read_keeps_its_view(views, pattern):
    patterns = [pattern, path("a/x/", Reading.as_view())]
    view = views(patterns, {"/a/{x:path}": "GET"}, routed("/a", claim="all"))["Reading"]
    assert [why for _, why in view.kept] == ["which paths it stands for can't be told"]


@pytest.mark.parametrize(
    ("view", "declared", "why"),
    [
        (Reading.as_view(), "GET", None),
        (Writing.as_view(), "GET POST", None),
        (Writing.as_view(), "GET", "POST of it is not claimed"),
        (Writing.as_view(http_method_names=["get"]), "GET", None),
        (function, "GET", "only GET of it is claimed, and it may take other methods"),
    ],
)
def test_every_method_has_to_be_claimed(views, view, declared, why):
    (found,) = views([path("things/", view)], {"/things/": declared}, routed("/things")).values()
    assert [reason for _, reason in found.kept] == ([] if why is None else [why])


def test_several_routes_may_share_the_methods(views):
    routes = routed("/a", methods=["GET"], name="read"), routed("/a", methods=["POST"], name="write")
    view = views([path("a/", Writing.as_view())], {"/a/": "GET POST"}, *routes)["Writing"]
    assert (view.deletable, view.routes) == (True, {"read", "write"})


def test_a_route_that_takes_everything_takes_any_method(views):
    assert views([path("a/", function)], {}, routed("/a", claim="all"))["function"].deletable


def test_the_views_of_a_router(views):
    router = SimpleRouter()
    router.register("things", Things, basename="thing")
    endpoints = {"/things/": "GET POST", "/things/{pk}/": "GET"}
    view = views([path("", include(router.urls))], endpoints, routed("/things"))["Things"]
    assert (view.deletable, [url.name for url in view.gone]) == (True, ["thing-list", "thing-detail"])


def test_a_view_that_is_reached_elsewhere_stays(views):
    patterns = [path("a/", Reading.as_view()), path("b/", include(([path("", Reading.as_view(), name="x")], "shop")))]
    view = views(patterns, {"/a/": "GET"}, routed("/a"))["Reading"]
    assert [url.pattern for url in view.gone] == ["a/"]
    assert [(url.name, why) for url, why in view.kept] == [("shop:x", "no retired route claims all of its paths")]


def test_what_is_below_a_claimed_path_is_not_claimed(views):
    patterns = [path("a/<int:pk>", Reading.as_view()), path("a/<int:pk>/more/", Reading.as_view())]
    view = views(patterns, {"/a/{pk:int}": "GET"}, routed("/a"))["Reading"]
    assert [url.pattern for url, _ in view.kept] == ["a/<int:pk>/more/"]


def test_a_path_that_a_route_with_a_way_back_claims_too_stays(views):
    routes = routed("/a"), {"name": "one", "path": "/a/1/", "service": "s", "stage": "live", "claim": "all"}
    view = views([path("a/<int:pk>/", Reading.as_view())], {"/a/{pk:int}/": "GET"}, *routes)["Reading"]
    assert [why for _, why in view.kept] == ["route 'one', which is not retired, claims some of its paths"]


# -- in `gateway check` ---------------------------------------------------------------------------------

CART = """
[[routes]]
name = "cart"
prefix = "/api/cart/items"
service = "catalog"
stage = "retired"
claim = "all"
"""


def test_check_names_what_can_be_deleted(invoke, rollout):
    rollout(CART)
    lines = [line.removeprefix("retired").strip() for line in invoke("check").stdout.splitlines()]
    assert (
        "legacy.shop.api.views.CartItemsView can be deleted: cart claims all of api/cart/items/ (api-cart-items)"
    ) in lines


def test_check_says_why_a_view_has_to_stay(invoke, rollout):
    rollout(CART + 'methods = ["PATCH"]')
    stdout = invoke("check").stdout
    assert "legacy.shop.api.views.CartItemView can't be deleted yet:" in stdout
    assert "api/cart/items/<int:product_pk>/ (api-cart-item): DELETE of it is not claimed" in stdout


def test_json_has_the_same(invoke, rollout):
    rollout(CART)
    views = json.loads(invoke("check", "--json").stdout)["retired"]
    assert views[1] == {
        "view": "legacy.shop.api.views.CartItemsView",
        "deletable": True,
        "routes": ["cart"],
        "urls": [{"pattern": "api/cart/items/", "name": "api-cart-items"}],
        "kept": [],
    }


def test_check_says_nothing_where_no_route_is_retired(invoke, rollout):
    rollout()
    assert "retired" not in invoke("check").stdout
