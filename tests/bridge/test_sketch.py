"""The document of a lifted view, where the project has none: what a view leaves open stays open, and nothing fails."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi import FastAPI
from rest_framework import generics, serializers
from rest_framework.filters import SearchFilter
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.bridge.drf import lift

JSON = "application/json"


def document(view: Any) -> dict[str, Any]:
    app = FastAPI()
    app.include_router(lift(view, path="/things/"))
    return app.openapi()


def body_of_post(view: Any) -> Any:
    return document(view)["paths"]["/things/"]["post"]["requestBody"]["content"][JSON]["schema"]


class Thing(serializers.Serializer[Any]):
    size = serializers.ChoiceField(choices=["s", "m"], allow_null=True)
    number = serializers.ChoiceField(choices=["one", 2], allow_null=True)
    note = serializers.CharField(allow_null=True)


class Create(generics.CreateAPIView[Any]):
    serializer_class = Thing

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(request.data, 201)


def test_null_is_one_of_the_choices_and_one_of_the_types():
    properties = document(Create)["components"]["schemas"]["Thing"]["properties"]
    assert properties["size"] == {"enum": ["s", "m", None], "type": ["string", "null"]}
    assert properties["number"] == {"enum": ["one", 2, None]}
    assert properties["note"] == {"type": ["string", "null"]}


class Documented(Create):
    class serializer_class(Thing):  # noqa: N801 - an attribute
        """What can be bought."""


@pytest.mark.parametrize(
    ("view", "name", "description"), [(Create, "Thing", None), (Documented, "serializer_class", "What can be bought.")]
)
def test_a_body_is_described_by_the_docstring_of_its_serializer(view, name, description):
    assert document(view)["components"]["schemas"][name].get("description") == description


class Several(Create):
    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        return super().get_serializer(*args, **kwargs | {"many": True})


def test_a_view_of_several_takes_a_list():
    assert body_of_post(Several) == {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}


class Without(APIView):
    def post(self, request: Any) -> Response:
        return Response(request.data)


class OwnKind(Create):
    class serializer_class(serializers.BaseSerializer[Any]):  # noqa: N801 - an attribute
        pass


@pytest.mark.parametrize("view", [Without, OwnKind])
def test_without_fields_a_body_may_be_anything(view):
    assert body_of_post(view) == {}


class Needy(Create):
    def get_serializer_class(self) -> Any:
        return {"ada": Thing}[self.request.user.username]


def test_a_serializer_that_needs_a_real_request_is_missing_and_the_log_says_why(caplog):
    with caplog.at_level(logging.WARNING, "gateway.bridge"):
        assert body_of_post(Needy) == {}
    assert "Needy'> is not in the OpenAPI document" in caplog.text
    assert "KeyError" in caplog.text


class OwnFilter:
    """One of the project's, which documents nothing."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        raise NotImplementedError


class Listed(generics.ListAPIView[Any]):
    serializer_class = Thing
    filter_backends = (SearchFilter, OwnFilter)
    search_fields = ("name",)
    pagination_class = None


def test_parameters_are_those_that_the_filters_document():
    parameters = document(Listed)["paths"]["/things/"]["get"]["parameters"]
    assert [one["name"] for one in parameters] == ["search"]
