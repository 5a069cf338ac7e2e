"""docs/configuration.md has every key, and what docs/rollout.md shows holds."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from gateway.cli.app import app
from gateway.config.compare import AcceptedConfig, CompareConfig
from gateway.config.guard import GuardConfig
from gateway.config.health import HealthSettings
from gateway.config.hooks import HookConfig
from gateway.config.legacy import GatewaySettings, LegacyConfig
from gateway.config.parse import parse
from gateway.config.rollout import MirrorSettings, RolloutSettings
from gateway.config.routes import FallbackConfig, MirrorConfig, RouteConfig
from gateway.config.section import Section
from gateway.config.services import BreakerConfig, ServiceConfig

DOCS = Path(__file__).parents[2] / "docs"
MANUAL = (DOCS / "rollout.md").read_text()
TABLES: dict[str, type[BaseModel]] = {
    "[gateway]": GatewaySettings,
    "[legacy]": LegacyConfig,
    "[services.NAME]": ServiceConfig,
    "[services.NAME.breaker]": BreakerConfig,
    "[[routes]]": RouteConfig,
    "[routes.fallback]": FallbackConfig,
    "[routes.mirror]": MirrorConfig,
    "[routes.compare]": CompareConfig,
    "[[routes.compare.accepted]]": AcceptedConfig,
    "[routes.guard]": GuardConfig,
    "[rollout]": RolloutSettings,
    "[mirror]": MirrorSettings,
    "[health]": HealthSettings,
    "[hooks.NAME]": HookConfig,
}


def documented() -> dict[str, dict[str, str]]:
    """By table, the keys that docs/configuration.md has a line for, with the default it names."""
    sections = re.split(r"^##+ (.+)\n", (DOCS / "configuration.md").read_text(), flags=re.MULTILINE)
    lines = {title: re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE) for title, text in
             zip(sections[1::2], sections[2::2], strict=True)}  # fmt: skip
    return {title: dict(found) for title, found in lines.items() if found}


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_documented(table):
    assert documented()[table].keys() == TABLES[table].model_fields.keys()


def test_every_table_is_documented():
    assert documented().keys() == TABLES.keys()
    assert {model for model in Section.__subclasses__() if model.__module__ == "gateway.config"} <= {*TABLES.values()}


DEFAULTS = [
    (table, key, shown.strip("`"))
    for table, keys in documented().items()
    for key, shown in keys.items()
    if re.fullmatch(r'`(-?[\d.]+|true|false|"[^"]*"|\[.*\]|\{\})`', shown)
]


@pytest.mark.parametrize(("table", "key", "shown"), DEFAULTS)
def test_the_documented_default_is_the_default(table, key, shown):
    default: Any = TABLES[table].model_fields[key].get_default(call_default_factory=True)
    value = tomllib.loads(f"value = {shown}")["value"]
    assert default == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL))
def test_the_examples_of_configuration_hold(text):
    document = {"legacy": {}, "services": {"catalog": {"app": "newsvc.catalog:app"}}} | tomllib.loads(text)
    assert parse(document)[1] == []


SAID = ["What counts as evidence", "How to get it", "What overrides it", "What a mirror may and may not do"]


@pytest.mark.parametrize("page", ["rollout", "guard", "parity"])
def test_three_pages_say_the_same_things_in_the_same_order(page):
    headings = re.findall(r"^##+ (.+)$", (DOCS / f"{page}.md").read_text(), re.MULTILINE)
    assert [heading for heading in headings if heading in SAID] == SAID
    assert headings[0] == SAID[0]


COMMANDS = [line.strip(" $") for line in re.findall(r"^ +\$ gateway .*$", MANUAL, re.MULTILINE)]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_that_are_shown_are_there(command):
    group: Any = typer.main.get_command(app)
    name, *arguments = shlex.split(command.partition(" | ")[0], comments=True)[1:]
    group.commands[name].make_context(name, arguments)


def test_some_commands_are_shown():
    assert {shlex.split(command)[1] for command in COMMANDS} >= {"promote", "rollback", "status", "diffs", "explain"}
