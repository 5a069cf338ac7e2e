"""Which route claims a path."""

from __future__ import annotations

import gc
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.table import ANY, DEEPEST, EXACT, PREFIX, TEMPLATE, EndpointPattern, Rule, Table
from gateway.routing.template import TemplateError, parse_template

UUID = "0f0e0d0c-0b0a-0908-0706-050403020100"


def claim(route: str, path: str, *methods: str, rank: int = EXACT, order: int = 0, **more) -> Rule:
    return Rule(route, EndpointPattern(path, frozenset(methods or {ANY}), **more), rank, order)


def prefix(route: str, path: str, *methods: str, order: int = 0) -> Rule:
    segments = len([part for part in path.split("/") if part])
    return claim(route, path, *methods, rank=PREFIX + DEEPEST - segments, order=order, is_subtree=True)


def route_of(table: Table, path: str, method: str = "GET") -> str | None:
    match = table.match(path, method)
    return match.route if match else None


# -- precedence ---------------------------------------------------------------------------------

SITE = [
    claim("exact", "/api/products/new"),
    claim("template", "/api/products/{id}", rank=TEMPLATE),
    prefix("long", "/api/products"),
    prefix("short", "/api"),
    prefix("all", "/"),
]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/products/new", "exact"),
        ("/api/products/7", "template"),
        ("/api/products", "long"),
        ("/api/products/", "long"),
        ("/api/products/7/reviews", "long"),
        ("/api/orders", "short"),
        ("/api", "short"),
        ("/apiary", "all"),
        ("/", "all"),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["as written", "the other way round"])
def test_exact_goes_before_template_before_longest_prefix(path, route, order):
    assert route_of(Table(SITE[::order]), path) == route


def test_among_equals_the_rule_that_names_the_method_wins():
    table = Table([claim("any", "/x"), claim("posts", "/x", "POST")])
    assert (route_of(table, "/x", "POST"), route_of(table, "/x", "PUT")) == ("posts", "any")


def test_an_exact_path_for_another_method_leaves_the_request_to_the_template():
    table = Table([claim("exact", "/items/new", "POST"), claim("template", "/items/{id}", "GET", rank=TEMPLATE)])
    assert (route_of(table, "/items/new"), route_of(table, "/items/new", "POST")) == ("template", "exact")


def test_a_template_for_another_method_leaves_the_request_to_the_prefix():
    table = Table([claim("one", "/items/{id}", "GET", rank=TEMPLATE), prefix("tree", "/items")])
    assert route_of(table, "/items/3", "DELETE") == "tree"


def test_among_templates_the_one_with_more_plain_text_in_front_wins():
    table = Table([claim("late", "/{shop}/items", rank=TEMPLATE), claim("early", "/acme/{what}", rank=TEMPLATE)])
    assert route_of(table, "/acme/items") == "early"


def test_among_templates_the_narrower_convertor_wins():
    table = Table([claim("text", "/{x}", rank=TEMPLATE), claim("number", "/{x:int}", rank=TEMPLATE)])
    assert (route_of(table, "/7"), route_of(table, "/seven")) == ("number", "text")


def test_a_template_that_leads_nowhere_is_not_the_end():
    table = Table([claim("deep", "/a/b/c", "GET"), claim("template", "/a/{x}/d", "GET", rank=TEMPLATE)])
    assert route_of(table, "/a/b/d") == "template"


# -- what matches -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/djangofoo", "/django-foo", "/djang", "/Django", "/x/django"])
def test_a_prefix_ends_where_a_segment_ends(path):
    assert Table([prefix("django", "/django")]).match(path, "GET") is None


@pytest.mark.parametrize("path", ["/items", "/items/"])
def test_a_trailing_slash_makes_another_path(path):
    other = {"/items": "/items/", "/items/": "/items"}[path]
    assert (route_of(Table([claim("r", path)]), path), route_of(Table([claim("r", path)]), other)) == ("r", None)


