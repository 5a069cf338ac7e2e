"""A project whose endpoints have moved: each URL of `urlpatterns` is also in the services, at the same path."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.conf.urls.i18n import i18n_patterns
from django.db.transaction import non_atomic_requests
from django.http import HttpResponse, JsonResponse
from django.urls import include, is_valid_path, path, re_path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.routers import DefaultRouter
from rest_framework.versioning import NamespaceVersioning
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from rest_framework_extensions.etag.decorators import etag

from gateway.bridge import DjangoRequest, in_django
from gateway.bridge.drf.credentials import DRFRequest, drf
from gateway.bridge.drf.request import view_of
from gateway.bridge.drf.route import DRFRoute

deleted: list[str] = []  # what somebody asked to be deleted, and by which side


# -- the project ---------------------------------------------------------------------------------


class NoHead(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.method != "HEAD"


class Tags(ViewSet):
    lookup_field = "tag"
    permission_classes = []

    def list(self, request: Any) -> Response:
        return Response(["a", "b"])

    def retrieve(self, request: Any, tag: str, **suffix: str) -> Response:
        return Response({"tag": tag, "format": suffix.get("format")})

    def destroy(self, request: Any, tag: str, **suffix: str) -> Response:
        deleted.append(f"legacy {tag}")
        return Response(status=204)

    @action(detail=False)
    def me(self, request: Any, **suffix: str) -> Response:
        return Response({"me": True})

    @action(detail=False, url_path=r"top/(?P<n>\d+)")
    def top(self, request: Any, n: str, **suffix: str) -> Response:
        return Response({"top": n})


class Versioned(APIView):
    permission_classes = []
    versioning_class = NamespaceVersioning

    def get(self, request: Any, pk: int) -> Response:
        return Response(told(request, reverse("item", kwargs={"pk": pk}, request=request)))


def told(request: Any, url: str | None = None) -> dict[str, Any]:
    """What a request's match and version say."""
    match = getattr(request, "_request", request).resolver_match
    names = ("view_name", "url_name", "namespace", "app_name", "route", "args", "kwargs", "namespaces", "app_names")
    return {
        "version": getattr(request, "version", None),
        "url": url,
        **{name: getattr(match, name) for name in names},
    }


class Headed(APIView):
    permission_classes = []

    def get(self, request: Any) -> Response:
        return Response({"method": request.method}, headers={"X-Method": request.method})


class OwnHead(Headed):
    def head(self, request: Any) -> Response:
        return Response(headers={"X-Head": "own"})


class Refusing(Headed):
    permission_classes = [NoHead]


@api_view(["GET"])
@permission_classes([])
def only_get(request: Any) -> Response:
    return Response({"method": request.method})


class Items(APIView):
    permission_classes = []

    def get(self, request: Any, pk: int) -> Response:
        if pk > 9:
            raise NotFound
        return Response(told(request))

    put = get


class Tagged(APIView):
    permission_classes = []

    @etag()
    def get(self, request: Any, **kwargs: Any) -> Response:
        return Response({"tagged": kwargs})

    def post(self, request: Any, **kwargs: Any) -> Response:
        if "bad" in request.data:
            raise ValidationError({"bad": ["No."]})
        return Response(request.data, status=201)


@method_decorator(cache_page(60), name="dispatch")
class Cached(Headed):
    def get(self, request: Any) -> Response:
        return Response({"cached": True})


class Decorated(Headed):
    @classmethod
    def as_view(cls, **initial: Any) -> Any:
        view = super().as_view(**initial)

        @wraps(view)
        def decorated(request: Any, *args: Any, **kwargs: Any) -> Any:
            response = view(request, *args, **kwargs)
            response["X-Head"] = f"{type(view).__name__} {view.cls.__module__}"
            return response

        return decorated


@method_decorator(non_atomic_requests, name="dispatch")
class NonAtomic(Headed):
    pass


def resolving(get_response: Any) -> Any:
    """A middleware that resolves the path by itself, before and after the view."""

    def middleware(request: Any) -> Any:
        before = is_valid_path(request.path_info, getattr(request, "urlconf", None))
        response = get_response(request)
        response["X-Resolved"] = str(bool(before and is_valid_path(request.path_info)))
        return response

    return middleware


def page(request: Any, **kwargs: Any) -> HttpResponse:
    return HttpResponse("page")


def named(request: Any, *args: Any, **kwargs: Any) -> JsonResponse:
    return JsonResponse(told(request))


router = DefaultRouter()
router.register("tags", Tags, basename="tag")
versions = [path("items/<int:pk>/", Versioned.as_view(), name="item")]

