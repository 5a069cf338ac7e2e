"""Models under `answers = "drf"`: lists with lengths, fields of related rows, what dependencies take."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from pydantic import BaseModel, Field
from rest_framework import serializers

from gateway.bridge.drf.fields import drf_field
from gateway.bridge.drf.route import DRFRoute
from gateway.bridge.drf.serializers import serializer_for
from legacy.accounts.models import User
from tests.support.asgi import ask


class Box(BaseModel):
    width: int


class Shelf(BaseModel):
    boxes: Annotated[list[Box], Field(min_length=1, max_length=2)]
    tags: Annotated[list[str], Field(min_length=2)] = ["a", "b"]


class BoxSerializer(serializers.Serializer[Any]):
    width = serializers.IntegerField()


class ShelfSerializer(serializers.Serializer[Any]):
    boxes = BoxSerializer(many=True, allow_empty=False, max_length=2)
    tags = serializers.ListField(child=serializers.CharField(), min_length=2, required=False)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"boxes": []},
        {"boxes": None},
        {"boxes": [{"width": 1}] * 2},
        {"boxes": [{"width": 1}] * 3},
        {"boxes": [{}, {"width": 1}]},
        {"boxes": [{"width": 1}], "tags": ["a"]},
        {"boxes": [{"width": 1}], "tags": []},
    ],
    ids=str,
)
def test_a_list_has_the_lengths_of_its_model(data: dict[str, Any]) -> None:
    ours, theirs = serializer_for(Shelf)(data=data), ShelfSerializer(data=data)
    assert ours.is_valid() == theirs.is_valid()
    assert ours.errors == theirs.errors


class Letter(BaseModel):
    to: Annotated[
        User,
        drf_field(
            serializers.PrimaryKeyRelatedField, queryset=User.objects.all(), native=User, schema={"type": "integer"}
        ),
    ]


def test_a_field_of_related_rows_is_described_without_asking_the_database() -> None:
    """pytest-django refuses it here; on the event loop, where documents are made, Django does."""
    described = Letter.model_json_schema()["properties"]["to"]
    assert described == {"type": "integer", "title": "To"}
    assert "queryset=<rows of User>" in repr(Letter.model_fields["to"].metadata[0])


def narrow(category: Annotated[str, Query(max_length=3)] = "") -> str:
    return category


def document(*dependencies: Any) -> Any:
    router = APIRouter(route_class=DRFRoute, dependencies=dependencies)

    @router.get("/things/")
    def things() -> list[str]:
        return []

    app = FastAPI()
    app.include_router(router)
    return app.openapi()["paths"]["/things/"]["get"]["responses"]


def test_what_only_a_dependency_takes_is_a_400_too() -> None:
    assert document(Depends(narrow)).keys() == {"200", "400", "default"}
    assert document().keys() == {"200"}


async def undocumented() -> None:
    raise AssertionError("it was asked")


undocumented.only_documents = True  # type: ignore[attr-defined]


@pytest.mark.anyio
@pytest.mark.parametrize("included", [False, True])
async def test_what_is_there_for_the_document_alone_is_not_asked_for_a_request(included: bool) -> None:
    """Included routers have handlers of their own, made of what a private name of FastAPI's says."""
    app = FastAPI()
    app.router.route_class = DRFRoute
    router = APIRouter(route_class=DRFRoute) if included else app.router

    @router.get("/things/", dependencies=[Depends(undocumented)])
    async def things() -> list[str]:
        return ["a"]

    if included:
        app.include_router(router, prefix="/all")
    assert (await ask(app, "/all/things/" if included else "/things/")).body == b'["a"]'