@pytest.mark.parametrize(
    ("template", "matching", "other"),
    [
        ("/x/{a}", ["/x/1", "/x/é", "/x/a b", "/x/a\n"], ["/x/", "/x", "/x/1/", "/x/1/2"]),
        ("/x/{a}/", ["/x/1/"], ["/x/1", "/x//"]),
        ("/x/{a:str}", ["/x/1"], ["/x/"]),
        ("/x/{a:int}", ["/x/0", "/x/42"], ["/x/-1", "/x/4.2", "/x/four", "/x/"]),
        ("/x/{a:int}", ["/x/" + "9" * 4300], ["/x/" + "9" * 4301]),
        ("/x/{a:float}", ["/x/1", "/x/1.5"], ["/x/1.", "/x/.5", "/x/a"]),
        ("/x/{a:uuid}", [f"/x/{UUID}", f"/x/{UUID.upper()}", f"/x/{UUID.replace('-', '')}"], ["/x/1"]),
        ("/x/{a:path}", ["/x/", "/x/1", "/x/1/2/3", "/x//", "/x/a\nb/c"], ["/x", "/xy"]),
        ("/x/{a:path}/end", ["/x/1/end", "/x/1/2/end", "/x//end"], ["/x/1", "/x/end", "/x/1/end/"]),
        ("/{a}/{b:int}", ["/x/1"], ["/x/y", "/1"]),
        ("/x/{a}-{b}", ["/x/1-2"], ["/x/12"]),
        ("/x/v{a:int}.json", ["/x/v1.json"], ["/x/v1xjson", "/x/va.json"]),
        ("/{a}", ["/1"], ["/"]),
    ],
)
def test_a_template_matches_what_starlette_would(template, matching, other):
    table = Table([claim("r", template, rank=TEMPLATE)])
    assert [route_of(table, path) for path in matching + other] == ["r"] * len(matching) + [None] * len(other)


def test_a_path_template_in_the_middle_leaves_more_specific_ones_alone():
    claims = [claim("tail", "/files/{p:path}", rank=TEMPLATE), claim("exact", "/files/index", rank=EXACT)]
    table = Table(claims)
    assert (route_of(table, "/files/index"), route_of(table, "/files/index/1")) == ("exact", "tail")


def test_a_convertor_of_the_services_own_is_used():
    own = (("letters", "[a-z]+"),)
    table = Table([claim("r", "/w/{w:letters}", rank=TEMPLATE, convertors=own)])
    assert (route_of(table, "/w/abc"), route_of(table, "/w/123")) == ("r", None)


def test_a_mounted_tree_below_a_parameter_claims_what_is_below_it():
    table = Table([claim("r", "/shops/{id}/files", rank=TEMPLATE, is_subtree=True)])
    assert [route_of(table, path) for path in ("/shops/1/files/a/b", "/shops/1/files", "/shops/1")] == ["r", "r", None]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("x", "does not start with /"),
        ("/{", "a brace that is not part"),
        ("/a}", "a brace that is not part"),
        ("/{a-b}", "a brace that is not part"),
        ("/{a:slug}", "unknown convertor 'slug'"),
        ("/{}", "a brace that is not part"),
    ],
)
def test_a_template_that_cannot_be_read_says_why(template, message):
    with pytest.raises(TemplateError, match=message):
        parse_template(template)


# -- methods ------------------------------------------------------------------------------------


def test_get_brings_head_along_and_says_so():
    match = Table([claim("r", "/x", "GET")]).match("/x", "HEAD")
    assert (match.route, match.head_as_get) == ("r", True)


def test_a_declared_head_is_left_alone():
    match = Table([claim("r", "/x", "GET", "HEAD")]).match("/x", "HEAD")
    assert not match.head_as_get


def test_a_head_declared_by_another_endpoint_of_the_route_is_left_alone():
    match = Table([claim("r", "/x", "GET"), claim("r", "/x", "HEAD")]).match("/x", "HEAD")
    assert not match.head_as_get


def test_head_is_answered_where_a_whole_prefix_is_claimed_and_get_is_declared():
    table = Table([claim("r", "/x/y", "GET", rank=PREFIX + DEEPEST - 1), prefix("r", "/x")])
    assert table.match("/x/y", "HEAD").head_as_get


def test_head_is_answered_where_a_whole_prefix_is_claimed_and_get_is_declared_on_a_template():
    table = Table([claim("r", "/x/{y}", "GET", rank=PREFIX + DEEPEST - 1), prefix("r", "/x")])
    assert table.match("/x/1", "HEAD").head_as_get


def test_a_path_that_is_claimed_for_other_methods_only_is_not_unknown():
    match = Table([claim("r", "/x", "GET")]).match("/x", "POST")
    assert (match is not None, match.route) == (True, None)


