"""gateway.toml: what is valid, and every way it can be wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from gateway import Gateway
from gateway.config.files import find, find_or_fail, load
from gateway.config.legacy import GatewaySettings, LegacyConfig
from gateway.config.parse import Config, parse
from gateway.config.problems import ConfigError
from gateway.config.routes import RouteConfig
from gateway.config.services import ServiceConfig

LEGACY = {"settings": "legacy.settings"}
SERVICE = {"app": "tests.project.services:items", "middleware": "none"}
ROUTE = {"name": "items", "prefix": "/api", "service": "items"}
OTHER = ROUTE | {"name": "other", "prefix": "/other"}


def problems(document) -> list[str]:
    return [str(problem) for problem in parse(document)[1]]


def whole(**changes):
    """A document that is right, with changes."""
    return {"legacy": LEGACY, "services": {"items": SERVICE}, "routes": [ROUTE]} | changes


WRITES = {"mirror": {"methods": ["GET", "POST"]}}


# -- what is valid ------------------------------------------------------------------------------


def test_the_smallest_configuration_names_the_settings_module():
    config, found = parse({"legacy": LEGACY})
    assert (config.legacy.settings, found) == ("legacy.settings", [])


def test_defaults_are_those_of_the_manual():
    config, _ = parse(whole())
    assert config.gateway == GatewaySettings(served_by="X-Served-By", request_id="X-Request-ID", root_path="")
    assert config.legacy == LegacyConfig(settings="legacy.settings", threads=40, static=True)
    assert config.services["items"].timeout == 30.0
    assert config.routes[0] == RouteConfig(name="items", prefix="/api", service="items", claim="implemented")


@pytest.mark.parametrize(
    ("table", "key", "value", "kept"),
    [
        ("gateway", "served_by", False, False),
        ("gateway", "request_id", "X-Trace", "X-Trace"),
        ("gateway", "root_path", "/shop/eu", "/shop/eu"),
        ("gateway", "docs", False, False),
        ("gateway", "docs", "public", "public"),
        ("gateway", "docs_path", "/api/docs/", "/api/docs/"),
        ("gateway", "redoc_path", False, False),
        ("legacy", "threads", 1, 1),
        ("legacy", "static", False, False),
        ("legacy", "asgi", "mysite.asgi:application", "mysite.asgi:application"),
        ("legacy", "wsgi", "mysite.wsgi:app.wrapped", "mysite.wsgi:app.wrapped"),
    ],
)
def test_a_value_is_kept(table, key, value, kept):
    config, found = parse(whole() | {table: LEGACY | {key: value} if table == "legacy" else {key: value}})
    assert (getattr(getattr(config, table), key), found) == (kept, [])


@pytest.mark.parametrize(
    ("given", "kept"), [("/api/", "/api"), ("/api", "/api"), ("/", "/")], ids=["slash", "no slash", "root"]
)
def test_a_prefix_means_the_same_with_and_without_its_last_slash(given, kept):
    assert parse(whole(routes=[ROUTE | {"prefix": given}]))[0].routes[0].prefix == kept


def test_methods_may_be_written_small():
    assert parse(whole(routes=[ROUTE | {"methods": ["get", "Post"]}]))[0].routes[0].methods == ("GET", "POST")


def test_a_timeout_may_be_whole_seconds():
    config, found = parse(whole(services={"items": {"url": "http://127.0.0.1:9", "timeout": 5}}))
    assert (config.services["items"].timeout, found) == (5.0, [])


@pytest.mark.parametrize("url", ["http://10.0.0.1:80", "https://example.com", "http://[::1]:9001/base/path"])
def test_a_service_elsewhere_has_a_url(url):
    assert problems(whole(services={"items": {"url": url}})) == []


def test_a_configuration_cannot_be_changed_after_it_was_read():
    config, _ = parse(whole())
    with pytest.raises(ValueError, match="frozen"):
        config.routes[0].service = "other"


# -- each kind of problem -----------------------------------------------------------------------


def route(**changes):
    return whole(routes=[{key: value for key, value in (ROUTE | changes).items() if value is not None}])


def service(**changes):
    return whole(services={"items": {key: value for key, value in (SERVICE | changes).items() if value is not None}})


@pytest.mark.parametrize(
    "document",
    [
        whole(services={"items": {"url": "http://h", "rolls_back": True}}, routes=[ROUTE | WRITES]),
        whole(services={"items": {"url": "http://h"}}, routes=[ROUTE | WRITES | {"methods": ["GET"]}]),
        whole(legacy={"wsgi": "shop.wsgi:app"}, routes=[ROUTE | {"mirror": {"methods": ["OPTIONS"]}}]),
        route(**WRITES),
    ],
)
def test_writes_may_be_mirrored_where_somebody_rolls_them_back(document):
    assert not problems(document)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "legacy: missing"),
        (whole(gatway={}), "gatway: unknown table; known are gateway, legacy, services, routes"),
        (whole(legacy=[]), "legacy = []: a table"),
        (whole(legacy={"setings": "x"}), "legacy.setings = 'x': unknown key; known are settings, threads"),
        (whole(legacy={"settings": "my site"}), "legacy.settings = 'my site': the settings module"),
        (whole(legacy={"settings": 7}), "legacy.settings = 7: input should be a valid string"),
        (whole(legacy=LEGACY | {"threads": 0}), "legacy.threads = 0: input should be greater than or equal to 1"),
        (whole(legacy=LEGACY | {"threads": "many"}), "legacy.threads = 'many': input should be a valid integer"),
        (whole(legacy=LEGACY | {"threads": True}), "legacy.threads = True: input should be a valid integer"),
        (whole(legacy=LEGACY | {"threads": 1001}), "legacy.threads = 1001: input should be less than or equal to"),
        (whole(legacy=LEGACY | {"static": "no"}), "legacy.static = 'no': input should be a valid boolean"),
        (whole(legacy=LEGACY | {"asgi": "mysite.asgi"}), "legacy.asgi = 'mysite.asgi': \"package.module:attribute\""),
        (whole(legacy=LEGACY | {"asgi": "a:b", "wsgi": "a:c"}), "legacy: either asgi or wsgi, not both"),
        (whole(gateway={"served_by": "X Served"}), "gateway.served_by = 'X Served': "),
        (whole(gateway={"request_id": "X_Request"}), "gateway.request_id = 'X_Request': "),
        (whole(gateway={"root_path": "shop"}), "gateway.root_path = 'shop': the path a proxy serves this site under"),
        (
            whole(gateway={"docs": True}),
            'gateway.docs = True: who may see the API document and its pages: "staff", "pu',
        ),
        (whole(gateway={"docs_path": "docs"}), "gateway.docs_path = 'docs': a path without parameters, such as"),
        (whole(gateway={"openapi_path": "/{x}"}), "gateway.openapi_path = '/{x}': a path without parameters, such as"),
        (whole(gateway={"redoc_path": "/docs"}), "gateway: three paths that differ"),
        (whole(gateway={"openapi_path": False}), "gateway: a path: the pages of docs_path and redoc_path read the doc"),
        (whole(gateway={"root_path": "/shop/"}), "gateway.root_path = '/shop/': "),
        (whole(services=[]), "services = []: a table for each service"),
        (whole(services={"items": 3}), "services.items = 3: a table"),
        (whole(services={"legacy": SERVICE, "items": SERVICE}), "services.legacy: a name of letters"),
        (whole(services={"my service": SERVICE, "items": SERVICE}), "services.my service: a name of letters"),
        (service(app="no_colon"), "services.items.app = 'no_colon': \"package.module:attribute\""),
        (service(app=None), "services.items: exactly one of app"),
        (service(url="http://h:1"), "services.items: exactly one of app"),
        (service(middleware="all"), "services.items.middleware = 'all': \"django\""),
        (service(middleware=[1]), "services.items.middleware = [1]: a list of entries"),
        (service(answers="json"), "services.items.answers = 'json': \"plain\": as FastAPI answers"),
        (service(answers="drf"), 'services.items: answers = "drf" goes with app and middleware = "django"'),
        (service(app=None, url="http://h:1"), "services.items: middleware goes with app"),
        (
            {"legacy": LEGACY, "services": {"items": {"url": "ftp://h"}}},
            "services.items.url = 'ftp://h': \"http://host:port\"",
        ),
        ({"legacy": LEGACY, "services": {"items": {"url": "http://h/?q"}}}, "services.items.url = 'http://h/?q': "),
        (service(timeout=0), "services.items.timeout = 0"),
        (
            whole(routes=[ROUTE | {"group": "g", "key": "user"}, OTHER | {"group": "g", "key": "none"}]),
            "routes[other].key = 'none': 'user', as route 'items' of the same group",
        ),
        (
            route(mirror={"hosts": ["https://api.example.com"]}),
            "routes[items].mirror.hosts = ['https://api.example.com']: a list of names such as",
        ),
        (service(timeout="long"), "services.items.timeout = 'long': input should be a valid number"),
        (service(max_body=-1), "services.items.max_body = -1: input should be greater than or equal to 0"),
        (service(bodylimit=1), "services.items.bodylimit = 1: unknown key"),
        (whole(routes={}), "routes = {}: a list of tables: [[routes]]"),
        (whole(routes=["x"]), "routes[0] = 'x': a table"),
        (route(name=None), "routes[0].name: missing"),
        (route(name="a b"), "routes[a b].name = 'a b': letters, digits"),
        (route(service=None), "routes[items].service: missing"),
        (route(service="itmes"), "routes[items].service = 'itmes': a declared service (items)"),
        (whole(services={}), "routes[items].service = 'items': a declared service (none is declared)"),
        (route(prefix=None), "routes[items]: exactly one of prefix"),
        (route(path="/x"), "routes[items]: exactly one of prefix"),
        (route(prefix="api"), "routes[items].prefix = 'api': a path that starts with /"),
        (route(prefix="/a//b"), "routes[items].prefix = '/a//b': a path that starts with /"),
        (route(prefix="/a/../b"), "routes[items].prefix = '/a/../b': a path that starts with /"),
        (route(prefix="/a?b"), "routes[items].prefix = '/a?b': a path that starts with /"),
        (route(prefix="/a b"), "routes[items].prefix = '/a b': a path that starts with /"),
        (route(prefix="/<int:id>"), "routes[items].prefix = '/<int:id>': a prefix such as"),
        (route(prefix="/{rest:path}"), "routes[items].prefix = '/{rest:path}': a prefix such as"),
        (route(prefix="/api/*"), "routes[items].prefix = '/api/*': a prefix such as"),
        (route(prefix=None, path="/<int:id>/"), "routes[items].path = '/<int:id>/': a template with {name}"),
        (route(methods=["FETCH"]), "routes[items].methods = ['FETCH']: a list of some of GET, HEAD"),
        (route(methods=[]), "routes[items].methods = []: a list of some of GET, HEAD"),
        (route(methods="GET"), "routes[items].methods = 'GET': "),
        (route(methods=[1]), "routes[items].methods = [1]: a list of some of GET, HEAD"),
        (route(claim="some"), "routes[items].claim = 'some': input should be 'implemented' or 'all'"),
        (
            route(stage="beta"),
            "routes[items].stage = 'beta': input should be 'legacy', 'shadow', 'canary', 'live' or 'retired'",
        ),
        (
            service(breaker={"cooldown": 10, "max_cooldown": 5}),
            "services.items.breaker: cooldown 10 is longer than max_cooldown, 5",
        ),
        (route(weight=10), "routes[items]: weight goes with stage = \"canary\", not 'live'"),
        (route(stage="canary", weight=101), "routes[items].weight = 101: input should be less than or equal to 100"),
        (route(key="ip"), "routes[items].key = 'ip': one of user, session, header:NAME, cookie:NAME, client and none"),
        (route(key="none", pin="first-write"), "routes[items]: pin goes with a key that tells callers apart"),
        (route(pin="first-write"), "routes[items].pin = 'first-write': a cookie to keep it in: write [rollout]"),
        (route(always=["admins"]), "routes[items].always = ['admins']: a list of some of \"staff\""),
        (route(steps=[5, 1]), "routes[items].steps = [5, 1]: a list of rising percentages above 0"),
        (route(interval=0), "routes[items].interval = 0: input should be greater than 0 (seconds after which"),
        (route(fallback={"statuses": [404]}), "routes[items].fallback.statuses = 404: input should be greater than"),
        (route(fallback={"on": 1}), "routes[items].fallback.on = 1: unknown key; known are statuses, unsafe, max_body"),
        (route(fallback=True), "routes[items].fallback = True: a table: [routes.fallback]"),
        (route(mirror=5), "routes[items].mirror = 5: a table: [routes.mirror]"),
        (route(mirror={"methods": ["GE"]}), "routes[items].mirror.methods = ['GE']: a list of some of GET, HEAD"),
        (
            whole(services={"items": {"url": "http://h"}}, routes=[ROUTE | WRITES]),
            "routes[items].mirror.methods = ['POST']: no writes while 'items' is at a url, where nothing",
        ),
        (
            whole(legacy={"wsgi": "shop.wsgi:app"}, routes=[ROUTE | WRITES]),
            "routes[items].mirror.methods = ['POST']: no writes with [legacy] wsgi, which nothing rolls back",
        ),
        (service(rolls_back=1), "services.items.rolls_back = 1: input should be a valid boolean"),
        (whole(rollout={"cookie": "a b"}), "rollout.cookie = 'a b': the name of a cookie that keeps visitors"),
        (whole(mirror={"queue": 0}), "mirror.queue = 0: input should be greater than or equal to 1"),
        (whole(routes=[ROUTE, ROUTE]), "routes[items].name = 'items': a name of its own; another route has it"),
    ],
)
def test_a_problem_names_key_value_and_expected_shape(document, problem):
    assert [found for found in problems(document) if found.startswith(problem)], problems(document)


def test_an_application_in_the_place_of_its_name_is_told():
    """A dictionary, unlike a file, can hold one; Starlette's can't be copied."""
    _, [problem] = parse(whole(services={"items": {"app": FastAPI()}}))
    assert problem.key == "services.items.app"
    assert "input should be a valid string" in str(problem)


def test_one_mistake_makes_one_problem():
    assert len(problems(whole(legacy={"settings": "my site"}))) == 1


def test_one_mistake_does_not_hide_the_others():
    document = {
        "gatway": {},
        "legacy": {"settings": "my site", "threads": 0},
        "services": {"a": {"app": "nowhere"}, "b": SERVICE},
        "routes": [{"name": "r", "prefix": "x", "service": "b"}, {"name": "s", "path": "/y", "service": "zzz"}],
    }
    keys = [problem.partition(" ")[0].rstrip(":") for problem in problems(document)]
    assert keys == [
        "gatway", "legacy.settings", "legacy.threads", "services.a.app", "routes[r].prefix", "routes[s].service",
    ]  # fmt: skip


def test_what_is_valid_is_kept_beside_what_is_not():
    config, found = parse(whole(services={"items": SERVICE, "bad": {}}))
    assert (list(config.services), len(found)) == (["items"], 1)


# -- the file -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALLEST = '[legacy]\nsettings = "mysite.settings"\n'
IN_PYPROJECT = '[project]\nname = "x"\n[tool.gateway.legacy]\nsettings = "mysite.settings"\n'


@pytest.mark.parametrize(("name", "text"), [("gateway.toml", SMALLEST), ("pyproject.toml", IN_PYPROJECT)])
def test_a_file_in_the_current_directory_is_found(folder, name, text):
    (folder / name).write_text(text)
    assert load().legacy.settings == "mysite.settings"


def test_gateway_toml_goes_before_pyproject(folder):
    (folder / "gateway.toml").write_text(SMALLEST)
    (folder / "pyproject.toml").write_text(IN_PYPROJECT)
    assert find() == folder / "gateway.toml"


def test_the_environment_goes_before_both(folder, monkeypatch):
    (folder / "gateway.toml").write_text(SMALLEST)
    monkeypatch.setenv("GATEWAY_CONFIG", "elsewhere.toml")
    assert find() == Path("elsewhere.toml")


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "not toml ["])
def test_a_pyproject_without_our_table_is_not_ours(folder, text):
    (folder / "pyproject.toml").write_text(text)
    assert find() is None


def test_without_a_file_the_message_says_how_to_get_one(folder):
    with pytest.raises(ConfigError, match=r"`gateway init` writes one.*GATEWAY_CONFIG"):
        find_or_fail()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[legacy\n", "isn't valid TOML"),
        (b"\xff\xfe", "isn't valid TOML"),
        (b"[legacy]\nthreads = 1\nthreads = 2\n", "isn't valid TOML"),
        (None, "can't be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder, content, message):
    path = folder / "gateway.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(str(path))) as caught:
        load(path)
    assert message in str(caught.value)


def test_a_folder_is_not_a_file(folder):
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        load(folder)


def test_a_named_pyproject_without_our_table_says_what_is_missing(folder):
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(ConfigError, match=re.escape("tool.gateway: missing")):
        load(folder / "pyproject.toml")


@pytest.mark.parametrize("tool", ['gateway = "yes"', "gateway = [1]"])
def test_our_table_in_pyproject_has_to_be_a_table(folder, tool):
    (folder / "pyproject.toml").write_text(f"[tool]\n{tool}\n")
    with pytest.raises(ConfigError, match=r"tool\.gateway"):
        load(folder / "pyproject.toml")


@pytest.mark.parametrize("text", ['tool = "none"\n', "[[tool]]\n"])
def test_a_pyproject_of_another_shape_is_not_ours(folder, text):
    (folder / "pyproject.toml").write_text(text)
    assert find() is None


def test_a_message_counts_the_problems_and_lists_them(folder):
    (folder / "gateway.toml").write_text("[legacy]\nthreads = 0\nstatic = 1\n")
    with pytest.raises(ConfigError) as caught:
        load()
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("gateway.toml: 2 problems")
    assert [line[:4] for line in lines[1:]] == ["  - ", "  - "]


# -- what only shows when it is built -----------------------------------------------------------


def refused(document) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Gateway(document)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("app", "problem"),
    [
        ("tests.nowhere:app", "there is no module 'tests.nowhere'"),
        ("nowhere.at.all:app", "there is no module 'nowhere'"),
        ("tests.project.services:nothing", "tests.project.services has no attribute 'nothing'"),
        ("tests.project.services:items.nothing", "tests.project.services has no attribute 'items.nothing'"),
        ("tests.project.services:not_an_application", "is int, not an ASGI application"),
        ("tests.project.services:failing_factory", "calling the factory tests.project.services:failing_factory failed"),
    ],
)
def test_an_application_that_cannot_be_imported_is_a_problem(app, problem):
    found = refused(whole(services={"items": SERVICE, "bad": SERVICE | {"app": app}}))
    assert len(found) == 1
    assert found[0].startswith(f"services.bad.app = '{app}': an importable ASGI application: ")
    assert problem in found[0]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise ValueError('the module is broken')", "failed: ValueError: the module is broken"),
        ("import not_installed", "failed: ModuleNotFoundError: No module named 'not_installed'"),
        ("def", "failed: SyntaxError: "),
        ("raise SystemExit(1)", "failed: SystemExit: 1"),
    ],
    ids=["raises", "imports what is not there", "is no Python", "exits"],
)
def test_a_module_that_fails_on_import_says_how(code, problem, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"broken{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code)
    (found,) = refused(whole(services={"items": SERVICE, "bad": SERVICE | {"app": f"{name}:app"}}))
    assert f"importing {name} {problem}" in found


@pytest.mark.parametrize("key", ["asgi", "wsgi"])
def test_an_application_for_legacy_that_cannot_be_imported_is_a_problem(key):
    found = refused(whole(legacy=LEGACY | {key: "tests.nowhere:app"}))
    assert found[0].startswith(f"legacy.{key} = 'tests.nowhere:app': an importable application: there is no module")


def test_a_wsgi_application_has_no_middleware_for_services():
    service = {"app": SERVICE["app"], "middleware": "django"}
    found = refused(whole(legacy={"wsgi": "tests.project.wsgi:hello_app"}, services={"items": service}))
    assert found == [
        'services.items.middleware = \'django\': "none": with [legacy] wsgi = "…", the gateway has no middleware to run'
    ]


def test_an_unset_settings_module_is_a_problem(monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    assert refused({"legacy": {}}) == [
        'legacy.settings: missing; write settings = "mysite.settings", or set DJANGO_SETTINGS_MODULE'
    ]


def test_problems_of_every_stage_are_reported_together():
    broken = whole(
        legacy=LEGACY | {"treads": 4},
        services={"items": SERVICE, "bad": SERVICE | {"app": "tests.nowhere:app"}},
        routes=[ROUTE, ROUTE | {"name": "two", "prefix": "/nothing/here"}, ROUTE | {"name": "three"}],
    )
    keys = [problem.split(" ")[0].rstrip(":") for problem in refused(broken)]
    assert keys == ["legacy.treads", "services.bad.app", "routes[two].prefix", "routes[three]"]


def test_models_can_be_used_without_a_file():
    config = Config(
        GatewaySettings(), LegacyConfig(**LEGACY, static=False), {"items": ServiceConfig(**SERVICE)}, (), "by hand"
    )
    assert repr(Gateway(config)).startswith("Gateway('by hand', services=['items']")
