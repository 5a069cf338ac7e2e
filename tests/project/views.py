"""One view for each thing that a server can get wrong."""

import asyncio
import contextvars
import hashlib
import sys
import tempfile
import threading

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import RequestDataTooBig
from django.db import connection, connections
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from tests.project import gates

BLOCK = b"x" * 2**16
SECRET = "a secret that no caller may read"


@csrf_exempt
def steady(request, how):
    """Next to `tests.project.services.failing`: it answers whatever the path says."""
    return JsonResponse({"legacy": how, "body": len(request.body)})


@csrf_exempt
def created(request, name):
    """Next to the endpoints of `tests.project.bridged` that create a user."""
    get_user_model().objects.create(username=name)
    return JsonResponse({"legacy": name})


def as_json(request):
    return JsonResponse({"hello": "world"})


@csrf_exempt
def echo(request, rest=""):
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "path_info": request.path_info,
            "query": request.META["QUERY_STRING"],
            "fields": request.GET,
            "headers": dict(request.headers),
            "meta": {key: value for key, value in request.META.items() if isinstance(value, str)},
            "cookies": request.COOKIES,
            "body": request.body.decode("latin-1"),
        }
    )


def addresses(request):
    return JsonResponse(
        {
            "path": request.path,
            "script_name": request.META["SCRIPT_NAME"],
            "reversed": reverse("json"),
            "absolute": request.build_absolute_uri(),
            "static": static("admin/css/base.css"),
        }
    )


# -- the database -------------------------------------------------------------------------------


_wrappers = {}


def orm(request):
    count = ContentType.objects.count()
    _wrappers[threading.get_ident()] = connections["default"]
    if request.GET.get("then") == "raise":
        raise RuntimeError(SECRET)
    return JsonResponse({"count": count, "thread": threading.current_thread().name})


def open_connections(request):
    """How many of the connections that served `orm` are open still."""
    still_open = [wrapper for wrapper in _wrappers.values() if wrapper.connection is not None]
    return JsonResponse({"open": len(still_open), "seen": len(_wrappers)})


def threads(request):
    return JsonResponse({"names": [thread.name for thread in threading.enumerate()]})


# -- answers that take their time ---------------------------------------------------------------


@csrf_exempt
async def gate(request, name, verb):
    if verb == "peek":
        return JsonResponse({"open": gates.is_open(name)})
    if verb == "open":
        gates.open_gate(name)
        return HttpResponse("opened")
    return HttpResponse("open" if await gates.wait_async(name) else "shut")


def waits(request, name):
    gates.open_gate(f"{name}-entered")
    gates.wait(name)
    gates.open_gate(f"{name}-left")
    return HttpResponse("waited")


def streamed(request, name):
    def parts():
        yield b"first\n"
        gates.wait(name)
        yield b"last\n"

    return StreamingHttpResponse(parts())


def endless(request, name):
    def parts():
        try:
            while True:
                yield BLOCK
        finally:
            gates.open_gate(f"{name}-stopped")

    return StreamingHttpResponse(parts())


def waits_then_endless(request, name):
    gates.open_gate(f"{name}-entered")
    gates.wait(name)
    return endless(request, name)


def long(request, name):
    """64 MB, with a gate at 1 MB and one at the end."""

    def parts():
        for number in range(1024):
            if number == 16:
                gates.open_gate(f"{name}-begun")
            yield BLOCK
        gates.open_gate(f"{name}-ended")

    return StreamingHttpResponse(parts())


def large(request, size):
    return HttpResponse(b"x" * size)


def breaks_off(request):
    def parts():
        yield b"half"
        raise RuntimeError(SECRET)

    return StreamingHttpResponse(parts(), headers={"Content-Length": "8"} if "length" in request.GET else None)


def stream_raises(request, kind):
    def parts():
        yield b"half"
        raise {"exit": SystemExit(3), "cancel": asyncio.CancelledError()}[kind]

    return StreamingHttpResponse(parts())


async def async_who(request):
    return await sync_to_async(who)(request)


async def async_meta(request):
    meta = {key: value for key, value in request.META.items() if isinstance(value, str)}
    return JsonResponse({"meta": meta, "cookies": request.COOKIES})


async def async_json(request):
    return JsonResponse({"thread": threading.current_thread().name})


async def async_hop(request):
    """Synchronous code called twice from an asynchronous view."""
    names = [await sync_to_async(lambda: threading.current_thread().name)() for _ in range(2)]
    return JsonResponse({"threads": names})


async def async_waits(request, name):
    await sync_to_async(gates.open_gate)(f"{name}-entered")
    await sync_to_async(gates.wait)(name)
    return HttpResponse("waited")


async def count_async():
    """As `orm` counts."""
    count = await ContentType.objects.acount()
    _wrappers[await sync_to_async(threading.get_ident)()] = await sync_to_async(lambda: connections["default"])()
    return count


async def async_orm(request):
    return JsonResponse({"count": await count_async()})


async def async_streamed(request, name):
    async def parts():
        yield b"first\n"
        await gates.wait_async(name)
        yield b"last\n"

    return StreamingHttpResponse(parts())


async def async_endless(request, name):
    async def parts():
        try:
            while True:
                yield BLOCK
                await asyncio.sleep(0)
        finally:
            gates.open_gate(f"{name}-stopped")

    return StreamingHttpResponse(parts())


visitor = contextvars.ContextVar("visitor", default="nobody")


def async_stream_of_sync_view(request):
    visitor.set(request.GET.get("visitor", "somebody"))

    async def parts():
        yield translation.get_language().encode()
        yield b" "
        yield timezone.get_current_timezone_name().encode()
        yield b" "
        yield visitor.get().encode()

    return StreamingHttpResponse(parts())


