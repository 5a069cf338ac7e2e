"""What is scaffolded passes the contract tests that are written with it, unedited but for what is listed as to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workbench.scaffold.demo import project, run, scaffold

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]

VIEWS = ("categories", "products", "reviews", "orders")
OURS = """\
from gateway.bridge.drf.validated import validated_data
from legacy.shop.api.serializers import OrderSerializer, ProductDetailSerializer, ProductSerializer, ReviewSerializer
"""
# What is listed as to do in the rewritten endpoints, and what somebody writes there. `self` is the serializer.
DONE = {
    "ProductSerializer.get_rating": "return ProductSerializer.get_rating(self, product)",
    "ProductDetailSerializer.get_rating": "return ProductDetailSerializer.get_rating(self, product)",
    "ReviewSerializer.validate_product": "return ReviewSerializer.validate_product(self, product)",
    "ReviewViewSet.perform_create, ReviewSerializer.create": (
        'return ReviewSerializer(context={"request": request}).create(validated_data(body) | {"author": request.user})'
    ),
    "OrderSerializer.validate": "return OrderSerializer.validate(self, attrs)",
    "OrderSerializer.create": 'return OrderSerializer(context={"request": request}).create(validated_data(body))',
}
# Actions of the project's own, which nobody has written anew.
ACTIONS = ("legacy.shop.api.views.ProductViewSet.images", "legacy.shop.api.views.OrderViewSet.cancel")


def contract_tests(folder: Path, *options: str) -> None:
    done = run(folder, "pytest", "tests", "-q", "-n", "2", "-p", "no:cacheprovider", *options)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "passed" in done.stdout


def type_checked(folder: Path) -> None:
    done = run(folder, "mypy", "--ignore-missing-imports", "--follow-imports=silent", "services")
    assert done.returncode == 0, done.stdout


def test_lifted_endpoints_pass_their_contract_tests(tmp_path):
    folder = project(tmp_path)
    for view in VIEWS:
        written = scaffold(folder, f"/api/{view}/", "--service", view, "--whole-viewset")
        assert written.returncode == 0, written.stdout
        assert "To do" not in written.stdout

    type_checked(folder)
    contract_tests(folder)


def test_rewritten_endpoints_pass_them_once_what_is_to_do_is_done(tmp_path):
    folder = project(tmp_path)
    listed = set()
    for view in VIEWS:
        written = scaffold(folder, f"/api/{view}/", "--service", view, "--whole-viewset", "--rewrite")
        assert written.returncode == 0, written.stdout
        listed |= {line.removeprefix("To do: ") for line in written.stdout.splitlines() if line.startswith("To do: ")}
        module = folder / "services" / view / f"{view}.py"
        module.write_text(filled(module.read_text()))

    assert {one.rpartition(": ")[2] for one in listed} == {*DONE, *ACTIONS}
    type_checked(folder)
    contract_tests(folder, "-k", "not images and not cancel")


def filled(text: str) -> str:
    """The text, with what is to do done."""
    for what, statement in DONE.items():
        text = text.replace(f'raise NotImplementedError("TODO: {what}")', statement)
    return text.replace("\nrouter = ", f"\n{OURS}\nrouter = ", 1)
