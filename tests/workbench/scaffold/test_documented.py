"""A scaffolded service has the names of the project's own API document, so that generated clients don't change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workbench.scaffold.demo import run, scaffold

pytestmark = pytest.mark.long

SETTINGS = """
SECRET_KEY = "for the tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "drf_spectacular", "library"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "library.sqlite3"}}
ROOT_URLCONF = "library.urls"
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS = {
    "COMPONENT_SPLIT_REQUEST": SPLIT,
    "SCHEMA_PATH_PREFIX": "/api",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "ENUM_NAME_OVERRIDES": {"BookState": "library.models.STATES"},
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "library.hooks.renamed"],
}
"""
HOOKS = """
import json


def renamed(result, generator, request, public):
    text = json.dumps(result, default=str)
    for name in ("Volume", "VolumeRequest", "PatchedVolume", "PatchedVolumeRequest"):
        old = name.replace("Volume", "Book")
        text = text.replace(f'schemas/{old}"', f'schemas/{name}"').replace(f'"{old}": {{"type"', f'"{name}": {{"type"')
    made = json.loads(text)
    for path, operations in made["paths"].items():
        for operation in operations.values():
            operation["operationId"] = f"v1_{operation['operationId']}"
            operation["tags"] = [*operation["tags"], "library"]
    return made
"""
MODELS = """
from django.db import models

STATES = [("new", "New"), ("worn", "Worn")]


class Shelf(models.Model):
    name = models.CharField(max_length=20)


class Book(models.Model):
    title = models.CharField(max_length=20)
    state = models.CharField(max_length=5, choices=STATES, default="new")
    colour = models.CharField(max_length=5, choices=[("red", "Red"), ("blue", "Blue")], blank=True, null=True)
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    note = models.CharField(max_length=20, blank=True)
"""
API = """
from drf_spectacular.utils import extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from library.models import Book, Shelf


@extend_schema_serializer(component_name="Rack")
class ShelfSerializer(serializers.ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "name"]


class BookSerializer(serializers.ModelSerializer):
    rack = ShelfSerializer(source="shelf", read_only=True)

    class Meta:
        model = Book
        fields = ["id", "title", "state", "colour", "shelf", "rack", "note"]
        extra_kwargs = {"shelf": {"write_only": True}, "note": {"write_only": True}}


class Loan(serializers.Serializer):
    days = serializers.IntegerField()


class Pages(PageNumberPagination):
    page_size = 10


@extend_schema_view(
    list=extend_schema(operation_id="everyBook", tags=["reading"]),
    destroy=extend_schema(exclude=True),
)
class BookViewSet(ModelViewSet):
    queryset = Book.objects.all()
    serializer_class = BookSerializer
    pagination_class = Pages

    @extend_schema(operation_id="lendBook", request=Loan, responses=BookSerializer)
    @action(["post"], detail=True)
    def lend(self, request, pk):
        return Response()


class ShelfViewSet(ModelViewSet):
    queryset = Shelf.objects.all()
    serializer_class = ShelfSerializer
"""
URLS = """
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from library import api

router = DefaultRouter()
router.include_format_suffixes = False
router.register("books", api.BookViewSet)
router.register("shelves", api.ShelfViewSet)
urlpatterns = [path("api/", include(router.urls))]
"""
DOCUMENTS = """
import json
import django
django.setup()
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from gateway.bridge.drf.openapi.by_language import document_by_language
from services.moved import app

with patched_settings({"OAS_VERSION": "3.1.0", "SCHEMA_PATH_PREFIX_TRIM": False}):
    project = SchemaGenerator().get_schema(public=True)
document_by_language(app)
print(json.dumps([app.openapi(), project]))
"""


@pytest.fixture(params=[False, True], ids=["one component for both", "COMPONENT_SPLIT_REQUEST"])
def library(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project with drf-spectacular, its decorators and hooks."""
    (tmp_path / "library").mkdir()
    texts = {"settings": SETTINGS.replace("SPLIT,", f"{request.param},"), "hooks": HOOKS, "models": MODELS, "api": API}
    for name, text in {**texts, "urls": URLS, "__init__": ""}.items():
        (tmp_path / "library" / f"{name}.py").write_text(text)
    (tmp_path / "gateway.toml").write_text('[legacy]\nsettings = "library.settings"\n')
    return tmp_path


