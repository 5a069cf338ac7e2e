"""Where the document and its pages are."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.apidoc.paths import free, pages
from gateway.config.legacy import GatewaySettings

DOCUMENT, SWAGGER_UI, REDOC = {"/openapi.json"}, {"/docs", "/docs/start.js"}, {"/redoc"}


@pytest.mark.parametrize(
    ("settings", "there"),
    [
        ({}, DOCUMENT | SWAGGER_UI | REDOC),
        ({"docs": False}, set()),
        ({"docs_path": False}, DOCUMENT | REDOC),
        ({"redoc_path": False}, DOCUMENT | SWAGGER_UI),
        ({"docs_path": False, "redoc_path": False}, DOCUMENT),
        ({"openapi_path": False, "docs_path": False, "redoc_path": False}, set()),
        ({"docs_path": "/api/docs/"}, DOCUMENT | {"/api/docs/", "/api/docs/start.js"} | REDOC),
    ],
)
def test_each_page_has_the_path_that_the_file_gives_it(settings: dict[str, Any], there: set[str]) -> None:
    found = set(pages(GatewaySettings(**settings)))
    assert there <= found
    assert {
        path for path in found if "." not in path.rpartition("/")[2] or path.endswith(("start.js", ".json"))
    } == there


def test_a_path_of_the_project_or_one_that_may_be_its_own_is_not_taken() -> None:
    known = {"/openapi.json": False, "/docs": True, "/redoc": None}
    found = free(GatewaySettings(), lambda path: known.get(path, True))
    assert found == {"/openapi.json": "staff"}
