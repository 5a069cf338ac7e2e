"""`gateway init`."""

import re
import tomllib

import pytest

from gateway.cli.init import TEMPLATE, settings_in
from gateway.config.compare import AcceptedConfig, CompareConfig
from gateway.config.files import load
from gateway.config.guard import GuardConfig
from gateway.config.hooks import HookConfig
from gateway.config.legacy import GatewaySettings, LegacyConfig
from gateway.config.parse import parse
from gateway.config.rollout import MirrorSettings, RolloutSettings
from gateway.config.routes import FallbackConfig, MirrorConfig, RouteConfig
from gateway.config.services import BreakerConfig, ServiceConfig

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'


def switched_on() -> str:
    """The template with every example in it switched on."""
    return re.sub(r"^#(?=\S)", "", TEMPLATE.format(settings="mysite.settings"), flags=re.MULTILINE)


def test_writes_the_settings_of_manage_py(invoke, here):
    (here / "manage.py").write_text(MANAGE)
    assert invoke("init").exit_code == 0
    assert load(here / "gateway.toml").legacy.settings == "mysite.settings"


def test_prints_the_next_steps(invoke, here):
    (here / "manage.py").write_text(MANAGE)
    assert re.search(r"Next:\n  gateway check .*\n  gateway serve ", invoke("init").stdout)


def test_settings_wins_over_manage_py(invoke, here):
    (here / "manage.py").write_text(MANAGE)
    invoke("init", "--settings", "mysite.settings.prod")
    assert load(here / "gateway.toml").legacy.settings == "mysite.settings.prod"


def test_the_environment_names_the_settings_where_there_is_no_manage_py(invoke, here, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "from_environment")
    invoke("init")
    assert load(here / "gateway.toml").legacy.settings == "from_environment"


def test_asks_for_settings_that_it_does_not_find(invoke, here, monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    result = invoke("init")
    assert result.exit_code == 2
    assert "Give it, as in --settings mysite.settings." in result.stderr
    assert not (here / "gateway.toml").exists()


def test_points_to_a_manage_py_one_folder_down(invoke, here, monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    (here / "backend").mkdir()
    (here / "backend" / "manage.py").write_text(MANAGE)
    assert "--path backend uses it" in invoke("init").stderr


def test_path_names_the_folder(invoke, here):
    (here / "backend").mkdir()
    (here / "backend" / "manage.py").write_text(MANAGE)
    assert "gateway check --config backend/gateway.toml" in invoke("init", "--path", "backend").stdout
    assert (here / "backend" / "gateway.toml").exists()


def test_refuses_what_is_no_module_name(invoke, here):
    result = invoke("init", "--settings", "mysite/settings.py")
    assert result.exit_code == 2
    assert 'no module name such as "mysite.settings"' in " ".join(result.stderr.split())


def test_does_not_overwrite(invoke, here):
    (here / "gateway.toml").write_text("# mine")
    result = invoke("init", "--settings", "mysite.settings")
    assert (result.exit_code, (here / "gateway.toml").read_text()) == (2, "# mine")
    assert "gateway.toml is there already; --force overwrites it" in result.stderr


def test_force_overwrites(invoke, here):
    (here / "gateway.toml").write_text("# mine")
    assert invoke("init", "--settings", "mysite.settings", "--force").exit_code == 0
    assert load(here / "gateway.toml").legacy.settings == "mysite.settings"


def test_a_pyproject_without_its_table_is_no_obstacle(invoke, here):
    (here / "pyproject.toml").write_text('[project]\nname = "shop"\n[tool.ruff]\n')
    assert invoke("init", "--settings", "mysite.settings").exit_code == 0


def test_does_not_hide_a_table_in_pyproject(invoke, here):
    (here / "pyproject.toml").write_text("[tool.gateway.legacy]\n")
    assert invoke("init", "--settings", "mysite.settings").exit_code == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (MANAGE, "mysite.settings"),
        ('from os import environ\nenviron["DJANGO_SETTINGS_MODULE"] = "a.b"\n', "a.b"),
        ('os.environ.setdefault("OTHER", "a.b")\n', None),
        ('os.environ.setdefault("DJANGO_SETTINGS_MODULE", choose())\n', None),
        ("raise SystemExit(1)\n" + MANAGE, "mysite.settings"),
        ("not python", None),
    ],
    ids=["startproject", "assignment", "another variable", "computed", "not executed", "not Python"],
)
def test_reads_manage_py(tmp_path, text, found):
    (tmp_path / "manage.py").write_text(text)
    assert settings_in(tmp_path / "manage.py") == found


# -- the template holds what gateway/config/parse.py says ---------------------------------------------------


def test_the_template_is_the_smallest_configuration():
    assert tomllib.loads(TEMPLATE.format(settings="mysite.settings")) == {"legacy": {"settings": "mysite.settings"}}


def test_the_template_holds_with_every_example_switched_on():
    config, problems = parse(tomllib.loads(switched_on()))
    assert problems == []
    assert [route.service for route in config.routes] == list(config.services) == ["catalog", "pricing"]


@pytest.mark.parametrize(
    ("table", "model"),
    [
        ("gateway", GatewaySettings),
        ("legacy", LegacyConfig),
        ("services.NAME", ServiceConfig),
        ("services.NAME.breaker", BreakerConfig),
        ("routes", RouteConfig),
        ("routes.fallback", FallbackConfig),
        ("routes.mirror", MirrorConfig),
        ("routes.compare", CompareConfig),
        ("routes.compare.accepted", AcceptedConfig),
        ("routes.guard", GuardConfig),
        ("rollout", RolloutSettings),
        ("mirror", MirrorSettings),
        ("hooks.NAME", HookConfig),
    ],
)
def test_the_template_shows_every_key(table, model):
    shown = {name for name, text in tables() if name == table or name.startswith(f"{table}.")}
    keys = {key for name, text in tables() if name == table for key in re.findall(r"\b(\w+) = ", text)}
    inner = {name.removeprefix(f"{table}.") for name in shown}
    assert model.model_fields.keys() - keys - inner == set()


def tables() -> list[tuple[str, str]]:
    """What the template has in each table, with the prose."""
    found = re.split(r"^#?\[+(.+?)\]+\n", TEMPLATE, flags=re.MULTILINE)[1:]
    names = [re.sub(r"^(services|hooks)\.\w+", r"\1.NAME", name) for name in found[::2]]
    return list(zip(names, found[1::2], strict=True))


def test_the_template_shows_the_defaults():
    config, _ = parse(tomllib.loads(switched_on()))
    assert config.legacy.model_copy(update={"settings": None}) == LegacyConfig()
    assert config.gateway.model_copy(update={"root_path": ""}) == GatewaySettings()
    assert config.rollout.model_copy(update={"cookie": False}) == RolloutSettings()
    assert config.mirror.model_copy(update={"process": None, "socket": None, "database": {}}) == MirrorSettings()


def test_the_template_shows_the_defaults_of_services_and_routes():
    config, _ = parse(tomllib.loads(switched_on()))
    route, service, defaults = config.routes[0], config.services["catalog"], RouteConfig.model_fields
    assert (route.fallback, route.mirror, service.breaker) == (FallbackConfig(), MirrorConfig(), BreakerConfig())
    assert route.guard == GuardConfig()
    assert (route.key, route.steps, service.timeout) == (defaults["key"].default, defaults["steps"].default, 30.0)


def test_the_template_fits_a_screen():
    assert max(map(len, TEMPLATE.splitlines())) <= 120
