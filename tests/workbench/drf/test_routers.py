"""The router that takes the place of a view: lifted, or written anew with what its view has."""

from __future__ import annotations

import itertools
import sys
import types
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import path
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import (
    CreateAPIView,
    DestroyAPIView,
    ListAPIView,
    ListCreateAPIView,
    RetrieveAPIView,
    RetrieveUpdateAPIView,
    RetrieveUpdateDestroyAPIView,
)
from rest_framework.pagination import BasePagination, CursorPagination, PageNumberPagination
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.bridge.drf.credentials import drf
from gateway.workbench.drf.contracts import asked
from gateway.workbench.drf.lifted_router import lifted
from gateway.workbench.drf.rewritten_router import Rewrites
from gateway.workbench.inventory import find
from gateway.workbench.scaffold.module import module_text
from gateway.workbench.scaffold.references import Untranslatable
from legacy.shop.models import Category

_numbers = itertools.count()


class Named(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ("name",)


class WithPermissions(serializers.ModelSerializer):
    class Meta:
        model = Group
        fields = ("id", "name", "permissions")


class Linked(serializers.HyperlinkedModelSerializer):
    class Meta:
        model = Category
        fields = ("url", "name")


class Groups(ListCreateAPIView):
    queryset = Group.objects.all()
    serializer_class = WithPermissions
    pagination_class = None


class OneGroup(RetrieveUpdateDestroyAPIView):
    queryset = Group.objects.all()
    serializer_class = WithPermissions


class Location(CreateAPIView):
    queryset = Category.objects.all()
    serializer_class = Linked


class Soft(DestroyAPIView):
    queryset = Category.objects.all()

    def perform_destroy(self, instance: Any) -> None:
        instance.hidden = True
        instance.save()


class Noting(RetrieveUpdateAPIView):
    queryset = Category.objects.all()
    serializer_class = Named

    def perform_update(self, serializer: Any) -> None:
        serializer.save(changed_by=self.request.user)


class OfACaller(RetrieveAPIView):
    def get_queryset(self) -> Any:
        return Category.objects.filter(owner=self.request.tenant)

    def get_serializer_class(self) -> Any:
        return Named if self.request.tenant else Linked


class Computed(RetrieveAPIView):
    serializer_class = Named

    def get_queryset(self) -> Any:
        return Category.objects.exclude(name="")


class Wordy(PageNumberPagination):
    def get_paginated_response(self, data: Any) -> Any:
        return Response({"all": data})


class Strange(BasePagination):
    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        return list(queryset)


class ByTenant(BaseFilterBackend):
    """Which reads no query."""


class Listed(ListAPIView):
    queryset = Category.objects.all()
    serializer_class = Named
    filter_backends = (ByTenant,)
    pagination_class = None


class Plain(APIView):
    def get(self, request: Any) -> Any:
        return Response({})


@api_view(["GET"])
@permission_classes([IsAdminUser])
def function_view(request: Any) -> Any:
    return Response({})


lost = type("Elsewhere", (Plain,), {"__module__": __name__}).as_view()  # a class that its module hasn't


def function_that_is_gone(request: Any) -> Any:
    return Response({})


gone, function_that_is_gone = api_view(["GET"])(function_that_is_gone), None


def local() -> Any:
    class Local(Plain):
        """Which can't be imported."""

    return Local.as_view()


urlpatterns = [
    path("groups/", Groups.as_view()),
    path("groups/<int:pk>/", OneGroup.as_view()),
    path("located/", Location.as_view()),
    path("soft/<int:pk>/", Soft.as_view()),
    path("noted/<int:pk>/", Noting.as_view()),
    path("mine/<int:pk>/", OfACaller.as_view()),
    path("computed/<int:pk>/", Computed.as_view()),
    path("wordy/", Listed.as_view(pagination_class=Wordy)),
    path("strange/", Listed.as_view(pagination_class=Strange)),
    path("cursor/", Listed.as_view(pagination_class=CursorPagination)),
    path("listed/", Listed.as_view()),
    path("plain/", Plain.as_view()),
    path("function/", function_view),
    path("local/", local()),
    path("lost/", lost),
    path("gone/", gone),
]


@pytest.fixture(autouse=True)
def urlconf(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def rewritten(*endpoints: str) -> tuple[types.ModuleType, Rewrites, str]:
    """The module for these endpoints, how it was made, and its text."""
    rewrites = Rewrites([find(endpoint) for endpoint in endpoints])
    text = module_text("The endpoints.", rewrites.text(), exported=["router"])
    module = types.ModuleType(f"rewritten_{next(_numbers)}")
    sys.modules[module.__name__] = module
    exec(compile(text, module.__name__, "exec"), module.__dict__)  # noqa: S102 - it is what we wrote
    return module, rewrites, text


# -- written anew -----------------------------------------------------------------------------------


def test_many_to_many_fields_are_set_after_the_row_is_saved(db):
    module, rewrites, _ = rewritten("POST /groups/", "PUT /groups/{pk}/")
    first, second = Permission.objects.all()[:2]
    group = module.create_group({"name": "editors", "permissions": [first]})
    assert (group.name, [*group.permissions.all()]) == ("editors", [first])

    module.update_group(group, {"name": "readers", "permissions": [second]})
    group.refresh_from_db()
    assert (group.name, [*group.permissions.all()]) == ("readers", [second])

    module.update_group(group, {"name": "all"})  # as in a PATCH
    assert (group.name, [*group.permissions.all()]) == ("all", [second])
    assert rewrites.todos == []


def test_an_answer_with_a_location_is_to_do():
    _, rewrites, text = rewritten("POST /located/")
    assert rewrites.todos == [f"POST /located/: {__name__}.Location.post (its answer has a Location)"]
    assert "raise NotImplementedError" in text


def test_a_deletion_of_the_projects_own_is_to_do_with_its_source():
    module, rewrites, text = rewritten("DELETE /soft/{pk}/")
    assert rewrites.todos == [f"{__name__}.Soft.perform_destroy"]
    assert "instance.hidden = True" in text
    with pytest.raises(NotImplementedError, match="TODO: "):
        module.delete_delete_soft(None, None)


def test_what_put_and_patch_do_alike_is_to_do_once():
    module, rewrites, text = rewritten("PUT /noted/{pk}/", "PATCH /noted/{pk}/")
    assert rewrites.todos == ["Noting.perform_update"]
    assert text.count("serializer.save(changed_by=self.request.user)") == 1
    with pytest.raises(NotImplementedError, match=r"TODO: Noting\.perform_update"):
        module.update_named(None, None, None)


def test_a_serializer_that_depends_on_the_caller_is_to_do():
    _, rewrites, _ = rewritten("GET /mine/{pk}/")
    assert "get_serializer() can't be asked without a request: AttributeError" in rewrites.todos[0]


def test_a_view_without_serializer_is_to_do_with_its_source():
    _, rewrites, text = rewritten("GET /plain/", "GET /function/")
    assert [todo.partition(":")[0] for todo in rewrites.todos] == ["GET /plain/", "GET /function/"]
    assert "return Response({})" in text


def test_a_function_of_drfs_keeps_its_classes():
    assert [type(one) for one in drf(view=function_view).alone().get_permissions()] == [IsAdminUser]


@pytest.mark.parametrize(
    ("endpoint", "answer", "notes"),
    [
        ("GET /listed/", "response_model=list[Named", 0),
        ("GET /cursor/", "response_model=PaginatedNamed", 0),
        ("GET /strange/", "response_model=None", 0),
        ("GET /wordy/", "response_model=None", 1),
    ],
)
def test_pages_are_in_the_document_as_far_as_they_are_known(endpoint, answer, notes):
    _, rewrites, text = rewritten(endpoint)
    assert answer in text
    assert ["what Wordy answers is not in the OpenAPI document" in note for note in rewrites.notes] == [True] * notes


# -- lifted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("endpoint", "name"), [("GET /plain/", "Plain"), ("GET /function/", "function_view")])
def test_a_view_is_lifted_by_its_name(endpoint, name):
    text = module_text("The endpoint.", lifted([find(endpoint)], None))
    assert f"import {name}" in text or f", {name}" in text
    assert f"    {name}," in text or f"({name}," in text


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("GET /local/", "local.<locals>.Local' can't be imported"),
        ("GET /lost/", "Elsewhere is something else"),
        ("GET /gone/", "function_that_is_gone is something else: give the view of GET /gone/ a name in its module"),
    ],
)
def test_a_view_without_a_name_cannot_be(endpoint, why):
    with pytest.raises(Untranslatable, match=why):
        lifted([find(endpoint)], None)


# -- what a contract test knows ---------------------------------------------------------------------


def test_the_rows_of_a_computed_queryset_are_known():
    assert "Category" in str(asked(find("GET /computed/{pk}/")).model)
    assert asked(find("GET /mine/{pk}/")).model is None


def test_a_filter_that_reads_no_query_has_no_parameter():
    assert asked(find("GET /listed/")).queries == ()
    assert asked(find("GET /wordy/")).queries == ("page",)
