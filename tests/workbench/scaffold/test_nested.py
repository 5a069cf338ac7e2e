"""ViewSets that are nested in others are routed as scaffolded, in whichever order, and gateway.toml is not edited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workbench.scaffold.demo import run, scaffold

pytestmark = pytest.mark.long

SETTINGS = """
SECRET_KEY = "for the tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shops.sqlite3"}}
ROOT_URLCONF = "shops.urls"
"""
URLS = """
from django.contrib.auth.models import Group, Permission, User
from django.urls import include, path
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ModelViewSet


def view(name, of):
    Meta = type("Meta", (), {"model": of, "fields": ["id"]})
    serializer = type(f"{name}Serializer", (ModelSerializer,), {"Meta": Meta, "__module__": __name__})
    made = {"queryset": of.objects.all(), "serializer_class": serializer, "__module__": __name__}
    return type(f"{name}ViewSet", (ModelViewSet,), made)


ShopViewSet, ProductViewSet, ReviewViewSet = view("Shop", Group), view("Product", User), view("Review", Permission)
shops, products, reviews = SimpleRouter(), SimpleRouter(), SimpleRouter()
shops.register("shops", ShopViewSet)
products.register("products", ProductViewSet)
reviews.register("reviews", ReviewViewSet)
urlpatterns = [
    path("api/", include(shops.urls)),
    path("api/shops/<int:shop_pk>/", include(products.urls)),
    path("api/shops/<int:shop_pk>/products/<product_pk>/", include(reviews.urls)),
]
"""
VIEWS = ("/api/shops/", "/api/shops/{shop_pk}/products/", "/api/shops/{shop_pk}/products/{product_pk}/reviews/")
OWNERS = {
    "/api/shops/": 0,
    "/api/shops/7/": 0,
    "/api/shops/7/products/": 1,
    "/api/shops/7/products/8/": 1,
    "/api/shops/7/products/8/reviews/": 2,
    "/api/shops/7/products/8/reviews/9/": 2,
}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)], ids=["parents first", "nested first", "mixed"])
def test_each_has_a_route_that_works_unedited(tmp_path: Path, order: tuple[int, ...]):
    (tmp_path / "shops").mkdir()
    for name, text in {"__init__": "", "settings": SETTINGS, "urls": URLS}.items():
        (tmp_path / "shops" / f"{name}.py").write_text(text)
    (tmp_path / "gateway.toml").write_text('[legacy]\nsettings = "shops.settings"\n')
    routes: dict[int, str] = {}
    for number in order:
        done = scaffold(tmp_path, f"GET {VIEWS[number]}", "--service", "moved", "--whole-viewset", "--json")
        document = json.loads(done.stdout)
        assert document["notes"] == []
        routes[number] = document["route"]
        (path,) = (file["path"] for file in document["files"] if file["kind"] == "router")
        included(tmp_path, Path(path))
    asked = {path: run(tmp_path, "gateway", "explain", "GET", path, "--json") for path in OWNERS}
    found = {path: json.loads(done.stdout)["route"] for path, done in asked.items()}
    assert found == {path: routes[number] for path, number in OWNERS.items()}


def included(folder: Path, router: Path) -> None:
    """Include a router in the service, if that isn't new."""
    module, service = f"services.moved.{router.stem}", folder / "services/moved/__init__.py"
    if f"from {module} import" not in service.read_text():
        lines = f"from {module} import router as {router.stem}\napp.include_router({router.stem})\n"
        service.write_text(service.read_text() + lines)
