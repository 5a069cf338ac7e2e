"""What the inventory of a large URLconf takes: `python -m bench.inventory_cost` prints processor time for 2,000 URLs.

Half of them are views with `path()`, in includes of 50; half are of Django REST framework's routers: each view set
there has two patterns and six endpoints.
"""

import os
import sys
import time
import types
from typing import Any

PATTERNS = 2000
EACH = 50  # patterns of an include


def urlconf() -> list[Any]:
    """The patterns. Django has to be set up."""
    from django.http import HttpResponse
    from django.urls import include, path
    from rest_framework.routers import SimpleRouter
    from rest_framework.serializers import ModelSerializer
    from rest_framework.viewsets import ModelViewSet

    from legacy.shop.models import Product

    class ProductSerializer(ModelSerializer[Product]):
        class Meta:
            model = Product
            fields = "__all__"

    router = SimpleRouter()
    for number in range(PATTERNS // 4):
        attributes = {"queryset": Product.objects.all(), "serializer_class": ProductSerializer, "__module__": __name__}
        router.register(f"set{number}", type(f"Set{number}", (ModelViewSet,), attributes), basename=f"set{number}")
    views = [path(f"view{n}/<int:pk>/<slug:slug>/", lambda _, **__: HttpResponse(), name=f"v{n}") for n in range(EACH)]
    pages = [path(f"app{number}/", include(views)) for number in range(PATTERNS // 2 // EACH)]
    return [path("api/", include(router.urls)), *pages]


def main() -> None:
    """Print how long each step takes."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "legacy.settings"
    import django
    from django.test import override_settings

    django.setup()
    module = types.ModuleType("bench_urls")
    module.urlpatterns = urlconf()  # type: ignore[attr-defined] # as a URLconf has it
    sys.modules[module.__name__] = module
    from gateway import Gateway
    from gateway.workbench.inventory.details import details_of
    from gateway.workbench.inventory.report import inventory

    gateway = Gateway({"legacy": {"settings": "legacy.settings"}})
    with override_settings(ROOT_URLCONF=module.__name__):
        begin = time.process_time()
        found = inventory(gateway.snapshot, {}, 7)
        listed = time.process_time()
        for entry in found.entries:
            details_of(entry.endpoint)
        detailed = time.process_time()
    print(f"{len(found.entries):,} endpoints of {PATTERNS:,} patterns: {listed - begin:.2f} s")
    print(f"with what each goes by: {detailed - begin:.2f} s")


if __name__ == "__main__":
    main()
