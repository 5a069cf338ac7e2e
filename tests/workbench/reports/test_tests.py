"""Cases as tests: they are Python, they run, and they find what differs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.workbench.corpus import Case, RecordedResponse, User
from gateway.workbench.replay.result import EVERYONE, Outcome
from gateway.workbench.reports import TestsExist, write_tests
from tests.support.server import ROOT, environment
from tests.workbench.reports.results import HOSTILE, case, finding, hostile

ASKED = Case(
    "/api/orders/",
    "POST",
    "/api/orders/",
    headers=(("content-type", "application/json"),),
    body=b'{"a": "\xc3\xa9"}',
    user=User("staff", "3"),
    answer=RecordedResponse(400),
)


def test_a_module_for_each_route_and_a_test_for_each_case(tmp_path):
    written = write_tests([case(1), case(2, case=ASKED, route="orders")], tmp_path / "replay")
    assert sorted(path.name for path in written) == ["conftest.py", "test_catalog.py", "test_orders.py"]
    text = (tmp_path / "replay/test_orders.py").read_text()
    assert f"def test_post_api_orders_400_{ASKED.key[:6]}(compare_sides, caller):" in text
    assert (
        """        'POST',
        '/api/orders/',
        route='orders',
        headers={'content-type': 'application/json'},
        body=b'{"a": "\\xc3\\xa9"}',
        user=caller('staff'),
        recorded=400,
"""
        in text
    )


def test_what_proves_nothing_and_what_was_asked_as_others_is_left_out(tmp_path):
    cases = [case(1, outcome=Outcome.SKIPPED, reason="no row"), case(2, source=EVERYONE, acting="nobody")]
    assert [path.name for path in write_tests(cases, tmp_path)] == ["conftest.py"]


def test_the_same_request_is_one_test(tmp_path):
    write_tests([case(1), case(2)], tmp_path)
    assert (tmp_path / "test_catalog.py").read_text().count("def test_") == 1


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "conftest.py").write_text("# mine")
    write_tests([case(1)], tmp_path)
    before = (tmp_path / "test_catalog.py").read_text()
    with pytest.raises(TestsExist, match=r"not written over: .*test_catalog\.py"):
        write_tests([case(1, finding()), case(2, route="orders")], tmp_path)
    assert (tmp_path / "conftest.py").read_text() == "# mine"
    assert (tmp_path / "test_catalog.py").read_text() == before
    assert not (tmp_path / "test_orders.py").exists()


def test_what_comes_from_traffic_is_a_literal(tmp_path):
    cases = [case(1, finding(), case=one.case, route=HOSTILE) for one in hostile().cases[:1]]
    (module,) = [path for path in write_tests(cases, tmp_path) if path.name != "conftest.py"]
    assert module.parent == tmp_path
    tree = ast.parse(module.read_text())
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    call = function.body[0].value
    assert ast.literal_eval(call.args[0]) == HOSTILE
    assert {type(node) for node in ast.walk(tree) if isinstance(node, ast.Call)} == {ast.Call}
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert names == {"compare_sides"}


@pytest.mark.proof
def test_they_run_with_the_projects_own_tests(tmp_path):
    """On the demo: one that holds, one whose rows are missing, one that a service would fail."""
    folder = tmp_path / "replay"
    listed = Case("/api/products/", "GET", "/api/products/", answer=RecordedResponse(200))
    missing = Case("/api/products/{pk}/", "GET", "/api/products/7/", answer=RecordedResponse(200))
    refused = Case("/api/orders/", "POST", "/api/orders/", body=b"{}", answer=RecordedResponse(403))
    write_tests([case(1, case=listed), case(2, case=missing), case(3, case=refused, route="orders")], folder)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", str(folder), "-q", "-rs", "-p", "no:cacheprovider",
            "-c", str(ROOT / "pyproject.toml"),
            "--rootdir", str(ROOT), "--gateway-config", str(ROOT / "gateway.toml"),
        ],
        env=environment(), cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert "2 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "legacy answers 404 here, and answered 200 when this was recorded" in done.stdout
    assert Path(folder / "conftest.py").exists()