urlpatterns = [
    path("m/", include(router.urls)),
    path("m/v1/", include((versions, "shop"), namespace="v1")),
    path("m/v2/", include((versions, "shop"), namespace="v2")),
    path("m/tagged/<int:pk>/", Tagged.as_view()),
    path("m/tagged-async/<int:pk>/", Tagged.as_view()),
    path("m/cached/", Cached.as_view()),
    path("m/decorated/", Decorated.as_view()),
    path("m/headed/", Headed.as_view()),
    path("m/own-head/", OwnHead.as_view()),
    path("m/refusing/", Refusing.as_view()),
    path("m/only-get/", only_get),
    path("m/items/<int:pk>/", Items.as_view(), name="api-item"),
    path("m/feed/latest/", page),
    path("m/feed/<slug:slug>/", page),
    path("m/number/<int:n>/", page),
    path("m/number/<slug:name>/", page),
    path("m/named/<slug:slug>/", named, {"extra": 1}, name="named"),
    re_path(r"^m/old/(\d+)/$", named, name="positional"),
    *i18n_patterns(path("m/i18n/<int:pk>/", page, name="translated")),
    re_path(r"^m/catch/.*$", page),
]


# -- the services --------------------------------------------------------------------------------

app = FastAPI()
rest = APIRouter(prefix="/m", route_class=DRFRoute)
seen: list[str] = []  # the methods that the service's own middleware saw


@app.middleware("http")
async def notes(request: Request, call_next: Any) -> Any:
    before = request.method
    answer = await call_next(request)
    seen.append(f"{before} {request.method}")
    return answer


def of(view: Any, **more: Any) -> Any:
    return Depends(drf(view=view, **more))


@rest.get("/tags/me/", dependencies=[of(Tags, action="me")])
async def me() -> dict[str, bool]:
    return {"me": True}


@rest.get("/tags/{tag}/", dependencies=[of(Tags, action="retrieve")])
async def read_tag(tag: str) -> dict[str, Any]:
    return {"tag": tag, "format": None}


@rest.delete("/tags/{tag}/", status_code=204, dependencies=[of(Tags, action="destroy")])
def delete_tag(tag: str) -> None:
    deleted.append(f"service {tag}")


@rest.get("/v1/items/{pk:int}/", dependencies=[of(Versioned)])
@rest.get("/v2/items/{number:int}/", dependencies=[of(Versioned)])
def versioned(request: DRFRequest) -> Any:
    return told(request, reverse("item", kwargs=view_of(request).kwargs, request=request))


@rest.get("/headed/", dependencies=[of(Headed)])
async def headed(request: DRFRequest) -> Response:
    return Response({"method": request.method}, headers={"X-Method": request.method})


@rest.get("/own-head/", dependencies=[of(Headed, name="Own Head")])
async def own_head_get(request: DRFRequest) -> Response:
    return Response({"method": request.method}, headers={"X-Method": request.method})


@rest.head("/own-head/", dependencies=[of(Headed, name="Own Head")])
async def own_head() -> Response:
    return Response(headers={"X-Head": "own"})


@rest.get("/tagged/{pk}/", dependencies=[of(Tagged)])
def tagged(pk: int, request: DRFRequest) -> Any:
    view = view_of(request)
    return view.get(request, **view.kwargs)


@rest.post("/tagged/{pk}/", dependencies=[of(Tagged)])
def tag(pk: int, request: DRFRequest) -> Any:
    return view_of(request).post(request)


@rest.get("/tagged-async/{pk}/", dependencies=[of(Tagged)])
async def tagged_async(pk: int, request: DRFRequest) -> Any:
    view = view_of(request)
    return await in_django(view.get, request, **view.kwargs)


@rest.post("/tagged-async/{pk}/", dependencies=[of(Tagged)])
async def tag_async(pk: int, request: DRFRequest) -> Any:
    return await in_django(view_of(request).post, request)


@rest.get("/lifted-tags/{tag}/", dependencies=[of(Tags, action="retrieve")])
def lifted_tag(tag: str, request: DRFRequest) -> Any:
    view = view_of(request)
    return [view.get(request, tag=tag).data, view.retrieve(request, tag=tag).data, view.action]


@rest.get("/cached/", dependencies=[of(Cached)])
async def cached(request: DRFRequest) -> dict[str, bool]:
    return {"cached": True}


@rest.get("/decorated/", dependencies=[of(Decorated)])
async def decorated(request: DRFRequest) -> Response:
    return Response({"method": request.method}, headers={"X-Method": request.method})


@rest.get("/refusing/", dependencies=[of(Refusing)])
async def refusing(request: DRFRequest) -> Response:
    return Response({"method": request.method}, headers={"X-Method": request.method})


