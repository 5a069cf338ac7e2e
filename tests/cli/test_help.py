"""`gateway --help`, and what holds for every command."""

import re
import subprocess
import sys

import pytest
import typer.main

from gateway.cli.app import app

SHARED = {"--config", "--help"}
OPTIONS = {
    "init": {"--settings", "--path", "--force", "--help"},
    "check": {*SHARED, "--json", "--baseline", "--update"},
    "routes": {*SHARED, "--json", "--verbose"},
    "scaffold": {*SHARED, "--json", "--service", "--rewrite", "--whole-viewset", "--dry-run", "--tests"},
    "contract": {*SHARED, "--json", "--strict", "--verbose", "--examples", "--seed"},
    "inventory": {
        *(*SHARED, "--json", "--sort", "--method", "--app", "--kind", "--stage", "--route"),
        *("--dead", "--all", "--days", "--next", "--corpus", "--verbose"),
    },
    "explain": {*SHARED, "--json", "--host", "--header", "--as", "--client"},
    "retire": {*SHARED, "--json", "--write", "--dry-run", "--days", "--anyway", "--keep-tests", "--exclude"},
    "sign": {*SHARED, "--json", "--side", "--valid"},
    "status": {*SHARED, "--json", "--verbose", "--watch"},
    "promote": {*SHARED, "--json", "--who", "--why", "--weight", "--to", "--anyway"},
    "rollback": {*SHARED, "--json", "--who", "--why", "--weight", "--to", "--force"},
    "pause": {*SHARED, "--json", "--who", "--why"},
    "resume": {*SHARED, "--json", "--who", "--why"},
    "clear": {*SHARED, "--anyway", "--json", "--who", "--why"},
    "diffs": {*SHARED, "--json", "--all", "--since", "--until", "--who", "--why"},
    "record": {
        *SHARED,
        "--json",
        "--who",
        "--why",
        "--for",
        "--output",
        "--force",
        "--percent",
        "--cases",
        "--max-body",
        "--by",
        "--lines",
        "--redact",
        "--unredacted",
        "--detach",
        "--fetch",
        "--har",
        "--as",
        "--host",
    },
    "history": {*SHARED, "--json", "--limit"},
    "hooks": {*SHARED, "--json"},
    "version": {"--help"},
    "serve": {
        *SHARED,
        "--host",
        "--port",
        "--uds",
        "--workers",
        "--reload",
        "--root-path",
        "--proxy-headers",
        "--no-proxy-headers",
        "--forwarded-allow-ips",
        "--http",
        "--proxy-hops",
        "--log-level",
        "--access-log",
        "--no-access-log",
        "--timeout-graceful-shutdown",
        "--timeout-start",
    },
}


def listed(text: str) -> set[str]:
    """The options that a help text has a line for."""
    lines = re.findall(r"^  (?:-\w, )?(--[\w-]+)(?: / (--[\w-]+))?", text, re.MULTILINE)
    return {option for line in lines for option in line if option}


@pytest.mark.long
def test_lists_every_command(invoke):
    assert all(f"\n  {command} " in invoke("--help").stdout for command in OPTIONS)


@pytest.mark.parametrize("command", OPTIONS)
def test_lists_every_option(invoke, command):
    assert listed(invoke(command, "--help").stdout) == OPTIONS[command]


def test_explains_every_option():
    commands = typer.main.get_command(app).commands.values()
    options = [option for command in commands for option in command.params]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("command", sorted(OPTIONS.keys() - {"version"}))
def test_gives_examples(invoke, command):
    assert f"\n    gateway {command}" in invoke(command, "--help").stdout


def test_names_the_exit_statuses(invoke):
    assert "Exit status: 0 success, 1 the transition isn't possible, 2 wrong usage, 3" in invoke("--help").stdout


@pytest.mark.slow
def test_loads_nothing_heavy():
    script = (
        "import sys\n"
        "from gateway.cli.app import app\n"
        "try: app(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'django', 'fastapi', 'rich', 'starlette', 'uvicorn'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.long
def test_a_command_loads_no_other():
    """A server keeps all that was ever loaded."""
    script = (
        "import sys\n"
        "from gateway.cli.app import app\n"
        "try: app(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('gateway.cli.')))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['gateway.cli.app', 'gateway.cli.common', 'gateway.cli.serve']"


@pytest.mark.long
def test_a_worker_process_loads_no_typer():
    script = "import sys, gateway.server.uvicorn; print('typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_prints_versions(invoke, arguments):
    result = invoke(*arguments)
    assert re.match(r"gateway [\d.]+ \(Django [\d.]+, FastAPI [\d.]+, uvicorn [\d.]+, Python [\d.]+", result.stdout)
    assert result.exit_code == 0


@pytest.mark.parametrize("arguments", [["nonsense"], ["check", "--nonsense"], ["explain", "GET"], []])
def test_wrong_usage_is_status_2(invoke, arguments):
    assert invoke(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["routes"],
        ["explain", "GET", "/"],
        ["serve"],
        ["status"],
        ["rollback", "catalog"],
        ["diffs", "catalog"],
        ["history"],
        ["sign", "catalog", "--side", "legacy"],
    ],
)
def test_without_a_configuration_says_how_to_get_one(invoke, command):
    result = invoke(*command)
    assert result.exit_code == 3
    assert "gateway.toml: not found here; `gateway init` writes one" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["--config", "other.toml", "routes"], ["routes", "--config", "other.toml"]])
def test_config_goes_before_or_after_the_command(invoke, catalog, arguments):
    catalog.rename("other.toml")
    assert "/api/prices/{sku}" in invoke(*arguments).stdout


def test_the_option_after_the_command_wins(invoke, catalog):
    assert invoke("--config", "missing.toml", "routes", "--config", str(catalog)).exit_code == 0


def test_config_comes_from_the_environment(invoke, catalog, monkeypatch):
    monkeypatch.setenv("GATEWAY_CONFIG", str(catalog.rename("other.toml")))
    assert "/api/prices/{sku}" in invoke("routes").stdout


def test_config_in_pyproject(invoke, here):
    (here / "pyproject.toml").write_text('[tool.gateway.legacy]\nsettings = "legacy.settings"\n')
    assert invoke("routes").stdout == "There are no routes: Django answers everything.\n"


def test_a_config_that_is_missing_is_status_3(invoke):
    result = invoke("check", "--config", "missing.toml")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "missing.toml: can't be read: No such file or directory" in result.stderr


def test_without_the_library_for_agents_it_says_what_to_install(invoke, catalog, monkeypatch):
    monkeypatch.setitem(sys.modules, "gateway.workbench.agent_tools", None)
    result = invoke("mcp")
    assert result.exit_code == 3
    assert "pip install 'django-fastapi-gateway[mcp]'" in result.stderr
