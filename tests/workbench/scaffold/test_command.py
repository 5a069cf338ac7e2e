"""`gateway scaffold`: what is written, and what is left alone."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.workbench.scaffold.demo import TOML, project, scaffold

pytestmark = pytest.mark.long

ONE = ("GET /api/categories/{id}/", "--service", "shelves")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A project that one endpoint was scaffolded in, and what the command said."""
    folder = project(tmp_path_factory.mktemp("written"))
    return folder, scaffold(folder, *ONE)


def test_a_router_an_application_a_test_and_a_route_are_written(written):
    folder, done = written
    router = (folder / "services/shelves/categories_retrieve.py").read_text()

    assert done.returncode == 0, done.stderr
    assert 'path="/api/categories/{pk}/"' in router
    assert 'methods=["GET"]' in router
    assert "include_router(router)" in (folder / "services/shelves/__init__.py").read_text()
    assert (
        'ROUTE = "shelves-categories-retrieve"' in (folder / "tests/test_contract_categories_retrieve.py").read_text()
    )
    assert "gateway promote shelves-categories-retrieve" in done.stdout


def test_the_configuration_stays_as_it_was_and_gets_a_route_at_stage_legacy(written):
    text = (written[0] / "gateway.toml").read_text()
    document = tomllib.loads(text)

    assert text.startswith(TOML)
    assert document["services"] == {"shelves": {"app": "services.shelves:app", "answers": "drf"}}
    assert document["routes"] == [
        {
            "name": "shelves-categories-retrieve",
            "path": "/api/categories/{pk}/",
            "methods": ["GET"],
            "service": "shelves",
            "claim": "implemented",
            "stage": "legacy",
        }
    ]


def test_once_more_changes_nothing(written):
    folder, _ = written
    before = {path: path.read_text() for path in folder.rglob("*.py")}
    again = scaffold(folder, *ONE, "--json")

    assert again.returncode == 0
    assert {file["outcome"] for file in json.loads(again.stdout)["files"]} == {"unchanged"}
    assert {path: path.read_text() for path in folder.rglob("*.py")} == before


def test_a_file_that_is_there_is_kept_and_the_difference_shown(written):
    folder, _ = written
    router = folder / "services/shelves/categories_retrieve.py"
    text = router.read_text()
    router.write_text(f"{text}\n# CategoryViewSet, by hand\n")
    again = scaffold(folder, *ONE)
    kept = router.read_text()
    router.write_text(text)

    assert again.returncode == 1
    assert kept.endswith("# CategoryViewSet, by hand\n")
    assert "-# CategoryViewSet, by hand" in again.stdout


def test_a_dry_run_writes_nothing(written):
    folder, _ = written
    before = sorted(folder.rglob("*.py"))
    done = scaffold(folder, "/api/products/", "--service", "shelves", "--whole-viewset", "--rewrite", "--dry-run")

    assert done.returncode == 0
    assert sorted(folder.rglob("*.py")) == before
    assert "class ProductDetail(BaseModel):" in done.stdout
    assert "To do: ProductSerializer.get_rating" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("/nowhere/", "--service", "shelves"), "the project has no endpoint '/nowhere/'"),
        (("/admin/", "--service", "shelves"), "of admin: only Django's and REST framework's views are scaffolded"),
        (("/status/", "--service", "shelves"), 'this endpoint needs answers = "django"'),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(written, arguments, said):
    done = scaffold(written[0], *arguments)

    assert done.returncode == 1
    assert said in done.stderr


def test_a_plain_view_is_called_through_the_bridge_or_written_anew(tmp_path: Path):
    folder = project(tmp_path)
    lifted = scaffold(folder, "/cart/add/{slug}/", "--service", "pages")
    rewritten = json.loads(
        scaffold(folder, "/cart/set/{product_pk}/", "--service", "more", "--rewrite", "--json").stdout
    )
    router = (folder / "services/pages/add_post.py").read_text()
    text = next(file["text"] for file in rewritten["files"] if file["kind"] == "router")

    assert lifted.returncode == 0, lifted.stderr
    assert "return django_view(request)" in router
    assert "def post_add(slug: str, request: DjangoRequest) -> HttpResponseBase:" in router
    assert "quantity: Annotated[int, Field(le=99, ge=0)]" in text
    assert "form = QuantityForm(request.POST)" in text  # the source
    assert rewritten["todos"] == ["legacy.shop.views.cart_set"]
