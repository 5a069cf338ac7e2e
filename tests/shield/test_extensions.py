"""What drf-extensions caches belongs to the side that answered, as what Django's own cache middleware stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.shield.sides import SIDE, keep_sides_apart

decorators = pytest.importorskip("rest_framework_extensions.cache.decorators")


@pytest.fixture(autouse=True)
def cached(settings: Any) -> Iterator[None]:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "ext"}}
    yield
    cache.clear()


def test_a_decorated_view_has_a_key_for_each_side():
    keep_sides_apart()
    keep_sides_apart()  # as every gateway of this process does
    counted = iter(range(10))

    class View(APIView):
        authentication_classes = ()
        permission_classes = ()

        @decorators.cache_response(60, key_func=lambda **_: "key")
        def get(self, request: Any) -> Response:
            return Response(next(counted))

    def content(**scope: str) -> bytes:
        request = RequestFactory().get("/view/")
        request.scope = scope  # type: ignore[attr-defined] # as the gateway's requests have
        response: Any = View.as_view()(request)
        return bytes(response.content)

    for _ in range(2):
        assert [content(), content(**{SIDE: "s.1"}), content(**{SIDE: "s.2"})] == [b"0", b"1", b"2"]
    assert all(cache.has_key(key) for key in ("key", "key.s.1", "key.s.2"))  # legacy's is unchanged
