"""However many mistakes gateway.toml has: all of them are reported, and nothing that isn't one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import ConfigError, Gateway
from gateway.config.parse import parse
from gateway.config.salvage import salvage

GOOD: dict[str, Any] = {
    "gateway": {"served_by": "X-Side", "root_path": "/shop"},
    "legacy": {"settings": "legacy.settings", "threads": 8},
    "rollout": {"cookie": "gateway", "poll": 0.5},
    "mirror": {"queue": 10},
    "services": {
        "items": {
            "app": "tests.project.services:items",
            "middleware": "none",
            "timeout": 5.0,
            "breaker": {"cooldown": 5.0},
        },
        "other": {"url": "http://127.0.0.1:1", "timeout": 5.0},
    },
    "routes": [
        {"name": "items", "prefix": "/api", "service": "items", "stage": "canary", "weight": 5.0, "key": "user"},
        {
            "name": "other",
            "path": "/other/{id}/",
            "service": "other",
            "claim": "all",
            "pin": "first-write",
            "group": "g",
            "mirror": {"shadow": 50.0},
            "compare": {"tolerance": 0.1},
            "guard": {"window": 60.0},
            "fallback": {"statuses": [502]},
        },
        {"name": "third", "path": "/third/", "service": "other", "claim": "all", "group": "g", "steps": [1.0, 50.0]},
    ],
}
REMOVED = object()

# Where, what stands there then, and the key that is reported: each of them alone is one problem, and so in any company.
MISTAKES: list[tuple[tuple[str | int, ...], object, str]] = [
    (("gatway",), {}, "gatway"),
    (("gateway", "served_by"), "X Side", "gateway.served_by"),
    (("gateway", "root_path"), "shop", "gateway.root_path"),
    (("gateway", "more"), 1, "gateway.more"),
    (("legacy", "thread"), 5, "legacy.thread"),
    (("legacy", "threads"), 0, "legacy.threads"),
    (("legacy", "static"), "no", "legacy.static"),
    (("legacy", "settings"), 7, "legacy.settings"),
    (("rollout", "cookie"), "a b", "rollout.cookie"),
    (("rollout", "poll"), 0, "rollout.poll"),
    (("mirror", "queue"), "many", "mirror.queue"),
    (("mirror", "sockets"), "x", "mirror.sockets"),
    (("services", "items", "timeout"), 0, "services.items.timeout"),
    (("services", "items", "middleware"), "nonee", "services.items.middleware"),
    (("services", "items", "answers"), "json", "services.items.answers"),
    (("services", "items", "breaker", "cooldown"), "long", "services.items.breaker.cooldown"),
    (("services", "items", "breaker", "max_cooldown"), -1, "services.items.breaker.max_cooldown"),
    (("services", "items", "app"), "no_colon", "services.items.app"),
    (("services", "other", "url"), "ftp://h", "services.other.url"),
    (("services", "other", "max_body"), -1, "services.other.max_body"),
    (("services", "my service"), {"url": "http://h"}, "services.my service"),
    (("services", "third"), 3, "services.third"),
    (("routes", 0, "prefix"), "api", "routes[items].prefix"),
    (("routes", 0, "stage"), "beta", "routes[items].stage"),
    (("routes", 0, "weight"), 101, "routes[items].weight"),
    (("routes", 0, "key"), "ip", "routes[items].key"),
    (("routes", 0, "more"), 1, "routes[items].more"),
    (("routes", 0, "service"), "itmes", "routes[items].service"),
    (("routes", 1, "service"), REMOVED, "routes[other].service"),
    (("routes", 1, "key"), "ip", "routes[other].key"),
    (("routes", 1, "pin"), "always", "routes[other].pin"),
    (("routes", 1, "group"), "", "routes[other].group"),
    (("routes", 1, "mirror", "shadow"), 101, "routes[other].mirror.shadow"),
    (("routes", 1, "mirror", "shade"), 1, "routes[other].mirror.shade"),
    (("routes", 1, "compare", "tolerance"), -1, "routes[other].compare.tolerance"),
    (("routes", 1, "guard", "window"), 1, "routes[other].guard.window"),
    (("routes", 1, "fallback", "statuses"), [404], "routes[other].fallback.statuses"),
    (("routes", 2, "path"), "/<int:id>/", "routes[third].path"),
    (("routes", 2, "steps"), [5, 1], "routes[third].steps"),
    (("routes", 2, "interval"), 0, "routes[third].interval"),
    (("routes", 2, "weight"), 5.0, "routes[third]"),
    (("routes", 2, "methods"), ["FETCH"], "routes[third].methods"),
    (("routes", 2, "claim"), "some", "routes[third].claim"),
]


def planted(mistakes) -> dict[str, Any]:
    document = deepcopy(GOOD)
    for place, value, _ in mistakes:
        *above, last = place
        node: Any = document
        for part in above:
            node = node[part]
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    return document


def keys(document) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Gateway(document)
    return sorted(problem.key for problem in caught.value.problems)


def test_without_a_mistake_it_holds():
    assert repr(Gateway(deepcopy(GOOD)))


@pytest.mark.parametrize("mistake", MISTAKES, ids=[".".join(map(str, place)) for place, _, _ in MISTAKES])
def test_a_mistake_is_one_problem(mistake):
    assert keys(planted([mistake])) == [mistake[2]]


@pytest.mark.long
@given(st.lists(st.sampled_from(MISTAKES), min_size=2, max_size=12, unique_by=lambda mistake: mistake[0]))
@settings(max_examples=60)
def test_mistakes_are_all_reported_and_nothing_else(mistakes):
    assert keys(planted(mistakes)) == sorted(key for _, _, key in mistakes)


def test_all_at_once():
    assert keys(planted(MISTAKES)) == sorted(key for _, _, key in MISTAKES)


# -- what is looked at beyond the file ---------------------------------------------------------------

MORE = [
    ("an unknown key of [legacy]", {"legacy": {"settings": "legacy.settings", "thread": 5}}, ["legacy.thread"]),
    ("a wrong value there", {"legacy": {"settings": "legacy.settings", "threads": 0}}, ["legacy.threads"]),
    ("no settings there", {"legacy": {"settings": "tests.nowhere", "thread": 5}}, ["legacy.settings", "legacy.thread"]),
]


@pytest.mark.parametrize(("_", "tables", "expected"), MORE, ids=[name for name, _, _ in MORE])
def test_a_typo_in_legacy_hides_neither_its_settings_nor_the_services(_, tables, expected):
    services = {"items": {"app": "tests.nowhere:app"}, "whole": GOOD["services"]["items"]}
    routes = [
        {"name": "items", "path": "/a/{", "service": "items"},
        {"name": "whole", "prefix": "/nothing/here", "service": "whole"},
    ]
    expected = sorted([*expected, "services.items.app", "routes[items].path", "routes[whole].prefix"])
    assert keys({**tables, "services": services, "routes": routes}) == expected


def test_what_a_service_needs_of_a_project_that_is_not_set_up_is_no_problem_of_its_own(monkeypatch, tmp_path):
    (tmp_path / "wants_django.py").write_text(
        "from django.core.exceptions import AppRegistryNotReady\nraise AppRegistryNotReady('no apps')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    document = {"legacy": {"settings": "tests.nowhere"}, "services": {"a": {"app": "wants_django:app"}}}
    assert keys(document) == ["legacy.settings"]


def test_a_key_that_is_wrong_says_nothing_about_what_goes_with_it():
    route = {"name": "a", "prefix": "/a", "service": "s", "stage": "beta", "weight": 5.0}
    _, found = parse({"legacy": {}, "services": {"s": {"url": "http://h"}}, "routes": [route]})
    assert [problem.key for problem in found] == ["routes[a].stage"]


def test_rules_between_keys_are_all_looked_at():
    route = {"name": "a", "service": "s", "weight": 5.0, "key": "none", "pin": "first-write", "more": 1}
    _, found = parse({"legacy": {}, "services": {"s": {"url": "http://h"}}, "routes": [route]})
    assert [problem.key for problem in found] == ["routes[a].more", "routes[a]", "routes[a]", "routes[a]"]


def test_services_that_are_no_tables_make_no_route_wrong():
    _, found = parse({"legacy": {}, "services": [], "routes": [{"name": "a", "prefix": "/a", "service": "s"}]})
    assert [problem.key for problem in found] == ["services"]


def test_what_is_given_is_left_as_it_is():
    from gateway.config.routes import RouteConfig

    table = {"name": "a", "prefix": "api", "service": "s"}
    assert salvage(RouteConfig, table).section is None or table == {"name": "a", "prefix": "api", "service": "s"}
