"""Views that authenticate callers in every way, and a service with the same paths."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import cache_control
from fastapi import FastAPI, Request
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request as DRFRequest
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from rest_framework_simplejwt.authentication import JWTAuthentication

asked: list[str] = []  # what authentication classes were shown


class Keys(BaseAuthentication):
    """Any number of keys for one person: `Authorization: Key ada-1`."""

    def shown(self, request: DRFRequest) -> str | None:
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return key if scheme == "Key" else None

    def authenticate(self, request: DRFRequest) -> Any:
        key = self.shown(request)
        if key is None:
            return None
        asked.append(key)
        return get_user_model().objects.get(username=key.partition("-")[0]), key


class ApiKey(Keys):
    def shown(self, request: DRFRequest) -> str | None:
        return request.headers.get("X-Api-Key")


class CookieKey(Keys):
    def shown(self, request: DRFRequest) -> str | None:
        return request.COOKIES.get("key")


class QueryKey(Keys):
    def shown(self, request: DRFRequest) -> str | None:
        return request.query_params.get("key")


class Leafing(Keys):
    """Goes through all headers."""

    def shown(self, request: DRFRequest) -> str | None:
        return dict(request.META).get("HTTP_X_API_KEY")


class Guest(BaseAuthentication):
    """Knows everybody."""

    def authenticate(self, request: DRFRequest) -> Any:
        return get_user_model().objects.get(username="ada"), None


class Signed(BaseAuthentication):
    def authenticate(self, request: DRFRequest) -> Any:
        return get_user_model().objects.get(username=request.data["by"]), None


class Broken(BaseAuthentication):
    def authenticate(self, request: DRFRequest) -> Any:
        raise RuntimeError("the key server is away")


class View(APIView):
    permission_classes = (AllowAny,)

    def get(self, request: DRFRequest, **_: Any) -> Response:
        return Response({"user": request.user.get_username()})

    post = get


class Set(ViewSet):
    """One whose actions are authenticated in two ways."""

    permission_classes = (AllowAny,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [ApiKey() if self.action_map.get(self.request.method.lower()) == "create" else Keys()]

    def read(self, request: DRFRequest) -> Response:
        return Response({"user": request.user.get_username()})

    create = read


@api_view(["GET", "POST"])
@authentication_classes([Keys])
@permission_classes([AllowAny])
def function(request: DRFRequest) -> Response:
    return Response({"user": request.user.get_username()})


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


CLASSES: dict[str, list[type[BaseAuthentication]]] = {
    "keys": [Keys],
    "basic": [BasicAuthentication],
    "jwt": [JWTAuthentication],
    "either": [SessionAuthentication, TokenAuthentication],
    "token-first": [TokenAuthentication, SessionAuthentication],
    "api-key": [SessionAuthentication, ApiKey],
    "cookie": [CookieKey],
    "query": [QueryKey],
    "leafing": [Leafing],
    "guest": [Guest],
    "signed": [Signed],
    "broken": [Broken],
}

urlpatterns = [
    *(path(f"a/{name}/", View.as_view(authentication_classes=found)) for name, found in CLASSES.items()),
    path("a/set/", Set.as_view({"get": "read", "post": "create"})),
    path("a/of/<name>/", View.as_view(authentication_classes=[Keys])),
    path("a/plain/", plain),
    path("a/function/", cache_control(private=True)(function)),
    path("tree/keys/", View.as_view(authentication_classes=[Keys])),
    path("tree/api-key/", View.as_view(authentication_classes=[ApiKey])),
]

app = FastAPI()


@app.api_route("/a/of/{name}/", methods=["GET", "POST"])
@app.api_route("/a/new/", methods=["GET", "POST"])
async def other(request: Request) -> dict[str, str]:
    return {"path": request.url.path}


for name in (*CLASSES, "set", "function", "plain"):
    app.api_route(f"/a/{name}/", methods=["GET", "POST"])(other)
