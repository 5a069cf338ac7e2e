"""Configuration, compiled: which requests a route claims, and which sets of routes are refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.compile import compile_snapshot
from gateway.config.parse import parse
from gateway.routing.request import BadRequest, read_request
from gateway.routing.table import ANY, EndpointPattern
from tests.support.asgi import scope

ITEMS = [
    EndpointPattern("/api/items/", frozenset({"GET"})),
    EndpointPattern("/api/items/", frozenset({"POST"})),
    EndpointPattern("/api/items/{item_id:int}/", frozenset({"GET"})),
    EndpointPattern("/api/items/{item_id:int}/", frozenset({"PUT", "DELETE"})),
    EndpointPattern("/api/items/new/", frozenset({"GET"})),
    EndpointPattern("/api/files/{rest:path}", frozenset({"GET"})),
    EndpointPattern("/api/tree", frozenset({ANY}), is_subtree=True),
    EndpointPattern("/api/socket/", frozenset({"WEBSOCKET"})),
    EndpointPattern("/other/", frozenset({"GET"})),
]
SERVICE = {"app": "a:b", "middleware": "none"}


def snapshot(*routes, endpoints=ITEMS, known=lambda path: None):
    """The compiled routes, with their problems in words."""
    tables = [{"name": f"r{i}", "service": "s"} | route for i, route in enumerate(routes)]
    config, problems = parse({"legacy": {}, "services": {"s": SERVICE, "t": SERVICE}, "routes": tables})
    assert problems == []
    made, problems = compile_snapshot(config, {"s": endpoints, "t": endpoints}, known=known)
    return made, [str(problem) for problem in problems]


def owner(snap, target: str, method: str = "GET", **headers: str) -> str | None:
    """The route that answers, `None` for legacy."""
    asked = scope(target, method, headers={name.replace("_", "-"): value for name, value in headers.items()})
    match = snap.match(read_request(asked, "", None), asked)
    return match.route if match else None


# -- what a route claims ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "method", "claimed"),
    [
        ("/api/items/", "GET", True),
        ("/api/items/", "POST", True),
        ("/api/items/", "DELETE", False),
        ("/api/items", "GET", False),
        ("/api/items/7/", "PUT", True),
        ("/api/items/seven/", "GET", False),
        ("/api/files/a/b.txt", "GET", True),
        ("/api/tree", "PATCH", True),
        ("/api/tree/of/anything", "PATCH", True),
        ("/api/treehouse", "GET", False),
        ("/api/unknown/", "GET", False),
        ("/other/", "GET", False),
        ("/apiary", "GET", False),
    ],
)
def test_claim_implemented_takes_what_the_service_declares_and_nothing_else(target, method, claimed):
    made, _ = snapshot({"prefix": "/api"})
    assert owner(made, target, method) == ("r0" if claimed else None)


@pytest.mark.parametrize(
    ("target", "method"), [("/api", "GET"), ("/api/", "GET"), ("/api/unknown/", "PATCH"), ("/api/items/", "DELETE")]
)
def test_claim_all_takes_everything_below_the_prefix(target, method):
    made, _ = snapshot({"prefix": "/api", "claim": "all"})
    assert owner(made, target, method) == "r0"


@pytest.mark.parametrize("target", ["/", "/a", "/a/b/c", "/api/unknown/"])
def test_claim_all_of_the_root_takes_the_whole_site(target):
    made, _ = snapshot({"prefix": "/", "claim": "all"})
    assert owner(made, target) == "r0"


def test_claim_all_takes_what_a_service_that_cannot_be_asked_might_serve():
    made, problems = snapshot({"prefix": "/api", "claim": "all"}, endpoints=None)
    assert (owner(made, "/api/x"), problems) == ("r0", [])


def test_methods_narrow_what_is_claimed():
    made, _ = snapshot({"prefix": "/api/items", "methods": ["GET"]})
    assert [owner(made, "/api/items/", method) for method in ("GET", "POST")] == ["r0", None]


def test_methods_narrow_a_claim_on_everything():
    made, _ = snapshot({"prefix": "/api", "methods": ["GET", "POST"], "claim": "all"})
    assert [owner(made, "/api/x", method) for method in ("POST", "PUT")] == ["r0", None]


def test_methods_narrow_what_a_mounted_application_gets():
    made, _ = snapshot({"prefix": "/api/tree", "methods": ["GET"]})
    assert [owner(made, "/api/tree/x", method) for method in ("GET", "PUT")] == ["r0", None]


def test_an_exact_route_takes_that_path_alone():
    made, _ = snapshot({"path": "/api/items/new/"})
    assert [owner(made, path) for path in ("/api/items/new/", "/api/items/", "/api/items/7/")] == ["r0", None, None]


@pytest.mark.parametrize("template", ["/api/items/{id}/", "/api/items/{pk:int}/", "/api/items/{item_id:int}/"])
def test_a_template_route_takes_the_endpoint_whatever_its_parameters_are_called(template):
    made, _ = snapshot({"path": template})
    assert [owner(made, path) for path in ("/api/items/7/", "/api/items/new/")] == ["r0", None]


NESTED = [
    EndpointPattern("/shops/{shop:int}/", frozenset({"GET"})),
    EndpointPattern("/shops/{shop:int}/products/", frozenset({"GET"})),
    EndpointPattern("/shops/{shop:int}/products/{pk}/", frozenset({"GET"})),
    EndpointPattern("/shops/{rest:path}", frozenset({"GET"})),
]


def test_a_prefix_may_have_parameters_whatever_the_service_calls_them():
    made, problems = snapshot({"prefix": "/shops/{id}/products"}, endpoints=NESTED)
    paths = ("/shops/7/products/", "/shops/7/products/ink/", "/shops/7/", "/shops/7/productsets/", "/shops/x/products/")
    assert [owner(made, path) for path in paths] == ["r0", "r0", None, None, None]
    assert problems == []


def test_a_longer_prefix_takes_a_nested_view_from_the_route_of_its_parent():
    parent = {"prefix": "/shops", "exclude": ["/shops/{shop}/products/", "/shops/{shop}/products/{pk}/"]}
    made, problems = snapshot(parent, {"prefix": "/shops/{id}/products"}, endpoints=NESTED)
    assert [owner(made, path) for path in ("/shops/7/", "/shops/7/products/ink/")] == ["r0", "r1"]
    assert problems == []


def test_claim_all_takes_everything_below_a_prefix_with_parameters():
    made, _ = snapshot({"prefix": "/shops/{shop:int}/products", "claim": "all"}, endpoints=None)
    assert [owner(made, path) for path in ("/shops/7/products/a/b/", "/shops/x/products/", "/shops/7/")] == [
        "r0", None, None,
    ]  # fmt: skip


def test_a_prefix_with_an_unknown_convertor_is_a_problem():
    _, (problem,) = snapshot({"prefix": "/shops/{shop:colour}/products"}, endpoints=NESTED)
    assert problem.startswith("routes[r0].prefix = '/shops/{shop:colour}/products': a path template:")


def test_a_template_route_takes_no_more_than_its_template():
    made, problems = snapshot({"path": "/api/files/{name}"})
    assert problems or owner(made, "/api/files/a/b") is None


def test_a_service_declared_at_stage_legacy_claims_but_does_not_answer():
    made, _ = snapshot({"prefix": "/api", "stage": "legacy"})
    assert made.compiled["r0"].fixed.upstream == "legacy"


# -- methods ------------------------------------------------------------------------------------


def test_head_goes_where_get_goes():
    made, _ = snapshot({"prefix": "/api"})
    assert [owner(made, path, "HEAD") for path in ("/api/items/", "/api/socket/")] == ["r0", None]


def test_head_goes_where_get_goes_even_when_the_route_names_get_only():
    made, _ = snapshot({"prefix": "/api", "methods": ["GET"]})
    assert owner(made, "/api/items/", "HEAD") == "r0"


def test_options_is_left_to_legacy_which_knows_the_path():
    made, _ = snapshot({"prefix": "/api"}, known=lambda path: True)
    assert owner(made, "/api/items/", "OPTIONS") is None


def test_a_method_nobody_serves_on_a_path_legacy_lacks_is_refused_by_the_service():
    made, _ = snapshot({"prefix": "/api"}, known=lambda path: False)
    assert owner(made, "/api/items/", "PATCH") == "r0"


def test_a_route_that_lists_its_methods_is_never_handed_another():
    made, _ = snapshot({"prefix": "/api", "methods": ["GET"]}, known=lambda path: False)
    assert owner(made, "/api/items/", "POST") is None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_preflight_goes_where_the_request_it_announces_goes(method):
    made, _ = snapshot({"prefix": "/api/items", "methods": ["POST"]}, known=lambda path: True)
    asked = {"Origin": "https://a", "Access_Control_Request_Method": method}
    assert owner(made, "/api/items/", "OPTIONS", **asked) == owner(made, "/api/items/", method)


def test_served_names_the_methods_of_services_alone():
    made, _ = snapshot({"prefix": "/api"})
    assert made.served("/api/items/") == {"GET", "HEAD", "POST"}


def test_served_leaves_out_what_is_at_stage_legacy():
    made, _ = snapshot({"prefix": "/api", "stage": "legacy"})
    assert made.served("/api/items/") == set()


@pytest.mark.parametrize("path", ["/api/socket/", "/api/tree", "/nothing/"])
def test_served_leaves_out_sockets_and_what_is_not_known(path):
    made, _ = snapshot({"prefix": "/api"})
    assert made.served(path) == set()


# -- more than one reading ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "//api/items/",
        "/api//items/",
        "/x/../api/items/",
        "/api/./items/",
        "/api%2Fitems/",
        "/api/items%2F",
        "/api%252Fitems/",
        "/api%5Citems/",
        "/api/items/%0A",
        "/api/items/x/%2e%2e/",
    ],
)
def test_a_request_whose_readings_have_different_owners_is_refused(target):
    made, _ = snapshot({"prefix": "/api"})
    with pytest.raises(BadRequest, match="more than one way"):
        owner(made, target)


@pytest.mark.parametrize("target", ["/legacy//double/", "/a%2Fb/", "/a/../b/", "/x%0A", "/a%5Cb", "/100%25/"])
def test_an_odd_path_that_concerns_no_route_keeps_working(target):
    made, _ = snapshot({"prefix": "/api"})
    assert owner(made, target) is None


@pytest.mark.parametrize("target", ["/api/files/a//b", "/api/files/a%2Fb", "/api/files/.hidden", "/api/files/a%20b"])
def test_an_odd_path_with_one_owner_in_every_reading_keeps_working(target):
    made, _ = snapshot({"prefix": "/api"})
    assert owner(made, target) == "r0"


@pytest.mark.parametrize("path", ["/o/{provider}/", "/o/{provider:path}/", "/o/{other:path}/"])
def test_a_route_may_name_a_parameter_that_takes_slashes_as_the_inventory_does(path):
    wide = EndpointPattern("/o/{provider:re_8e2c}/", frozenset({"GET"}), convertors=(("re_8e2c", r"\S+"),))
    made, problems = snapshot({"path": path}, endpoints=[wide])
    assert problems == []
    assert owner(made, "/o/some/where/") == "r0"


def test_a_parameter_that_takes_no_slash_is_no_path():
    narrow = EndpointPattern("/o/{provider:re_8e2c}/", frozenset({"GET"}), convertors=(("re_8e2c", "[a-z]+"),))
    _, (problem,) = snapshot({"path": "/o/{provider:path}/"}, endpoints=[narrow])
    assert "a path that service 's' implements" in problem


# -- sets of routes that are refused ------------------------------------------------------------


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ([{"prefix": "/nowhere"}], "a prefix that service 's' implements"),
        ([{"path": "/api/items/7/"}], "a path that service 's' implements"),
        ([{"prefix": "/api/items", "methods": ["PATCH"]}], "implements for PATCH"),
        ([{"path": "/api/{x:slug}/"}], "unknown convertor 'slug'"),
        ([{"path": "/api/{x/"}], "a path template"),
        ([{"prefix": "/api"}, {"prefix": "/api", "service": "t"}], "ambiguous: route 'r0' claims"),
        ([{"path": "/x", "claim": "all"}, {"path": "/x", "claim": "all"}], "ambiguous: route 'r0' claims every method"),
        ([{"path": "/api/items/{a}/"}, {"path": "/api/items/{b}/"}], "ambiguous"),
        ([{"path": "/api/items/new/"}, {"prefix": "/api/items/new"}], "unreachable"),
    ],
)
def test_routes_that_cannot_work_are_problems(routes, problem):
    _, problems = snapshot(*routes)
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_problem_names_the_route_and_shows_what_the_service_declares():
    _, problems = snapshot({"name": "shop", "prefix": "/shop"})
    assert problems[0].startswith("routes[shop].prefix = '/shop': ")
    assert "/api/items/" in problems[0]


def test_a_service_that_cannot_be_asked_needs_a_claim_on_everything():
    _, problems = snapshot({"prefix": "/api"}, endpoints=None)
    assert 'claim = "all"' in problems[0]


def test_every_route_that_cannot_work_is_reported():
    _, problems = snapshot({"prefix": "/one"}, {"prefix": "/two"}, {"path": "/{"})
    assert len(problems) == 3


@pytest.mark.parametrize(
    "routes",
    [
        [{"prefix": "/api", "methods": ["GET"]}, {"prefix": "/api", "methods": ["POST"]}],
        [{"prefix": "/api"}, {"prefix": "/api/items"}],
        [{"path": "/api/items/new/"}, {"path": "/api/items/{id}/"}],
        [{"prefix": "/api", "methods": ["GET"]}, {"prefix": "/api/items", "claim": "all"}],
    ],
    ids=["other methods", "longer prefix", "exact and template", "part of a prefix"],
)
def test_routes_that_share_a_prefix_are_fine(routes):
    assert snapshot(*routes)[1] == []


# -- ten thousand -------------------------------------------------------------------------------


@pytest.mark.slow
def test_ten_thousand_routes_compile_and_match():
    endpoints = [EndpointPattern(f"/api/r{i}/{{id:int}}/", frozenset({"GET"})) for i in range(10_000)]
    made, problems = snapshot(*[{"prefix": f"/api/r{i}"} for i in range(10_000)], endpoints=endpoints)
    assert (problems, owner(made, "/api/r9876/5/")) == ([], "r9876")


# -- against a reference ------------------------------------------------------------------------

segments = st.sampled_from(["a", "b", "{x}"])
routes_drawn = st.lists(
    st.tuples(st.sampled_from(["path", "prefix"]), st.lists(segments, min_size=1, max_size=3), st.booleans()),
    max_size=6,
    unique_by=lambda route: (route[0], tuple(route[1]), route[2]),
)
targets = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4)


def precedence(kind: str, parts: list[str], reads_only: bool) -> tuple:
    """The rule in one line: exact, then template (plain text first, from the left), then longest prefix."""
    rank = {"path": 1 if "{x}" in parts else 0, "prefix": 2}[kind]
    return rank, [part == "{x}" for part in parts] if rank == 1 else -len(parts), not reads_only


def covers(kind: str, parts: list[str], target: list[str]) -> bool:
    long_enough = len(target) == len(parts) if kind == "path" else len(target) >= len(parts)
    return long_enough and all(part in ("{x}", given) for part, given in zip(parts, target, strict=False))


@pytest.mark.long
@given(drawn=routes_drawn, target=targets, method=st.sampled_from(["GET", "POST"]))
def test_the_owner_is_the_one_the_rule_of_precedence_names(drawn, target, method):
    assume(not any(kind == "prefix" and "{x}" in parts for kind, parts, _ in drawn))
    routes = [
        {kind: "/" + "/".join(parts), "claim": "all"} | ({"methods": ["GET"]} if reads_only else {})
        for kind, parts, reads_only in drawn
    ]
    made, _ = snapshot(*routes, endpoints=None)
    able = [
        (precedence(*route), f"r{i}")
        for i, route in enumerate(drawn)
        if covers(route[0], route[1], target) and (method == "GET" or not route[2])
    ]
    assert owner(made, "/" + "/".join(target), method) == (min(able)[1] if able else None)