def test_claims_names_each_method_with_its_winner():
    table = Table([claim("reads", "/x", "GET"), prefix("rest", "/x", "DELETE"), claim("posts", "/x", "POST")])
    found = {method: match.route for method, match in table.claims("/x").items()}
    assert found == {"GET": "reads", "HEAD": "reads", "POST": "posts", "DELETE": "rest"}


def test_a_match_carries_the_template_it_was_made_by():
    assert Table([claim("r", "/x/{a:int}/", rank=TEMPLATE)]).match("/x/1/", "GET").template == "/x/{a:int}/"


# -- what is wrong with a set of claims ---------------------------------------------------------


def test_two_routes_that_claim_the_same_are_a_conflict_and_the_earlier_one_keeps_it():
    table = Table([claim("first", "/x", "GET", "POST"), claim("second", "/x", "POST", order=1)])
    assert [(later.route, earlier.route, method) for later, earlier, method in table.conflicts] == [
        ("second", "first", "POST")
    ]
    assert route_of(table, "/x", "POST") == "first"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (claim("a", "/x", "GET"), claim("b", "/x", "POST", order=1)),
        (claim("a", "/x"), claim("b", "/x", "POST", order=1)),
        (claim("a", "/x/1"), claim("b", "/x/{n}", rank=TEMPLATE, order=1)),
        (prefix("a", "/x"), prefix("b", "/x/y", order=1)),
        (claim("a", "/x", "GET"), claim("a", "/x", "GET")),
    ],
    ids=["other methods", "any and one method", "exact and template", "prefix and longer prefix", "same route"],
)
def test_claims_of_different_precedence_are_no_conflict(one, other):
    assert Table([one, other]).conflicts == []


@pytest.mark.parametrize(
    "names", [("{id}", "{pk}"), ("{id:int}", "{number:int}"), ("{a:path}", "{b:path}")], ids=lambda names: names[0]
)
def test_templates_that_differ_in_names_only_conflict(names):
    claims = [claim(f"r{i}", f"/x/{name}", rank=TEMPLATE, order=i) for i, name in enumerate(names)]
    assert len(Table(claims).conflicts) == 1


def test_a_route_whose_every_claim_is_overruled_is_unreachable():
    table = Table([claim("exact", "/x"), claim("hidden", "/x", rank=PREFIX, order=1)])
    assert table.unreachable == {"hidden"}


def test_a_route_with_one_method_left_is_reachable():
    table = Table([claim("exact", "/x", "GET"), claim("rest", "/x", rank=PREFIX, order=1)])
    assert table.unreachable == set()


# -- size ---------------------------------------------------------------------------------------


def many(count: int) -> Table:
    """`count` routes of every kind."""
    claims = []
    for i in range(0, count, 5):
        claims += [claim(f"exact {j}", f"/api/v1/exact{j}/list/", order=j) for j in (i, i + 1)]
        claims += [claim(f"template {j}", f"/api/v1/t{j}/{{id:int}}/", rank=TEMPLATE, order=j) for j in (i, i + 1)]
        claims.append(prefix(f"prefix {i}", f"/api/v2/p{i}", order=i))
    return Table(claims)


@pytest.fixture(scope="module")
def huge() -> Table:
    return many(10_000)


