"""What the document says of a lifted view is what the project's own document says, or else what its classes say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel
from rest_framework import serializers, viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from gateway.bridge.drf import DRFRoute, lift
from gateway.bridge.drf.credentials import DRFRequest, drf, view_of
from gateway.bridge.drf.openapi.outcomes import outcome_of
from gateway.bridge.drf.openapi.schemes import describe_scheme
from legacy.shop.api import urls, views

pytestmark = pytest.mark.long

WITH_SPECTACULAR = """
import json
from django.conf import settings
settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "drf_spectacular"]
settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
import django
django.setup()
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.models import OpenAPI
from gateway.bridge.drf import lift
from legacy.shop.api import urls, views

app = FastAPI()
app.include_router(lift(urls.router))
for view in (views.CartView, views.CartItemsView, views.CartItemView, views.TokenView):
    app.include_router(lift(view))
with patched_settings({"OAS_VERSION": "3.1.0"}):
    project = SchemaGenerator().get_schema(public=True)
documents = [OpenAPI(**document) for document in (app.openapi(), project)]  # as FastAPI writes them
print(json.dumps(jsonable_encoder(documents, by_alias=True, exclude_none=True)))
"""


UNMAKEABLE = """
import json
from django.conf import settings
settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "drf_spectacular"]
settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
settings.SPECTACULAR_SETTINGS = {"POSTPROCESSING_HOOKS": ["__main__.needs_a_request"]}


def needs_a_request(result, generator, request, public):
    return result | {"x-host": request.get_host()}


import django
django.setup()
from fastapi import FastAPI
from gateway.bridge.drf import lift
from legacy.shop.api import views

app = FastAPI()
app.include_router(lift(views.CategoryViewSet))
print(json.dumps(app.openapi()))
"""


def test_where_the_projects_document_cannot_be_made_the_classes_say_it():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", UNMAKEABLE],
        env={"DJANGO_SETTINGS_MODULE": "legacy.settings", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert "the project's API document can't be made" in done.stderr
    assert "200" in document["paths"]["/api/categories/"]["get"]["responses"]
    assert document["components"]["schemas"]


def test_the_projects_own_document_stays_what_it_is():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITH_SPECTACULAR],
        env={"DJANGO_SETTINGS_MODULE": "legacy.settings", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    ours, project = json.loads(done.stdout)
    operations = [(path, method) for path, methods in ours["paths"].items() for method in methods]
    assert len(operations) == 29
    for path, method in operations:
        assert ours["paths"][path][method] == project["paths"][path][method]
    for kind in ("schemas", "securitySchemes"):
        assert ours["components"][kind]
        for name, component in ours["components"][kind].items():
            assert component == project["components"][kind][name]


# -- a project without one ---------------------------------------------------------------------


def document(*routers):
    app = FastAPI()
    for router in routers:
        app.include_router(router)
    return app.openapi()


@pytest.fixture(scope="module")
def shop():
    return document(lift(urls.router), lift(views.CartItemView))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/products/", "200"),
        ("post", "/api/products/", "201"),
        ("patch", "/api/products/{pk}/", "200"),
        ("delete", "/api/products/{pk}/", "204"),
        ("post", "/api/products/{pk}/images/", "201"),
        ("post", "/api/orders/{pk}/cancel/", "200"),
        ("delete", "/api/cart/items/{product_pk}/", "200"),
    ],
)
def test_the_status_is_the_sources(shop, method, path, status):
    assert {*shop["paths"][path][method]["responses"]} == {status, "400", "default"}


def test_bodies_are_the_serializers_in_each_media_type(shop):
    content = shop["paths"]["/api/products/"]["post"]["requestBody"]["content"]
    assert [*content] == ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/ProductDetail"}
    detail = shop["components"]["schemas"]["ProductDetail"]
    assert detail["properties"]["category_slug"] == {"type": "string", "writeOnly": True}
    assert detail["required"] == ["sku", "name", "slug", "price", "category_slug"]
    partial = shop["paths"]["/api/products/{pk}/"]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    assert partial == {"$ref": "#/components/schemas/PatchedProductDetail"}
    assert "required" not in shop["components"]["schemas"]["PatchedProductDetail"]


def test_a_method_that_reads_no_body_has_none(shop):
    assert "requestBody" not in shop["paths"]["/api/orders/{pk}/cancel/"]["post"]


def test_lists_have_pages_and_filters(shop):
    operation = shop["paths"]["/api/products/"]["get"]
    names = [parameter["name"] for parameter in operation["parameters"]]
    assert names == ["page", "page_size", "category", "price_min", "price_max", "in_stock", "search", "ordering"]
    page = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert page["properties"]["results"]["items"] == {"$ref": "#/components/schemas/Product"}


def test_who_may_come_without_showing_anything(shop):
    session, token = {"SessionAuthentication": []}, {"TokenAuthentication": []}
    products, orders = shop["paths"]["/api/products/"], shop["paths"]["/api/orders/"]
    assert products["get"]["security"] == [session, token, {}]
    assert products["post"]["security"] == orders["get"]["security"] == [session, token]


def test_arguments_of_the_path(shop):
    (argument,) = shop["paths"]["/api/cart/items/{product_pk}/"]["delete"]["parameters"]
    assert argument == {"name": "product_pk", "in": "path", "required": True, "schema": {"type": "integer"}}


class ProductDetail(BaseModel):
    """A model of the service's own, which has the name of one of the project's serializers."""

    id: int


def test_a_name_that_a_model_has_too():
    own = APIRouter()

    @own.get("/own/")
    def read() -> ProductDetail: ...

    found = document(lift(views.ProductViewSet), own)
    place = found["paths"]["/api/products/{pk}/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    known = found["components"]["schemas"][place["$ref"].rpartition("/")[2]]
    assert "category_slug" in known["properties"]
    mine = found["paths"]["/own/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [*found["components"]["schemas"][mine["$ref"].rpartition("/")[2]]["properties"]] == ["id"]


def test_a_lift_by_hand_is_documented_too():
    router = APIRouter(prefix="/by/hand/{pk}", route_class=DRFRoute)

    @router.put("/", dependencies=[Depends(drf(view=views.CategoryViewSet, action="update"))])
    def change(pk: str, request: DRFRequest) -> Any:
        return view_of(request).update(request, pk=pk)

    operation = document(router)["paths"]["/by/hand/{pk}/"]["put"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Category"
    }
    assert [one["name"] for one in operation["parameters"]] == ["pk"]


# -- how callers show who they are ---------------------------------------------------------------


class ByCookie(BaseAuthentication):
    def authenticate(self, request):
        return request.COOKIES.get("access")


class ByKey(BaseAuthentication):
    def authenticate(self, request):
        return request.META.get("HTTP_X_API_KEY") or request.query_params["key"]


class Signed(BaseAuthentication):
    """In a way that its source doesn't tell."""


