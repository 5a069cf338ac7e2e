"""A Django project and two services that took some of it over, for the tests of `gateway.testing`."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from typing import Annotated, Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.db import close_old_connections, transaction
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template import engines
from django.urls import path
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request, Response
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated

from gateway.bridge import DjangoRequest, OptionalUser, Session, atomic
from gateway.bridge.drf.credentials import DRFUser, drf
from gateway.testing import GatewayClient

committed: list[str] = []
started: list[str] = []


# -- the project --------------------------------------------------------------------------------


def names(request):
    return JsonResponse(sorted(Group.objects.values_list("name", flat=True)), safe=False)


async def names_async(request):
    found = [name async for name in Group.objects.order_by("name").values_list("name", flat=True)]
    return JsonResponse(found, safe=False)


def create(request, name):
    Group.objects.create(name=name)
    transaction.on_commit(lambda: committed.append(name))
    return HttpResponse(status=201)


async def create_async(request, name):
    await Group.objects.acreate(name=name)
    return HttpResponse(status=201)


def page(request):
    template = engines["django"].from_string("Hello {{ name }}, {% if user %}{{ user }}{% endif %}")
    return HttpResponse(template.render({"name": "you", "user": request.user}, request))


def echo(request, name=""):
    body = request.body.decode("latin-1")
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "query": request.GET.dict(),
            "post": request.POST.dict(),
            "files": {name: file.read().decode() for name, file in request.FILES.items()},
            "body": body,
            "host": request.get_host(),
            "secure": request.is_secure(),
            "header": request.headers.get("X-Test"),
            "remote_user": request.META.get("REMOTE_USER"),
            "type": request.content_type,
        }
    )


def raises(request):
    raise ZeroDivisionError("legacy")


async def raises_async(request):
    raise ZeroDivisionError("legacy")


def exits(request):
    raise KeyboardInterrupt


def redirects(request, number):
    return redirect(f"/redirects/{number - 1}/" if number else "/names/")


def kept(request):
    return redirect("/echo/", preserve_request=True)


def circle(request):
    return redirect("/circle/")


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


def stream(request):
    return StreamingHttpResponse(iter([b"one ", b"two"]))


def download(request):
    return FileResponse(open(__file__, "rb"), as_attachment=True, filename="site.py")  # noqa: PTH123


@login_required
def private(request):
    return HttpResponse(request.user.username)


def token(request):
    return HttpResponse(get_token(request))


def nested(request, path):
    return HttpResponse(GatewayClient().get(f"/{path}").content)


def language(request):
    return HttpResponse(translation.get_language())


def no_language(request):
    translation.deactivate_all()
    return HttpResponse(str(translation.get_language()))


def thread(request):
    return JsonResponse(threading.get_ident(), safe=False)


def sent(request):
    return HttpResponse(request.body, content_type="text/plain")


@api_view()
@permission_classes([AllowAny])
def caller(request):
    return HttpResponse(request.user.username, content_type="text/plain")


urlpatterns = [
    path("names/", names),
    path("names/async/", names_async),
    path("create/<name>/", csrf_exempt(create)),
    path("create-async/<name>/", csrf_exempt(create_async)),
    path("page/", page, name="page"),
    path("echo/", csrf_exempt(echo)),
    path("checked/", thread),
    path("raises/", raises),
    path("raises/async/", raises_async),
    path("exits/", exits),
    path("redirects/<int:number>/", redirects),
    path("kept/", kept),
    path("circle/", circle),
    path("any/<name>/", echo),
    path("login/", page, name="login"),
    path("visits/", visits),
    path("stream/", stream),
    path("download/", download),
    path("private/", private),
    path("token/", token),
    path("nested/<path:path>", nested),
    path("language/", language),
    path("no-language/", no_language),
    path("thread/", thread),
    path("moved/names/", names),
    path("moved/sent/", csrf_exempt(sent)),
    path("moved/caller/", caller),
]


# -- the services -------------------------------------------------------------------------------


both = APIRouter()


@both.get("/names/")
def read_names() -> list[str]:
    return sorted(Group.objects.values_list("name", flat=True))


@both.get("/names/async/")
async def read_async() -> list[str]:
    return [name async for name in Group.objects.order_by("name").values_list("name", flat=True)]


@both.get("/names/to-thread/")
async def read_to_thread() -> list[str]:
    return await asyncio.to_thread(read_names)


@both.post("/create/{name}/")
def write(name: str) -> None:
    close_old_connections()
    Group.objects.create(name=name)
    transaction.on_commit(lambda: committed.append(name))
    close_old_connections()


@both.post("/create-async/{name}/")
async def write_async(name: str) -> None:
    await Group.objects.acreate(name=name)


@both.get("/raises/")
async def fails() -> None:
    raise ZeroDivisionError("service")


@both.get("/cookie/")
async def cookie(response: Response) -> None:
    response.set_cookie("color", "blue", httponly=True)


@both.get("/cookies/")
async def cookies(response: Response) -> None:
    response.set_cookie("color", "blue", path="/a")
    response.set_cookie("size", "10", path="/b")


@both.api_route("/echo/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def mirror(request: Request) -> dict[str, Any]:
    return {"method": request.method, "body": (await request.body()).decode(), "host": request.url.hostname}


@both.get("/thread/")
def where() -> int:
    return threading.get_ident()


@asynccontextmanager
async def lifespan(_: FastAPI):
    started.append("plain")
    yield
    started.remove("plain")


plain = FastAPI(lifespan=lifespan)
plain.include_router(both, prefix="/plain")
bridged = FastAPI()
bridged.include_router(both, prefix="/bridged")


@bridged.post("/bridged/half/{name}/")
async def half(name: str) -> None:
    async with atomic():
        await Group.objects.acreate(name=name)
        raise HTTPException(409)


@bridged.post("/bridged/slowly/{name}/")
async def slowly(name: str, fail: bool) -> None:
    async with atomic():
        await Group.objects.acreate(name=name)
        await asyncio.to_thread(threading.get_ident)
        await asyncio.sleep(0)
        if fail:
            raise HTTPException(409)
        await Group.objects.filter(name=name).aupdate(name=name)


@bridged.get("/bridged/user/")
async def who(user: OptionalUser) -> str | None:
    return user and user.get_username()


@bridged.get("/bridged/drf/", dependencies=[Depends(drf(permissions=[IsAuthenticated]))])
async def who_for_drf(user: DRFUser) -> str:
    return user.get_username()


@bridged.post("/bridged/visits/")
async def count(session: Session) -> int:
    session["visits"] = session.get("visits", 0) + 1
    return session["visits"]


@bridged.get("/bridged/view/{number:int}/")
async def view(request: DjangoRequest, number: int) -> str:
    return request.resolver_match.view_name


@bridged.post("/bridged/body/")
async def body(value: Annotated[Any, Body()]) -> Any:
    return json.loads(json.dumps(value))


@bridged.post("/moved/sent/")
async def sent_there(request: Request) -> Response:
    return Response(await request.body(), media_type="text/plain", headers={"Content-Type": "text/plain"})


@bridged.get("/moved/caller/", dependencies=[Depends(drf(permissions=[AllowAny]))])
async def caller_there(user: DRFUser) -> Response:
    return Response(user.username, headers={"Content-Type": "text/plain"})


@bridged.get("/moved/names/")
def moved() -> list[str]:
    return ["the service"]
