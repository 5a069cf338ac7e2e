"""What DRF leaves on views and requests."""

from __future__ import annotations

from functools import wraps

import pytest
from django.views import View
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.serializers import CharField, RegexField, Serializer
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from gateway.compat.drf import (
    api_view_function,
    arguments_of,
    class_behind,
    declared_fields,
    force_user,
    forget_user,
)


class Page(View):
    """A view of Django's."""


class Resource(APIView):
    """A view of DRF's."""


class Resources(ViewSet):
    def list(self, request):
        raise NotImplementedError


def decorated(view):
    @wraps(view)
    def around(request):
        raise NotImplementedError

    return around


@pytest.mark.parametrize("around", [lambda view: view, decorated])
@pytest.mark.parametrize(
    ("kind", "arguments", "initkwargs", "actions"),
    [
        (Page, (), {"http_method_names": ["get"]}, None),
        (Resource, (), {"throttle_classes": ()}, None),
        (Resources, ({"get": "list"},), {"detail": False}, {"get": "list"}),
    ],
)
def test_the_class_behind_a_view_and_what_it_was_given(kind, arguments, initkwargs, actions, around):
    assert class_behind(around(kind.as_view(*arguments, **initkwargs))) == (kind, initkwargs, actions)


def test_no_class_is_behind_a_function():
    assert class_behind(lambda request: None) is None


def counted(request):
    raise NotImplementedError


def test_the_function_that_a_view_class_was_made_of():
    assert api_view_function(class_behind(api_view(["GET"])(counted)).kind) is counted
    assert api_view_function(Resource) is None
    assert api_view_function(type("WrappedAPIView", (APIView,), {})) is None  # the name alone is no proof


class Numbered(BaseAuthentication):
    asked = 0

    def authenticate(self, request):
        self.asked += 1
        return self.asked, None


def test_a_user_who_is_forgotten_is_looked_for_again():
    request = Request(APIRequestFactory().get("/"), authenticators=[Numbered()])
    assert (request.user, request.user) == (1, 1)

    forget_user(request)

    assert request.user == 2


def test_a_serializer_field_still_knows_what_it_was_made_with():
    field = RegexField("^a", max_length=3, help_text="An a.")

    assert arguments_of(field) == (("^a",), {"max_length": 3, "help_text": "An a."})


def test_the_fields_that_a_serializer_declares():
    class Named(Serializer):
        name = CharField()

    assert list(declared_fields(Named)) == ["name"]
    assert declared_fields(Resource) == {}


def test_a_caller_who_is_forced_is_the_one_of_every_view():
    user = object()
    force_user(user)
    try:
        assert Resource().initialize_request(APIRequestFactory().get("/")).user is user
    finally:
        force_user(None)
    assert Resource().initialize_request(APIRequestFactory().get("/")).user is not user
