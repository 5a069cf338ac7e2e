"""What Django Ninja leaves on views."""

from __future__ import annotations

from ninja import NinjaAPI
from rest_framework.views import APIView

from gateway.compat.ninja import operations_behind

api = NinjaAPI(urls_namespace="compat")


@api.get("/things")
def things(request):
    raise NotImplementedError


@api.api_operation(["PUT", "PATCH"], "/things")
async def change(request):
    raise NotImplementedError


def test_the_operations_behind_a_view_with_their_methods():
    view = next(pattern.callback for pattern in api.urls[0] if pattern.name == "things")

    assert [(one.view_func, [*one.methods]) for one in operations_behind(view)] == [
        (things, ["GET"]),
        (change, ["PUT", "PATCH"]),
    ]


def test_no_operations_are_behind_another_view():
    assert operations_behind(APIView.as_view()) is None
    assert operations_behind(NinjaAPI) is None
