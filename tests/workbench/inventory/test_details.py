"""What an endpoint goes by, without running its view."""

from __future__ import annotations

import pytest
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import Form
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.serializers import CharField, Serializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from gateway.workbench.inventory import endpoints
from gateway.workbench.inventory.details import details_of


class Search(Form):
    pass


@never_cache
@login_required
@permission_required("shop.add_product")
def page(request):
    form = Search(request.GET)
    return render(request, "shop/page.html", {"form": form})  # noqa: F821 - nobody runs it


@csrf_exempt
def open_to_all(request):
    raise NotImplementedError


class Asking(LoginRequiredMixin, FormView):
    form_class = Search
    template_name = "asking.html"


class Inner(Serializer):
    name = CharField()


class Outer(Serializer):
    title = CharField()
    inner = Inner(many=True)


class Owner(BasePermission):
    pass


class Things(GenericViewSet):
    serializer_class = Outer
    permission_classes = [IsAuthenticated & (IsAdminUser | ~Owner)]

    def get_permissions(self):
        return [AllowAny()] if self.action == "list" else super().get_permissions()

    def list(self, request):
        raise NotImplementedError

    def create(self, request):
        raise NotImplementedError


class ByRequest(GenericViewSet):
    serializer_class = Inner

    def get_serializer_class(self):
        return Outer if self.request.user.is_staff else Inner

    def list(self, request):
        raise NotImplementedError


class Plain(APIView):
    def get(self, request):
        raise NotImplementedError


urlpatterns = [
    path("page/", page),
    path("open/", open_to_all),
    path("asking/", Asking.as_view()),
    path("things/", Things.as_view({"get": "list", "post": "create"})),
    path("by-request/", ByRequest.as_view({"get": "list"})),
    path("plain/", Plain.as_view()),
]


@pytest.fixture(scope="module")
def found():
    return {str(one): details_of(one) for one in endpoints(__name__)}


def test_decorators_that_ask_who_the_caller_is_are_named_and_others_not(found):
    assert found["* /page/"].permissions == ("user_passes_test",)
    assert found["* /open/"].permissions == ()
    assert found["* /open/"].csrf_exempt


def test_forms_and_templates_are_those_that_the_view_names(found):
    assert (found["* /page/"].forms, found["* /page/"].templates) == ((f"{__name__}.Search",), ("shop/page.html",))
    asking = found["GET /asking/"]
    assert (asking.forms, asking.templates) == ((f"{__name__}.Search",), ("asking.html",))
    assert asking.permissions == ("django.contrib.auth.mixins.LoginRequiredMixin",)


def test_permissions_are_those_of_the_action_as_they_are_composed(found):
    assert found["GET /things/"].permissions == ("rest_framework.permissions.AllowAny",)
    assert [name.replace("rest_framework.permissions.", "") for name in found["POST /things/"].permissions] == [
        f"(IsAuthenticated and (IsAdminUser or not {__name__}.Owner))"
    ]


def test_a_serializer_is_counted_with_what_is_nested_in_it(found):
    things = found["GET /things/"]
    assert (things.serializer, things.fields, things.depth) == (f"{__name__}.Outer", 3, 2)


def test_what_depends_on_the_request_is_answered_for_by_the_class_and_a_note(found):
    by_request = found["GET /by-request/"]
    assert by_request.serializer == f"{__name__}.Inner"
    assert by_request.notes[0].startswith("get_serializer_class needs a request: AttributeError")


def test_a_view_without_a_serializer_has_none_and_the_defaults_of_the_project(found):
    plain = found["GET /plain/"]
    assert (plain.serializer, plain.notes) == (None, ())
    assert plain.authentication == (
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    )


def test_libraries_that_wait_on_others_are_those_of_the_views_module():
    [quotes] = [one for one in endpoints() if one.name == "api-quotes"]
    assert details_of(quotes).waits_on == ()  # it waits by urllib, which is used for much else
