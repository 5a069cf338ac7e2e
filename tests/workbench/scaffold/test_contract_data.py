"""What a contract test knows of an endpoint, whatever the project's views and serializers do without a request."""

from __future__ import annotations

import ast

import pytest
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.generics import ListCreateAPIView

from gateway.workbench.drf.contracts import asked, login_of
from gateway.workbench.inventory import find
from gateway.workbench.scaffold.contract_test import contract_test
from legacy.shop.models import Category


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ("name",)


class ForSomebody(CategorySerializer):
    def get_fields(self):
        return {name: field for name, field in super().get_fields().items() if self.context["request"].user.profile}


class Categories(ListCreateAPIView):
    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    authentication_classes = (SessionAuthentication,)


class SetUp(Categories):
    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.tenant = request.tenant


class Initialized(Categories):
    def initialize_request(self, request, *args, **kwargs):
        request.session["asked"] = True
        return super().initialize_request(request, *args, **kwargs)


class Fields(Categories):
    serializer_class = ForSomebody


class Paginated(Categories):
    @property
    def paginator(self):
        return self.request.tenant.paginator


urlpatterns = [
    path("categories/", Categories.as_view()),
    path("set-up/", SetUp.as_view()),
    path("initialized/", Initialized.as_view()),
    path("fields/", Fields.as_view()),
    path("paginated/", Paginated.as_view()),
    path("token/", Categories.as_view(authentication_classes=[TokenAuthentication])),
]


@pytest.fixture(autouse=True)
def urlconf(settings):
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize("name", ["set-up", "initialized", "fields", "paginated"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_view_that_needs_a_request_has_a_test_too(name, method):
    endpoint = find(f"{method} /{name}/")
    data = asked(endpoint)
    text = contract_test("route", [data], login_of([endpoint]), "User")
    assert (data.endpoint, data.method) == (endpoint, method)
    assert ast.parse(text)


def test_one_that_needs_none_has_a_body():
    assert asked(find("POST /categories/")).names == ("name",)


@pytest.mark.parametrize(("name", "login"), [("categories", "session"), ("set-up", "session"), ("token", "force")])
def test_users_are_known_as_the_view_says(name, login):
    assert login_of([find(f"GET /{name}/")]) == login
