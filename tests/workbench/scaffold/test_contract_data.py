"""What a contract test knows of an endpoint, whatever the project's views and serializers do without a request."""

from __future__ import annotations

import ast

import pytest
from django.urls import path
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.generics import ListAPIView, ListCreateAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.workbench.drf.contracts import asked, login_of
from gateway.workbench.drf.examples import body_text
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


class AnyObject(serializers.BaseSerializer):
    """One without fields."""


class Wanting(CategorySerializer):
    def __init__(self, tenant, **options):
        super().__init__(**options)


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


class Shapeless(Categories):
    serializer_class = AnyObject


class Named(APIView):
    def post(self, request):
        return Response(Wanting(request.tenant, data=request.data).data)


class Unnamed(APIView):
    def post(self, request):
        return Response(request.data)


class OfATenant(ListAPIView):
    serializer_class = CategorySerializer
    filter_backends = (DjangoFilterBackend,)

    def get_queryset(self):
        return Category.objects.filter(tenant=self.request.tenant)


urlpatterns = [
    path("shapeless/", Shapeless.as_view()),
    path("named/", Named.as_view()),
    path("unnamed/", Unnamed.as_view()),
    path("tenants/", OfATenant.as_view(pagination_class=None)),
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


@pytest.mark.parametrize("name", ["shapeless", "named", "unnamed"])
def test_a_view_whose_fields_are_unknown_has_no_body(name):
    data = asked(find(f"POST /{name}/"))
    assert (data.body, data.names, data.certain) == (None, (), False)


def test_filters_that_need_a_request_have_no_parameters():
    assert asked(find("GET /tenants/")).queries == ()


# -- bodies -----------------------------------------------------------------------------------------


class Owned(serializers.PrimaryKeyRelatedField):
    def get_queryset(self):
        return Category.objects.all()


class Colour(serializers.Field):
    """One of a project's own."""


F = serializers
BODIES = {
    "email": (F.EmailField(), "ada@example.com"),
    "moment": (F.DateTimeField(), "2026-01-02T03:04:05Z"),
    "text": (F.CharField(min_length=6, max_length=8), "Textxx"),
    "short text": (F.CharField(max_length=2), "Te"),
    "slug": (F.SlugField(), "text"),
    "number": (F.IntegerField(min_value=3), 3),
    "amount": (F.DecimalField(5, 2, max_value=0), "0.00"),
    "choice": (F.ChoiceField(["", "a"]), "a"),
    "choices": (F.MultipleChoiceField(choices=["a"]), ["a"]),
    "list": (F.ListField(child=F.IntegerField()), [1]),
    "mapping": (F.DictField(child=F.BooleanField()), {"key": True}),
    "object": (CategorySerializer(), {"name": "Text"}),
    "objects": (CategorySerializer(many=True), [{"name": "Text"}]),
    # what there is no value for
    "pattern": (F.RegexField("^a$"), None),
    "no choice": (F.ChoiceField([""]), None),
    "own": (Colour(), None),
    "link": (F.HyperlinkedRelatedField("a", queryset=Category.objects.all()), None),
    "rows of a caller": (Owned(), None),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_has_a_value_for_each_field_that_one_is_known_for(what):
    field, value = BODIES[what]
    kind = type("Asked", (serializers.Serializer,), {"value": field})
    assert ast.literal_eval(body_text(kind())) == {"value": value}


def test_what_need_not_be_sent_is_left_out_where_no_value_is_known():
    kind = type("Asked", (serializers.Serializer,), {"value": Colour(required=False), "name": F.CharField()})
    assert ast.literal_eval(body_text(kind())) == {"name": "Text"}
