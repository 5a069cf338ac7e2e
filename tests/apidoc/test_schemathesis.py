"""schemathesis makes requests of the demo's document, and finds no server error and no status that isn't in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from legacy.suppliers.stub import StubSupplier, serving
from tests.support.server import ROOT, Server, environment

SETTINGS = "tests.apidoc.demo_settings"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
FILL = f"""
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from legacy.accounts.models import User
from legacy.shop.models import Category, Product
from rest_framework.authtoken.models import Token
category = Category.objects.create(name="Books", slug="books")
for number in range(1, 6):
    Product.objects.create(category=category, sku=f"A-{{number}}", name=f"Book {{number}}", slug=f"book-{{number}}",
                           price=number, stock=1000)
boss = User.objects.create_superuser("boss", "boss@example.com", "boss")
Token.objects.create(user=boss, key="{TOKEN}")
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo behind the gateway, with a supplier and some rows; its document is public."""
    folder = tmp_path_factory.mktemp("demo")
    database = folder / "shop.sqlite3"
    variables = environment(DJANGO_SETTINGS_MODULE=SETTINGS, PROJECT_DATABASE=str(database))
    subprocess.run([sys.executable, "-c", FILL], env=variables, check=True)
    toml = (ROOT / "gateway.toml").read_text().replace('"legacy.settings"', f'"{SETTINGS}"')
    with serving(StubSupplier()) as suppliers, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPPLIERS_URL", suppliers)
        with Server(folder, f'[gateway]\ndocs = "public"\n{toml}', database=database) as server:
            yield server


def generated(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`schemathesis run` from the document, as a member of staff."""
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        str(program),
        "run",
        f"http://127.0.0.1:{server.port}/openapi.json",
        "-H",
        f"Authorization: Token {TOKEN}",
    ]
    checks = ["--checks", "not_a_server_error,status_code_conformance", "--phases", "coverage,fuzzing"]
    limits = ["--max-examples", "3", "--seed", "1", "--no-color", "--suppress-health-check", "all"]
    variables = {**os.environ, "NO_PROXY": "*"}
    return subprocess.run(
        [*command, *checks, *limits, *arguments], env=variables, cwd=server.folder, capture_output=True, text=True
    )


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.proof
def test_no_server_error_and_no_undocumented_status(demo):
    result = generated(demo)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr
