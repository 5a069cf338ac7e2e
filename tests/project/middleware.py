"""Middleware of the test project."""

import os
import time
from functools import partial
from pathlib import Path

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.decorators import async_only_middleware, sync_and_async_middleware


def time_zone_from_header(get_response):
    def middleware(request):
        if name := request.headers.get("X-Time-Zone"):
            timezone.activate(name)
        return get_response(request)

    return middleware


@async_only_middleware
def async_only(get_response):
    async def middleware(request):
        response = await get_response(request)
        response["X-Async-Only"] = "yes"
        return response

    return middleware


def stamp(get_response):
    def middleware(request):
        response = get_response(request)
        response["X-Stamp"] = "sync"
        return response

    return middleware


@sync_and_async_middleware
def either(get_response):
    """As Django's own: synchronous or asynchronous, as the chain wants it."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            response = await get_response(request)
            response["X-Either"] = "async"
            return response

    else:

        def middleware(request):
            response = get_response(request)
            response["X-Either"] = "sync"
            return response

    return middleware


def slow_to_close(get_response):
    """Works for half a second when the response is closed, and then writes a file, whose name is `closes`."""

    def close(name):
        time.sleep(0.5)
        Path(os.environ["PROJECT_UPLOADS"], name).write_text("closed")

    def middleware(request):
        response = get_response(request)
        if name := request.GET.get("closes"):
            response._resource_closers.append(partial(close, name))
        return response

    return middleware


class ProxyUser(RemoteUserMiddleware):
    """Believes the proxy's X-Proxy-User, as the documentation of Django has it for WSGI."""

    header = "HTTP_X_PROXY_USER"


class SyncProxyUser(ProxyUser):
    """Says by itself how it is to be read."""

    async_capable = False


class Hooks:
    """Every hook of a middleware; headers and query parameters say what it should do."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.GET.get("short") == "whole":
            return HttpResponse("short-circuited", headers={"X-Short": "1"})
        if request.GET.get("short") == "stream":
            return StreamingHttpResponse(iter([b"short-", b"circuited"]))
        if request.GET.get("short") == "raises":
            raise RuntimeError("secret")
        request.viewed = ""
        try:
            response = self.get_response(request)
        finally:
            hooks_left.append(request.path)
        response["X-Hooks"] = "yes"
        if request.GET.get("shout"):
            response.content = response.content.upper()
        return response

    def process_view(self, request, view, args, kwargs):
        request.viewed = f"{view.__module__}.{view.__name__} {kwargs}"
        return HttpResponse("no", status=403) if request.GET.get("short") == "view" else None

    def process_exception(self, request, exception):
        return HttpResponse(f"caught {type(exception).__name__}") if request.GET.get("catch") else None


hooks_left: list[str] = []


def no_sockets(get_response):
    """Refuses them once the view has been asked."""

    def middleware(request):
        response = get_response(request)
        return HttpResponse(status=403) if response.status_code == 101 else response

    return middleware


class OwnRequest(WSGIRequest):
    """A project's, or a package's."""


def own_request(get_response):
    """Gives requests another class, as django-pghistory does."""

    def middleware(request):
        request.__class__ = OwnRequest
        return get_response(request)

    return middleware


def not_used(get_response):
    raise MiddlewareNotUsed("not today")


def tenant(get_response):
    """Leaves the tenant everywhere it can be left, as django-tenants does on the connection."""
    from tests.project import bridged

    def middleware(request):
        name = request.headers.get("X-Tenant", "")
        token = bridged.tenant.set(name)
        bridged.local.tenant = connection.tenant = name
        try:
            response = get_response(request)
            response["X-Tenant"] = f"{bridged.tenant.get()} {bridged.local.tenant} {connection.tenant}"
        finally:
            bridged.tenant.reset(token)
            del connection.tenant
        return response

    return middleware


def without_autocommit(get_response):
    """Begins a transaction as PEP 249 has it."""

    def middleware(request):
        transaction.set_autocommit(False)
        try:
            return get_response(request)
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)

    return middleware


def search_path(get_response):
    """As django-tenants does."""

    def middleware(request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('search_path', %s, false)", [request.GET.get("tenant", "public")])
        return get_response(request)

    return middleware


def in_transaction(get_response):
    """As a project did before there was ATOMIC_REQUESTS."""

    def middleware(request):
        with transaction.atomic():
            response = get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return response

    return middleware


def tenant_in_context(get_response):
    """Leaves the tenant where it needs no thread."""
    from tests.project import bridged

    def middleware(request):
        name = request.headers.get("X-Tenant", "")
        token = bridged.tenant.set(name)
        bridged.local.tenant = name
        try:
            response = get_response(request)
            response["X-Tenant"] = f"{bridged.tenant.get()} {bridged.local.tenant}"
        finally:
            bridged.tenant.reset(token)
        return response

    return middleware


def queries(get_response):
    """Asks the database before the view and after it."""

    def middleware(request):
        _query()
        response = get_response(request)
        _query()
        return response

    return middleware


def _query():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@async_only_middleware
def blocking(get_response):
    """Asynchronous, around synchronous code that waits for asynchronous code: a thread waits in there."""

    def inside(request):
        return async_to_sync(get_response)(request)

    async def middleware(request):
        return await sync_to_async(inside)(request)

    return middleware


def first_page(get_response):
    """Answers for the site's first page by itself."""

    def middleware(request):
        return HttpResponse() if request.path == "/" else get_response(request)

    return middleware
