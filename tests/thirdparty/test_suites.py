"""Somebody else's test suite, as its sdist on PyPI has it: through the gateway it says what it says without."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.server import environment

pytestmark = [pytest.mark.thirdparty, pytest.mark.slow, pytest.mark.proof]

PACKAGE = "djangorestframework"
# The files whose tests make requests; docs/testing.md says how to run them all.
FILES = (
    "authentication",
    "browsable_api",
    "test_atomic_requests.py",
    "test_middleware.py",
    "test_permissions.py",
    "test_renderers.py",
    "test_request.py",
    "test_requests_client.py",
    "test_response.py",
    "test_routers.py",
    "test_testing.py",
    "test_viewsets.py",
)
# What its conftest takes the database from; nothing else of that package is used.
DATABASE_URL = """
def config(*args, **kwargs):
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}

parse = config
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist of the version that is installed."""
    folder = tmp_path_factory.mktemp("sdist")
    wanted = f"{PACKAGE}=={importlib.metadata.version(PACKAGE)}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", PACKAGE]
    subprocess.run([*pip, "--dest", str(folder), wanted], check=True, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    (unpacked,) = (path.parent for path in folder.glob("*/tests"))
    (unpacked / "dj_database_url.py").write_text(DATABASE_URL)
    return unpacked


def outcomes(suite: Path, *options: str) -> dict[tuple[str, str], str]:
    """What became of each test."""
    report = suite / "report.xml"
    plugins = [f"no:{name}" for name in ("cacheprovider", "ddtrace", "django_webtest")]
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"),
            *(part for plugin in plugins for part in ("-p", plugin)),
            *(f"tests/{name}" for name in FILES),
            *options,
        ],
        cwd=suite,
        env={**environment(), "PYTHONPATH": str(suite)},
        capture_output=True,
        check=False,
    )
    return {
        (case.get("classname", ""), case.get("name", "")): next(iter(case)).tag if len(case) else "passed"
        for case in ET.parse(report).getroot().iter("testcase")  # noqa: S314 - our own file
    }


def test_rest_frameworks_own_suite_says_the_same(suite: Path) -> None:
    native, through = outcomes(suite), outcomes(suite, "--through-gateway")
    assert (len(native) > 300, "failure" in native.values()) == (True, False)
    assert through == native