def lines_run(function, *arguments) -> int:
    """How many lines of Python a call executes: its cost, without a clock."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    gc.disable()  # a finalizer's lines would be counted too
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
        gc.enable()
    return count


@pytest.mark.table
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/exact9996/list/", "exact 9996"),
        ("/api/v1/t2501/12/", "template 2501"),
        ("/api/v2/p9995/deep/down", "prefix 9995"),
        ("/api/v1/t2501/twelve/", None),
        ("/api/v3/", None),
    ],
)
def test_ten_thousand_routes_match_as_ten_do(huge, path, route):
    assert (len(huge.rules), route_of(huge, path)) == (10_000, route)


@pytest.mark.long
def test_ten_thousand_routes_without_overlap_have_no_conflicts(huge):
    assert (huge.conflicts, huge.unreachable) == ([], set())


@pytest.mark.parametrize(
    "path", ["/api/v1/exact1/list/", "/api/v1/t1/12/", "/api/v2/p0/a/b/c", "/api/v1/t1/twelve/", "/nothing/of/the/kind"]
)
def test_a_match_costs_the_same_with_ten_routes_and_with_ten_thousand(huge, path):
    assert lines_run(huge.match, path, "GET") == lines_run(many(10).match, path, "GET")


# -- against a reference ------------------------------------------------------------------------

SEGMENTS = ["a", "b", "1"]
patterns = st.lists(st.sampled_from([*SEGMENTS, "{x}", "{x:int}"]), min_size=1, max_size=3).map("/".join)
methods = st.sets(st.sampled_from(["GET", "POST", "PUT"]), max_size=2)
kinds = st.sampled_from(["path", "tree"])
paths = st.lists(st.sampled_from([*SEGMENTS, "2", "c", ""]), max_size=4).map(lambda parts: "/" + "/".join(parts))


def fits(pattern: str, is_subtree: bool, path: str) -> bool:
    """Whether the pattern takes in the path, segment by segment: as one would write it without a table."""
    wanted, given_ = pattern.split("/")[1:], path.split("/")[1:]
    if len(wanted) > len(given_) or (len(wanted) < len(given_) and not is_subtree):
        return False
    return all(
        have == want or (want == "{x}" and have != "") or (want == "{x:int}" and have.isdigit())
        for want, have in zip(wanted, given_, strict=False)
    )


def answers(claims: list[Rule], path: str, method: str) -> list[Rule]:
    """The claims that may answer, by brute force: of those that fit, the ones of the best rank."""
    able = [
        one
        for one in claims
        if fits(one.endpoint.path, one.endpoint.is_subtree, path)
        and (one.endpoint.methods & {method, ANY} or (method == "HEAD" and "GET" in one.endpoint.methods))
    ]
    best = min((one.rank for one in able), default=0)
    return [one for one in able if one.rank == best]


def build(patterns: list[tuple[str, set[str], str]]) -> list[Rule]:
    claims = []
    for order, (pattern, methods, kind) in enumerate(patterns):
        if kind == "tree":
            claims.append(prefix(f"r{order}", f"/{pattern}", *methods, order=order))
        else:
            rank = TEMPLATE if "{" in pattern else EXACT
            claims.append(claim(f"r{order}", f"/{pattern}", *methods, rank=rank, order=order))
    return claims


@given(
    routes=st.lists(st.tuples(patterns, methods, kinds), max_size=8),
    path=paths,
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]),
)
def test_a_match_is_what_a_search_through_all_rules_finds(routes, path, method):
    claims = build(routes)
    expected = {one.route for one in answers(claims, path, method)}
    assert (
        (route_of(Table(claims), path, method) in expected) if expected else not route_of(Table(claims), path, method)
    )


@given(routes=st.lists(st.tuples(patterns, methods, kinds), max_size=8), path=paths)
def test_a_path_is_unknown_exactly_when_no_rule_fits_it(routes, path):
    claims = build(routes)
    fitting = any(fits(one.endpoint.path, one.endpoint.is_subtree, path) for one in claims)
    assert (Table(claims).match(path, "DELETE") is not None) == fitting


@given(routes=st.lists(st.tuples(patterns, methods, kinds), max_size=8), path=paths)
def test_claims_agrees_with_match_for_every_method(routes, path):
    table = Table(build(routes))
    for method, winner in table.claims(path).items():
        assert table.match(path, method) == winner


@given(routes=st.lists(st.tuples(patterns, methods, kinds), max_size=8))
def test_a_route_is_unreachable_only_when_no_request_gets_to_it(routes):
    table = Table(build(routes))
    for order, (pattern, methods, _) in enumerate(routes):
        path = "/" + pattern.replace("{x:int}", "2").replace("{x}", "z")
        if f"r{order}" in table.unreachable:
            assert all(route_of(table, path, method) != f"r{order}" for method in methods or {"GET", "DELETE"})


# -- the gateway's own pages --------------------------------------------------------------------


@pytest.mark.parametrize(("method", "own"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_a_page_of_the_gateways_own_is_for_reading(method, own):
    match = Table(pages={"/docs": "staff"}).match("/docs", method)
    assert match is not None
    assert (match.audience == "staff", match.route) == (own, None)


@pytest.mark.parametrize("rule", [claim("a", "/docs"), claim("a", "/docs", "POST"), prefix("a", "/")])
def test_a_page_leaves_its_path_to_a_rule(rule):
    table = Table([rule], {"/docs": "public", "/redoc": "public"})
    match = table.match("/docs", "GET")
    assert match is not None
    assert (match.audience, "/docs" in table.pages) == (None, False)
