"""Of two templates of a service, the one that is declared first has a path, for all methods."""

from __future__ import annotations

import pytest

from gateway.routing.paths import Paths, contest_of, rest_of
from gateway.routing.table import EXACT, TEMPLATE, Contest, EndpointPattern, Rule, Table


def endpoint(path, *methods, is_subtree=False):
    return EndpointPattern(path, frozenset(methods or {"GET"}), is_subtree=is_subtree)


def table(*endpoints, others=lambda _: None, whole=None):
    paths = Paths(endpoints)
    claims = [Rule("r", one, TEMPLATE, 0, contest_of(one, paths, others)) for one in endpoints]
    if whole:
        claims.append(
            Rule(
                "r",
                EndpointPattern(whole, frozenset({"*"}), is_subtree=True),
                TEMPLATE,
                0,
                rest_of(paths, others),
                undeclared=True,
            )
        )
    return Table(claims)


def template(table, path, method):
    match = table.match(path, method)
    return match and match.template


TAG = endpoint("/tags/{tag}", "GET", "DELETE")


@pytest.mark.parametrize(
    ("first", "path"),
    [
        (endpoint("/tags/me"), "/tags/me"),
        (endpoint("/tags/{n:int}"), "/tags/5"),
        (endpoint("/{kind}/me"), "/tags/me"),
        (endpoint("/tags/{rest:path}"), "/tags/me"),
        (endpoint("/tags", is_subtree=True), "/tags/me"),
    ],
)
def test_the_first_has_the_path_for_all_methods(first, path):
    assert template(table(first, TAG), path, "DELETE") == ""
    assert template(table(first, TAG), path, "GET") == first.path
    assert Paths([first, TAG]).refused(path, "DELETE") == {"GET"}


@pytest.mark.parametrize("second", [endpoint("/tags/me"), endpoint("/tags/{n:int}")])
def test_the_second_has_what_is_left(second):
    assert template(table(TAG, second), "/tags/me", "DELETE") == "/tags/{tag}"


def test_templates_that_differ_in_names_only_are_one():
    found = table(endpoint("/tags/{tag}"), endpoint("/tags/{name}", "DELETE"))
    assert template(found, "/tags/x", "DELETE") == "/tags/{name}"


def test_sockets_are_in_nobodys_way():
    found = table(endpoint("/tags/me", "WEBSOCKET"), TAG, endpoint("/{kind}/{room}", "WEBSOCKET"))
    assert template(found, "/tags/me", "DELETE") == "/tags/{tag}"
    assert template(found, "/tags/you", "WEBSOCKET") == "/{kind}/{room}"


def test_templates_apart_are_not_asked_for_each_request():
    found = table(endpoint("/other/{n:int}"), endpoint("/tags/me"), TAG)
    assert found.match("/tags/x", "DELETE").holds is None


ME = Contest(frozenset({"/tags/me"}), lambda path: path != "/tags/me", always=False)


@pytest.mark.parametrize("whole", [None, "/tags"])
@pytest.mark.parametrize("always", [False, True])
def test_a_path_of_others_is_not_claimed_for_any_method(whole, always):
    contest = ME._replace(always=always, paths=frozenset() if always else ME.paths)
    found = table(TAG, others=lambda one: contest if one is TAG else None, whole=whole)
    assert {template(found, "/tags/me", method) for method in ("GET", "HEAD", "DELETE", "PUT")} == {""}
    assert template(found, "/tags/you", "DELETE") == "/tags/{tag}"


def test_what_others_refuse_head_for_is_not_claimed_for_it():
    no_head = Contest(frozenset(), lambda _: True, always=False, head=False)
    found = table(TAG, others=lambda _: no_head)
    assert (template(found, "/tags/x", "GET"), template(found, "/tags/x", "HEAD")) == (TAG.path, "")
    assert Paths([TAG]).refused("/tags/x", "HEAD") == {"GET", "DELETE"}


def test_a_claim_without_contest_is_as_before():
    assert Table([Rule("r", TAG, EXACT, 0)]).match("/tags/me", "DELETE").route == "r"
