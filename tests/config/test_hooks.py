"""[hooks.NAME] in gateway.toml: what is valid, and every way it can be wrong; URL and secret are never shown."""

import json

import pytest

from gateway import Gateway
from gateway.config.hooks import AFTER, EVENTS, Hook
from gateway.config.parse import parse
from gateway.config.problems import ConfigError
from tests.control.hooks.conftest import SECRET
from tests.support.commandline import here, invoke

__all__ = ["here", "invoke"]

URL = "https://hooks.example/T0/B0/key"
CALL = "tests.control.hooks.conftest:call"
DOCUMENT = {
    "legacy": {"settings": "legacy.settings"},
    "services": {"items": {"app": "tests.project.services:items", "middleware": "none"}},
    "routes": [
        {"name": name, "prefix": f"/{name}", "service": "items", "claim": "all"} for name in ("shop-list", "quotes")
    ],
}


def parsed(**hooks):
    return parse(DOCUMENT | {"hooks": hooks})


def problems(**table):
    return [str(problem) for problem in parsed(ops=table)[1]]


def test_a_hook_hears_of_everything_unless_it_says_otherwise_and_is_not_asked():
    config, found = parsed(ops={"url": URL})
    assert found == []
    assert config.hooks == (Hook("ops", frozenset(AFTER), URL),)
    assert set(EVENTS) == {"before_promote", *AFTER}


def test_a_route_has_the_hooks_whose_patterns_match_it():
    config, _ = parsed(all={"url": URL}, shop={"url": URL, "routes": ["shop-*"]})
    assert [[hook.name for hook in route.hooks] for route in config.routes] == [["all", "shop"], ["all"]]


def test_url_and_secret_may_be_in_the_environment(monkeypatch):
    monkeypatch.setenv("GATEWAY_HOOK_ON_CALL_URL", URL)
    monkeypatch.setenv("GATEWAY_HOOK_ON_CALL_SECRET", SECRET)
    config, found = parse(DOCUMENT | {"hooks": {"on-call": {}}})
    assert (found, config.hooks[0].url, [len(key) for key in config.hooks[0].secrets]) == ([], URL, [24])


def test_a_secret_may_have_a_successor(monkeypatch):
    newer = f"whsec_{'A' * 40}"
    assert len(parsed(ops={"url": URL, "secret": [newer, SECRET]})[0].hooks[0].secrets) == 2
    monkeypatch.setenv("GATEWAY_HOOK_OPS_SECRET", f"{newer} {SECRET}")
    assert [len(key) for key in parsed(ops={"url": URL})[0].hooks[0].secrets] == [30, 24]


def test_the_file_comes_before_the_environment(monkeypatch):
    monkeypatch.setenv("GATEWAY_HOOK_OPS_URL", "https://elsewhere/")
    assert parsed(ops={"url": URL})[0].hooks[0].url == URL
    assert parsed(ops={"call": CALL})[1] == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, 'exactly one of url = "https://…" and call = "package.module:function"'),
        ({"url": URL, "call": CALL}, "exactly one of url"),
        ({"url": "ftp://example/"}, 'hooks.ops.url: a URL that begins with "http://" or "https://"'),
        ({"url": "https://"}, "hooks.ops.url: a URL"),
        ({"url": "https://example:port/"}, "hooks.ops.url: a URL"),
        ({"url": "https://example/#part"}, "without a fragment"),
        ({"call": "module.function"}, '"package.module:function"'),
        ({"url": URL, "format": "xml"}, 'hooks.ops.format = \'xml\': "json", or "slack"'),
        ({"url": URL, "events": ["promoted"]}, "a list of some of before_promote, promote, rollback"),
        ({"url": URL, "events": []}, "hooks.ops.events = []: a list of one or more"),
        ({"url": URL, "routes": []}, "leave the key out for all"),
        ({"url": URL, "timeout": 31}, "hooks.ops.timeout = 31"),
        ({"url": URL, "timeout": 0}, "seconds that a call may take, above 0, at most 30"),
        ({"url": URL, "on_error": "ignore"}, '"refuse" or "allow"'),
        ({"url": URL, "routes": ["shop"]}, "hooks.ops.routes = 'shop': the name of a route, or a pattern that one"),
        ({"url": URL, "secret": "short"}, 'hooks.ops.secret: "whsec_" and 24 to 64 bytes in base 64, or up to 5'),
        ({"url": URL, "secret": []}, "hooks.ops.secret: "),
        ({"url": URL, "secret": ""}, "hooks.ops.secret: "),
        ({"url": URL, "secret": [SECRET, "short"]}, "hooks.ops.secret: "),
        ({"url": URL, "secret": [SECRET] * 6}, "or up to 5 of them"),
        ({"url": URL, "secert": "x"}, "hooks.ops.secert: unknown key; known are url, call"),
        ({"call": CALL, "secret": SECRET}, "format and secret go with url"),
        ({"url": URL, "format": "slack", "events": ["before_promote"]}, "refuses nothing"),
        ({"url": URL, "format": "slack", "secret": SECRET}, "Slack checks no signature"),
    ],
)
def test_what_is_wrong_is_named_once_with_its_key(table, said):
    (found,) = problems(**table)
    assert said in found