def async_stream_that_waits(request, name):
    """Waits on the thread of its synchronous code, and cleans up there."""

    async def parts():
        try:
            await sync_to_async(gates.open_gate)(f"{name}-entered")
            await sync_to_async(gates.wait)(name)
            while True:
                yield threading.current_thread().name.encode()
                yield (await sync_to_async(lambda: threading.current_thread().name)()).encode()
                if "endless" not in request.GET:
                    break
        finally:
            thread = await sync_to_async(lambda: threading.current_thread().name)()
            gates.open_gate(f"{name}-stopped-on-{thread.rpartition('-')[0]}")

    return StreamingHttpResponse(parts())


def async_stream_with_orm(request):
    async def parts():
        yield str(await count_async()).encode()

    return StreamingHttpResponse(parts())


# -- files and uploads --------------------------------------------------------------------------


def file(request, size):
    """`size` bytes from a file; `/gates/NAME/wait/` tells when it was closed."""
    handle = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    handle.truncate(size)
    response = FileResponse(handle, filename="zeros.bin", as_attachment=True)
    if name := request.GET.get("gate"):
        response._resource_closers.append(lambda: gates.open_gate(f"{name}-closed"))
    return response


@csrf_exempt
def upload(request):
    return JsonResponse(
        {
            "fields": request.POST.dict(),
            "files": {
                name: [kept.name, kept.size, type(kept).__name__, hashlib.sha256(kept.read()).hexdigest()]
                for name, kept in request.FILES.items()
            },
        }
    )


@csrf_exempt
def digest(request):
    """The body's size and SHA-256, read in blocks: `request.body` would be refused at this size."""
    found, size = hashlib.sha256(), 0
    while chunk := request.read(2**16):
        found.update(chunk)
        size += len(chunk)
    return JsonResponse({"size": size, "sha256": found.hexdigest()})


@csrf_exempt
def whole_body(request):
    try:
        return JsonResponse({"size": len(request.body)})
    except RequestDataTooBig:
        return JsonResponse({"error": "too big"}, status=413)


# -- failures -----------------------------------------------------------------------------------


def raises(request):
    raise RuntimeError(SECRET)


def exits(request):
    sys.exit(3)


def stops_iteration(request):
    raise StopIteration


# -- what Django keeps per request --------------------------------------------------------------


def locale(request):
    """The language and time zone of this very request, read after others had time to interfere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    timezone.localtime()
    threading.Event().wait(0.002)
    return JsonResponse(
        {"language": translation.get_language(), "zone": timezone.get_current_timezone_name(), "id": request.GET["id"]}
    )


def zone(request):
    return HttpResponse(timezone.get_current_timezone_name())


async def async_locale(request):
    await asyncio.sleep(0.002)
    return JsonResponse(
        {"language": translation.get_language(), "zone": timezone.get_current_timezone_name(), "id": request.GET["id"]}
    )


def counter(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return JsonResponse({"count": request.session["count"]})


async def async_counter(request):
    await request.session.aset("count", await request.session.aget("count", 0) + 1)
    return JsonResponse({})


def who(request):
    return JsonResponse({"user": request.user.get_username()})


def log_out(request):
    logout(request)
    return HttpResponse("out")


def cycle(request):
    request.session.cycle_key()
    return HttpResponse("cycled")


def change_password(request):
    request.user.set_password(request.GET["password"])
    request.user.save()
    update_session_auth_hash(request, request.user)
    return HttpResponse("changed")


def leave_message(request):
    messages.info(request, "hello from legacy")
    return HttpResponse("left")


def read_messages(request):
    return JsonResponse({"messages": [str(message) for message in messages.get_messages(request)]})


@login_required
def private(request):
    return HttpResponse(request.user.get_username())


def translated(request):
    return HttpResponse(f"{translation.get_language()} {reverse('translated')}")


def form(request):
    from django.middleware.csrf import get_token

    return JsonResponse({"token": get_token(request), "method": request.method})


# -- the shape of answers -----------------------------------------------------------------------


def cookies(request):
    response = HttpResponse("cookies")
    response.set_cookie("first", "1", httponly=True)
    response.set_cookie("second", "2; with=odd, characters", samesite="Lax")
    return response


def odd_headers(request):
    response = HttpResponse(b"\xff\xfe")
    response["X-Latin"] = "na\u00efve"
    response["X-Greek"] = "\u03b1\u03b2\u03b3"
    return response


@csrf_exempt
@require_GET
def only_get(request):
    return HttpResponse("got")


@csrf_exempt
def like_drf(request):
    """As a DRF view declares itself: OPTIONS and 405 name the methods it has."""
    headers = {"Allow": "GET, POST, HEAD, OPTIONS"}
    status = 200 if request.method in ("GET", "HEAD", "POST", "OPTIONS") else 405
    return HttpResponse(f"legacy {request.method}", status=status, headers=headers)


def host(request):
    return HttpResponse(request.get_host())


def debug(request):
    return JsonResponse({"debug": settings.DEBUG, "connections": len(connections.all(initialized_only=True))})


async def numbered_async(request, number):
    return HttpResponse(f"number {number}")


async def coloured_async(request, name):
    return HttpResponse(f"colour {name}")


def shelf(request, name):
    return HttpResponse(f"shelf {name}")


async def async_shelf(request, name):
    return HttpResponse(f"shelf {name}")


async def async_translated(request):
    return HttpResponse(translation.get_language())