@rest.get("/only-get/", dependencies=[Depends(drf(permissions=[], name="Only Get"))])
def moved_only_get(request: DRFRequest) -> dict[str, Any]:
    return {"method": request.method}


@rest.get("/items/{pk:int}", dependencies=[of(Items)])
@rest.put("/items/{pk:int}", dependencies=[of(Items)])
async def read_item(pk: int, request: DRFRequest) -> dict[str, Any]:
    if pk > 9:
        raise HTTPException(404)
    return told(request)


app.include_router(rest)

plain = FastAPI()


@plain.get("/m/tags/me/")
async def plain_me() -> dict[str, bool]:
    return {"me": True}


@plain.get("/m/tags/{tag}/")
async def plain_tag(tag: str) -> dict[str, str]:
    return {"tag": tag}


@plain.delete("/m/tags/{tag}/", status_code=204)
async def plain_delete(tag: str) -> None:
    deleted.append(f"service {tag}")


@plain.websocket("/m/tags/{tag}/")
async def plain_socket(socket: WebSocket, tag: str) -> None:
    await socket.accept()
    await socket.send_text(tag)
    await socket.close()


@plain.get("/m/items/{pk:int}")
@plain.put("/m/items/{pk:int}")
async def plain_item(pk: int, request: DjangoRequest) -> dict[str, Any]:
    if pk > 9:
        raise HTTPException(404)
    return told(request)


@plain.get("/{language}/m/i18n/{pk}")
async def plain_translated(language: str, pk: int) -> int:
    if pk > 9:
        raise HTTPException(404)
    return pk


@plain.get("/m/feed/{slug}/")
@plain.post("/m/feed/{slug}/")
@plain.delete("/m/feed/{slug}/")
async def plain_feed(slug: str) -> str:
    return slug


@plain.get("/m/number/{name}/")
async def plain_number(name: str) -> str:
    return name


@plain.get("/m/named/{name}/")
def plain_named(name: str, request: DjangoRequest) -> dict[str, Any]:
    return told(request)


@plain.get("/m/old/{number:int}/")
async def plain_old(number: int, request: DjangoRequest) -> dict[str, Any]:
    return told(request)


@plain.get("/m/v1/fresh/{pk}/")
async def fresh(pk: str, request: DjangoRequest) -> dict[str, Any]:
    return told(request)


@plain.get("/m/catch/{name}/")
async def caught(name: str, request: DjangoRequest) -> dict[str, Any]:
    return told(request)


@plain.get("/m/tokens/", dependencies=[Depends(drf(permissions=[]))])
async def tokens(request: DjangoRequest) -> dict[str, Any]:
    return {"method": request.method}


async def secret() -> None:
    """Its own mark holds."""


secret.login_required = True  # type: ignore[attr-defined] # as a decorator may leave it
plain.get("/m/secret/", dependencies=[Depends(drf(permissions=[]))])(secret)


@plain.get("/m/headed/")
async def plain_headed(request: DjangoRequest) -> PlainTextResponse:
    return PlainTextResponse(request.method, headers={"X-Method": str(request.method)})


@plain.get("/m/streamed/")
async def streamed() -> StreamingResponse:
    async def parts() -> Any:
        while True:  # nobody reads it all
            yield b"part "

    return StreamingResponse(parts(), media_type="text/plain")


only_new = FastAPI()  # at paths that the project doesn't have


@only_new.get("/x/tags/me")
async def new_me() -> dict[str, bool]:
    return {"me": True}


@only_new.get("/x/tags/{tag}")
async def new_tag(tag: str) -> dict[str, str]:
    return {"tag": tag}


@only_new.delete("/x/tags/{tag}")
async def new_delete(tag: str) -> None:
    deleted.append(f"service {tag}")


@only_new.get("/x/numbers/{n:int}")
async def new_number(n: int) -> int:
    return n


@only_new.put("/x/numbers/{name}")
async def new_put(name: str) -> str:
    deleted.append(f"service {name}")
    return name


unslashed = FastAPI()  # where the project has a slash at the end


@unslashed.get("/m/tags/{tag}")
async def unslashed_tag(tag: str) -> str:
    return tag


@unslashed.delete("/m/tags/{tag}")
async def unslashed_delete(tag: str) -> None:
    deleted.append(f"service {tag}")


def atomic(view: Any) -> FastAPI:
    """An endpoint that is asynchronous, so that ATOMIC_REQUESTS can't be kept for it."""
    made = FastAPI()

    @made.get("/x/atomic/", dependencies=[of(view)])
    async def endpoint() -> None: ...

    return made


def keeps_atomic() -> FastAPI:
    return atomic(Headed)


def non_atomic() -> FastAPI:
    return atomic(NonAtomic)