class KeyParser:
    keyword = "Api-Key"


class HasKey(BasePermission):
    key_parser = KeyParser()


class NeedsScopes(BasePermission):
    def get_scopes(self, request, view):
        return view.required_scopes


def secured(**classes):
    kind = type("Secured", (APIView,), {"get": lambda self, request: Response(), **classes})
    found = document(lift(kind, path="/secured/"))
    return found["components"].get("securitySchemes"), found["paths"]["/secured/"]["get"]["security"]


def test_cookies_headers_and_parameters_are_read_in_the_source():
    schemes, security = secured(authentication_classes=[ByCookie, ByKey], permission_classes=[BasePermission])
    assert schemes == {
        "ByCookie": {"type": "apiKey", "in": "cookie", "name": "access"},
        "ByKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "ByKey1": {"type": "apiKey", "in": "query", "name": "key"},
    }
    assert security == [{"ByCookie": []}, {"ByKey": []}, {"ByKey1": []}]


def test_what_the_source_doesnt_tell_can_be_said():
    describe_scheme(Signed, "signature", {"type": "apiKey", "in": "header", "name": "X-Signature"})
    schemes, _ = secured(authentication_classes=[Signed])
    assert schemes == {"signature": {"type": "apiKey", "in": "header", "name": "X-Signature"}}


def test_a_permissions_key_is_asked_for_beside_the_rest():
    _, security = secured(authentication_classes=[ByCookie], permission_classes=[HasKey])
    assert security == [{"ByCookie": [], "HasKey": []}, {"HasKey": []}]


def test_scopes_are_those_of_the_permission(monkeypatch):
    flows = {"clientCredentials": {"tokenUrl": "/o/token/", "scopes": {"read": "Read"}}}
    describe_scheme(Signed, "oauth2", {"type": "oauth2", "flows": flows})
    schemes, security = secured(
        authentication_classes=[Signed], permission_classes=[NeedsScopes], required_scopes=["read"]
    )
    assert (schemes, security) == ({"oauth2": {"type": "oauth2", "flows": flows}}, [{"oauth2": ["read"]}])


# -- what the source says ------------------------------------------------------------------------


class Sources(viewsets.ViewSet):
    serializer_class = serializers.Serializer

    def created(self, request):
        return Response(status=201)

    def handed_on(self, request):
        return self.created(request)

    @action(detail=False)
    def reads(self, request):
        return Response(request.data, 202)

    def several(self, request):
        if request.user.is_staff:
            return Response({})
        return Response(status=api_settings.user_settings)

    def one_of_two(self, request):
        return Response(status=204) if request.user.is_staff else Response({})


@pytest.mark.parametrize(
    ("name", "success", "reads_body"),
    [
        ("created", 201, False),
        ("handed_on", 201, False),
        ("reads", 202, True),
        ("several", 200, False),
        ("one_of_two", None, False),
        ("nowhere", None, True),
    ],
)
def test_outcomes(name, success, reads_body):
    outcome = outcome_of(Sources, name)
    assert (outcome.success, outcome.reads_body) == (success, reads_body)