def documents(folder: Path) -> list[dict]:
    """The service's document, as the gateway serves it, and the project's."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "library.settings"}
    command = [sys.executable, "-W", "ignore", "-c", DOCUMENTS]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def moved(folder: Path, *options: str, views: tuple[str, ...] = ("books", "shelves")) -> None:
    """Scaffold all endpoints of these views."""
    for view in views:
        moved_one(folder, f"/api/{view}/", "--whole-viewset", *options)


def moved_one(folder: Path, endpoint: str, *options: str) -> None:
    """Scaffold an endpoint for the service `moved`, and include its router there."""
    done = scaffold(folder, endpoint, "--service", "moved", "--json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    (name,) = (Path(file["path"]).stem for file in json.loads(done.stdout)["files"] if file["kind"] == "router")
    service = folder / "services/moved/__init__.py"
    if f"services.moved.{name} import" not in service.read_text():
        include = f"from services.moved.{name} import router as {name}\napp.include_router({name})\n"
        service.write_text(service.read_text() + include)


def referred(part: object, schemas: dict, found: set[str]) -> set[str]:
    """The names of all components that `part` is made of."""
    for place in json.dumps(part).split('"#/components/schemas/')[1:]:
        name = place.partition('"')[0]
        if name not in found:
            found.add(name)
            referred(schemas[name], schemas, found)
    return found


def names(document: dict) -> dict[str, object]:
    """What generated clients have: by method and path, the operation's name, tags, bodies and their parts."""
    found = {}
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, said in operations.items():
            good = [answer for status, answer in said["responses"].items() if status.startswith("2")]
            bodies = [said.get("requestBody", {}).get("content", {}), *(answer.get("content", {}) for answer in good)]
            direct = [_direct(content) for content in bodies]
            used = referred([*bodies], schemas, set())
            shape = path.replace("{pk}", "{id}")
            found[f"{method} {shape}"] = (said["operationId"], said["tags"], direct, sorted(used))
    return found


def _direct(content: dict) -> list[str]:
    return sorted({json.dumps(media["schema"].get("items", media["schema"]).get("$ref")) for media in content.values()})


@pytest.mark.parametrize("options", [(), ("--rewrite",)], ids=["lifted", "rewritten"])
def test_operations_tags_and_components_have_the_names_of_the_projects_document(library, options):
    moved(library, *options)
    ours, project = documents(library)
    assert names(ours) == names(project)
    assert {*ours["components"]["schemas"]} == {*project["components"]["schemas"]}
    assert "x-gateway-component" not in json.dumps(ours)


def test_a_lifted_view_and_a_rewritten_one_share_components(library):
    moved(library, "--rewrite", views=("books",))
    moved(library, views=("shelves",))
    ours, project = documents(library)
    assert names(ours) == names(project)
    assert {*ours["components"]["schemas"]} == {*project["components"]["schemas"]}


def test_choices_and_what_is_only_written_or_only_read_are_said_as_before(library):
    for method in ("GET", "PUT"):
        moved_one(library, f"{method} /api/books/{{pk}}/", "--rewrite")
    ours, project = (one["components"]["schemas"] for one in documents(library))
    assert ours["BookState"]["enum"] == project["BookState"]["enum"] == ["new", "worn"]
    for name in {"Volume", "VolumeRequest"} & {*project}:
        assert {*ours[name]["properties"]} == {*project[name]["properties"]}
        assert {*ours[name]["required"]} == {*project[name]["required"]}
    if "VolumeRequest" not in project:
        assert flags(ours["Volume"]) == flags(project["Volume"])


def flags(component: dict) -> dict[str, list[str]]:
    kinds = ("readOnly", "writeOnly")
    return {name: [kind for kind in kinds if one.get(kind)] for name, one in component["properties"].items()}


def test_the_inventory_finds_operations_whose_paths_the_document_shortens(library):
    endpoints = json.loads(run(library, "gateway", "inventory", "--json").stdout)["endpoints"]
    found = {f"{one['method']} {one['template']}": one["documented"] for one in endpoints}
    assert found["GET /api/books/"]["operation_id"] == "v1_everyBook"
