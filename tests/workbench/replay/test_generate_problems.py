"""What of an API document no requests can be made of is said, and keeps nothing else from being asked."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from gateway import Gateway
from gateway.workbench.replay.generate import generate
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


@app.post("/made/unknown/")
def unknown(body: AsNobody) -> None:
    """Take a body."""


@pytest.fixture(scope="module")
def generated() -> Any:
    document = {
        "legacy": {"settings": "legacy.settings"},
        "services": {"made": {"app": f"{__name__}:app"}},
        "routes": [{"name": "made", "prefix": "/made", "service": "made"}],
    }
    return generate(Gateway(document), Generation(count=5))


def test_an_operation_that_no_requests_can_be_made_for_is_said_and_asked_what_can_be(generated):
    (case, reason), *others = generated.left_out
    assert (case.endpoint, case.route, others) == ("POST /made/unknown/", "made", [])
    assert "positive requests" in reason
    assert "\n" not in reason
    assert {case.endpoint for case in generated.cases} == {"POST /made/known/", "POST /made/unknown/"}


def test_the_end_of_a_text_is_pythons(generated):
    bodies = [case.body for case in generated.cases if case.path == "/made/known/"]
    assert any(re.search(rb'"name": ?"[abc]+"', body) for body in bodies)
