"""`python manage.py gateway …` is the same command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.support.commandline import CATALOG
from tests.support.server import environment


@pytest.fixture
def manage(project: Path) -> Any:
    """Run manage.py in a project that has "gateway.control" among its apps."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'INSTALLED_APPS += ["gateway.control"]\n')
    (project / "gateway.toml").write_text(CATALOG.replace('settings = "legacy.settings"\n', ""))

    def run(*arguments: str) -> Any:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)

    return run


@pytest.mark.server
def test_takes_the_same_arguments(manage):
    result = manage("gateway", "routes", "--json")
    assert result.returncode == 0, result.stderr
    assert [route["route"] for route in json.loads(result.stdout)["routes"]] == ["price", "catalog"]


@pytest.mark.server
def test_uses_the_settings_of_manage_py(manage):
    assert "legacy      Django, mysite.settings, 4 threads" in manage("gateway", "check").stdout


@pytest.mark.server
def test_refuses_other_settings_in_the_configuration(manage, project):
    (project / "gateway.toml").write_text('[legacy]\nsettings = "mysite.production"\n')
    result = manage("gateway", "check")
    assert result.returncode == 3
    assert "this process has set up mysite.settings already" in result.stderr


@pytest.mark.server
@pytest.mark.parametrize("arguments", [["gateway", "--help"], ["help", "gateway"]])
def test_help_is_the_command_lines_own(manage, arguments):
    assert manage(*arguments).stdout.startswith("Usage: manage.py gateway [OPTIONS] COMMAND")


@pytest.mark.server
def test_wrong_usage_keeps_its_status(manage):
    assert manage("gateway", "nonsense").returncode == 2


@pytest.mark.django_db
def test_call_command_works(catalog, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("gateway", "routes", "--json")
    assert ended.value.code == 0
    assert len(json.loads(capsys.readouterr().out)["routes"]) == 2
