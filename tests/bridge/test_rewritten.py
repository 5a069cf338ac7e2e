"""What a rewritten endpoint takes and gives beside plain fields: links, files, OPTIONS, one or many, one of several."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.core.files.uploadedfile import UploadedFile
from django.db.models.fields.files import FieldFile, FileField
from django.urls import path
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.bridge.drf import DRFChar, DRFFile, DRFInteger, DRFRoute, drf_field
from gateway.bridge.drf.credentials import drf
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio

GROUP = Group(pk=3, name="readers")
STORAGE = InMemoryStorage(base_url="/media/")


def stored(name: str | None) -> FieldFile:
    field = FileField(storage=STORAGE)
    field.attname = field.name = "file"
    return FieldFile(GROUP, field, name)


# -- as it was -----------------------------------------------------------------------------------


class GroupSerializer(serializers.ModelSerializer[Group]):
    url = serializers.HyperlinkedIdentityField(view_name="r-group")
    file = serializers.SerializerMethodField()
    name = serializers.CharField(max_length=9)

    class Meta:
        model = Group
        fields = ("id", "url", "name", "file")

    def get_file(self, group: Group) -> Any:
        return None


class Groups(APIView):
    """A group."""

    permission_classes = ()
    throttle_classes = ()

    def get_serializer(self, **options: Any) -> Any:
        return GroupSerializer(**options)

    def get(self, request: Any, pk: int = 0) -> Response:
        link = GroupSerializer(GROUP, context={"request": request}).data["url"]
        files = [serializers.FileField(), serializers.FileField()]
        for field in files:
            field.bind("file", serializers.Serializer(context={"request": request}))
        shown = [field.to_representation(stored(name)) for field, name in zip(files, ("a.txt", None), strict=True)]
        return Response({"id": 3, "url": link, "name": "readers", "file": shown[0], "none": shown[1]})


class Bodies(APIView):
    permission_classes = ()
    throttle_classes = ()


class Cat(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["cat"])
    lives = serializers.IntegerField(max_value=9)


class Dog(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["dog"])
    name = serializers.CharField()


class Many(Bodies):
    def post(self, request: Any) -> Response:
        serializer = Cat(data=request.data, many=isinstance(request.data, list))
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data)


urlpatterns = [
    path("r/groups/<int:pk>/", Groups.as_view(), name="r-group"),
    path("r/async/<int:pk>/", Groups.as_view()),
    path("r/many/", Many.as_view()),
    path("r/several/", Bodies.as_view()),
    path("r/several-many/", Bodies.as_view()),
]


# -- rewritten -----------------------------------------------------------------------------------


class GroupBody(BaseModel):
    name: Annotated[str, DRFChar(max_length=9)]


class GroupOut(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: Annotated[int, DRFInteger(label="ID")]
    url: Annotated[Any, drf_field(serializers.HyperlinkedIdentityField, view_name="r-group", native=Group)]
    name: Annotated[str, DRFChar(max_length=9)]
    file: Annotated[UploadedFile, DRFFile()]
    none: Annotated[UploadedFile, DRFFile()]


class CatBody(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, DRFInteger(max_value=9)]


class DogBody(BaseModel):
    kind: Literal["dog"]
    name: Annotated[str, DRFChar()]


app = FastAPI()
router = APIRouter(prefix="/r", route_class=DRFRoute, dependencies=[Depends(drf(permissions=[], throttles=[]))])


def group() -> dict[str, Any]:
    return {"id": 3, "url": GROUP, "name": "readers", "file": stored("a.txt"), "none": stored(None)}


@router.get("/groups/{pk}/")
def read_group(pk: int) -> GroupOut:
    return GroupOut(**group())


@router.post("/groups/{pk}/")
def change_group(pk: int, body: GroupBody) -> GroupOut:
    return GroupOut(**group())


@router.get("/async/{pk}/", response_model=GroupOut)
async def read_async(pk: int) -> Any:
    return group()


@router.post("/many/")
async def many(body: CatBody | list[CatBody]) -> CatBody | list[CatBody]:
    return body


@router.post("/several/")
def several(body: Annotated[CatBody | DogBody, Field(discriminator="kind")]) -> dict[str, Any]:
    return {type(body).__name__: body.model_dump()}


@router.post("/several-many/")
def several_many(body: list[Annotated[CatBody | DogBody, Field(discriminator="kind")]]) -> list[str]:
    return [type(one).__name__ for one in body]


app.include_router(router)


@pytest.fixture
async def served(gateway, project):
    project.ROOT_URLCONF = __name__
    STORAGE.save("a.txt", ContentFile(b"a"))
    routes = [{"name": "r", "prefix": "/r", "service": "r", "claim": "all", "fallback": False}]
    async with running(gateway(services={"r": {"app": f"{__name__}:app", "answers": "drf"}}, routes=routes)) as made:
        yield made


@pytest.fixture
async def legacy(gateway, project):
    project.ROOT_URLCONF = __name__
    async with running(gateway()) as made:
        yield made


async def post(app, target, data):
    body = json.dumps(data).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return await ask(app, target, "POST", body=body, headers=headers)


@pytest.mark.parametrize("target", ["/r/groups/3/", "/r/async/3/"])
async def test_links_and_files_of_models_are_written_as_by_a_serializer(served, legacy, target):
    found, expected = await ask(served, target), await ask(legacy, target)
    assert found["x-served-by"] == "r"
    assert (found.status, found.json()) == (200, expected.json())
    assert found.json()["file"] == "http://testserver/media/a.txt"
    assert found.json()["url"] == "http://testserver/r/groups/3/"


async def test_options_has_what_is_only_in_the_answer(served):
    fields = (await ask(served, "/r/groups/3/", "OPTIONS")).json()["actions"]["POST"]
    told = {name: (field["required"], field["read_only"], field["type"]) for name, field in fields.items()}
    assert told == {
        "id": (False, True, "integer"),
        "url": (False, True, "field"),
        "name": (True, False, "string"),
        "file": (False, True, "file upload"),
        "none": (False, True, "file upload"),
    }


CATS = [
    {"kind": "cat", "lives": "9"},
    [{"kind": "cat", "lives": 1}, {"kind": "cat", "lives": 2}],
    [],
    {"kind": "cat"},
    [{"kind": "cat", "lives": 1}, {"kind": "dog", "lives": 10}],
    [1],
    1,
]


@pytest.mark.parametrize("data", CATS, ids=map(json.dumps, CATS))
async def test_one_or_many(served, legacy, data):
    found, expected = await post(served, "/r/many/", data), await post(legacy, "/r/many/", data)
    assert (found.status, found.json()) == (expected.status, expected.json())


@pytest.mark.parametrize(
    ("data", "status", "answer"),
    [
        ({"kind": "cat", "lives": "9"}, 200, {"CatBody": {"kind": "cat", "lives": 9}}),
        ({"kind": "dog", "name": " Rex "}, 200, {"DogBody": {"kind": "dog", "name": "Rex"}}),
        ({"kind": "dog", "lives": 1}, 400, {"name": ["This field is required."]}),
        ({"lives": 1}, 400, {"kind": ["This field is required."]}),
        ({"kind": "cow"}, 400, {"kind": ['"cow" is not a valid choice.']}),
        ({"kind": ["cat"]}, 400, {"kind": ["\"['cat']\" is not a valid choice."]}),
        ([1], 400, {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
async def test_one_of_several(served, data, status, answer):
    found = await post(served, "/r/several/", data)
    errors = found.json().get("errors", found.json())
    assert (found.status, errors) == (status, answer)


@pytest.mark.parametrize(
    ("data", "status", "answer"),
    [
        ([{"kind": "cat", "lives": 1}, {"kind": "dog", "name": "Rex"}], 200, ["CatBody", "DogBody"]),
        ([{"kind": "cat", "lives": 1}, {"kind": "dog"}], 400, [{}, {"name": ["This field is required."]}]),
        ({"kind": "cat"}, 400, {"non_field_errors": ['Expected a list of items but got type "dict".']}),
    ],
)
async def test_many_of_several(served, data, status, answer):
    found = await post(served, "/r/several-many/", data)
    errors = found.json() if status == 200 else found.json().get("errors")
    assert (found.status, errors) == (status, answer)


def test_the_views_serializers_are_not_asked_where_no_field_wants_them():
    contexts = {route.path: route._answers_in_context for route in router.routes}
    assert contexts["/r/groups/{pk}/"]
    assert not contexts["/r/several/"]
