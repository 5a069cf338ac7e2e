"""What of an API document no requests can be made of is said, and keeps nothing else from being asked."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from gateway import Gateway
from gateway.workbench.replay.generate import NoGenerator, generate
from gateway.workbench.replay.generation import Generation

app = FastAPI()


class AsRestFramework(BaseModel):
    """With `\\Z` as Django REST framework writes it for engines other than Python's."""

    name: Annotated[str, Field(json_schema_extra={"pattern": r"^[a-c]+\z"})]


class AsNobody(BaseModel):
    """With a regular expression that Python does not know."""

    name: Annotated[str, Field(json_schema_extra={"pattern": r"(?<=a+)b"})]


@app.post("/made/known/")
def known(body: AsRestFramework) -> None:
    """Take a body."""


@app.get("/made/nothing/")
def nothing() -> None:
    """Take nothing."""


@app.post("/made/unknown/")
def unknown(body: AsNobody) -> None:
    """Take a body."""


@pytest.fixture(scope="module")
def generated() -> Any:
    document = {
        "legacy": {"settings": "legacy.settings"},
        "services": {"made": {"app": f"{__name__}:app"}, "far": {"url": "http://127.0.0.1:9"}},
        "routes": [
            {"name": "made", "prefix": "/made", "service": "made"},
            {"name": "far", "prefix": "/far", "service": "far", "claim": "all"},
        ],
    }
    return generate(Gateway(document), Generation(count=5))


def test_an_operation_that_no_requests_can_be_made_for_is_said_and_asked_what_can_be(generated):
    (case, reason), *others = generated.left_out
    assert (case.endpoint, case.route, others) == ("POST /made/unknown/", "made", [])
    assert "positive requests" in reason
    assert "\n" not in reason
    assert {case.endpoint for case in generated.cases} >= {"POST /made/known/", "POST /made/unknown/"}


def test_what_takes_nothing_is_asked_once(generated):
    """Nothing about it can be invalid."""
    assert [case.path for case in generated.cases if case.endpoint == "GET /made/nothing/"] == ["/made/nothing/"]


def test_of_a_service_at_a_url_no_requests_are_made(generated):
    assert {case.route for case in generated.cases} == {"made"}


def test_without_schemathesis_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    with pytest.raises(NoGenerator, match=re.escape('pip install "django-fastapi-gateway[workbench]"')):
        generate(Gateway({"legacy": {"settings": "legacy.settings"}}), Generation(count=1))


def test_the_end_of_a_text_is_pythons(generated):
    bodies = [case.body for case in generated.cases if case.path == "/made/known/"]
    assert any(re.search(rb'"name": ?"[abc]+"', body) for body in bodies)