def test_every_problem_is_reported_at_once():
    assert len(problems(url=URL, format="xml", timeout=0, routes=["none"])) == 3


@pytest.mark.parametrize("name", ["Ops", "o_p_s", "1st", ""])
def test_a_name_is_of_small_letters(name):
    (found,) = parsed(**{name: {"url": URL}})[1]
    assert "small letters" in str(found)


def test_a_hook_is_a_table():
    assert [str(found) for found in parsed(url=URL)[1]] == ["hooks.url: a table"]
    assert [str(found) for found in parse(DOCUMENT | {"hooks": URL})[1]] == [
        "hooks: a table for each hook: [hooks.NAME]"
    ]


@pytest.mark.parametrize(
    "table",
    [
        {"url": f"{URL}#"},
        {"url": URL, "secret": f"{SECRET}!"},
        {"url": URL, "token": SECRET},
        {"url": URL, "secret": [SECRET, 1]},
        {"url": URL, "secret": {"now": SECRET}},
        {"url": [URL]},
        {"url": URL, "call": CALL, "secret": SECRET},
    ],
)
def test_no_url_and_no_secret_is_in_a_problem(table):
    found = parsed(ops=table)[1]
    shown = str(ConfigError(found)) + repr(found)
    assert found
    assert "T0/B0" not in shown
    assert "MfKQ" not in shown


def test_nor_in_what_is_shown_of_a_hook():
    (hook,) = parsed(ops={"url": "https://ana:key@hooks.example:8443/key?key=1", "secret": SECRET})[0].hooks
    assert hook.place == "https://hooks.example:8443/…"
    shown = repr(hook) + repr(parsed(ops={"url": URL, "secret": SECRET})[0])
    assert "hooks.example" not in shown
    assert "MfKQ" not in shown


def failing_call(target):
    with pytest.raises(ConfigError) as caught:
        Gateway(DOCUMENT | {"hooks": {"ops": {"call": target}}})
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("tests.nowhere:call", "a function that can be imported: there is no module 'tests.nowhere'"),
        ("tests.control.hooks.conftest:missing", "has no attribute 'missing'"),
        ("tests.control.hooks.conftest:SECRET", "a plain function"),
        ("tests.config.test_hooks:asynchronous", "not async def"),
    ],
)
def test_a_function_is_imported_at_the_start(target, said):
    (found,) = failing_call(target)
    assert found.startswith("hooks.ops.call = ")
    assert said in found


async def asynchronous(event):
    """No hook."""


def test_hooks_need_the_app_that_stores_what_they_are_told(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "gateway.control"]
    (found,) = failing_call(CALL)
    assert found == 'hooks: nothing here, or "gateway.control" in INSTALLED_APPS: it keeps what hooks are told'


def test_nor_in_what_commands_print(invoke, here):
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"url": URL, "secret": f"{SECRET}!"}.items()]
    legacy = '[legacy]\nsettings = "legacy.settings"\n'
    (here / "gateway.toml").write_text(legacy + "[hooks.ops]\n" + "\n".join(lines))
    for arguments in (["check"], ["check", "--json"], ["hooks"], ["rollback", "x"]):
        result = invoke(*arguments)
        assert "T0/B0" not in result.output
        assert "MfKQ" not in result.output
