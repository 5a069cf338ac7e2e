"""Middleware that leaves something for the view in one way or another, and some that only seems to."""

from __future__ import annotations

import contextvars
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from asgiref.local import Local
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.http import HttpResponse


@dataclass
class Fields(threading.local):
    """A data class compares by its fields, and can't be hashed; as rich's."""

    request: object = None


notes = threading.local()
fields = Fields()
local = Local()
variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default=None)


class Holder:
    """Has a place for notes, as silk's collector."""

    def __init__(self):
        self.notes = threading.local()


holder = Holder()


def around(leave):
    """A middleware that calls what is inside of it within `leave(request)`."""

    def factory(get_response):
        def middleware(request):
            with leave(request):
                return get_response(request)

        return middleware

    return factory


@around
@contextmanager
def taken_back(request):
    notes.request = request
    yield
    del notes.request


@around
@contextmanager
def in_fields(request):
    fields.request = request
    yield
    fields.request = None


@around
def left_there(request):
    holder.notes.request = request
    return nullcontext()


@around
@contextmanager
def one_more_in_a_list(request):
    notes.stack = getattr(notes, "stack", [])
    notes.stack.append(request)
    yield
    notes.stack.pop()


@around
@contextmanager
def on_the_connection(request):
    connection.tenant = request.get_host()
    yield
    del connection.tenant


@around
def around_queries(request):
    return connection.execute_wrapper(lambda execute, *args: execute(*args))


@around
def in_a_transaction(request):
    return transaction.atomic()


@around
def when_posting(request):
    if request.method == "POST":
        notes.posted = request
    return nullcontext()


@around
def once_for_each_thread(request):
    """As a client of some server is kept."""
    notes.client = getattr(notes, "client", None) or object()
    return nullcontext()


@around
@contextmanager
def in_the_context(request):
    token = variable.set(request)
    local.request = request
    yield
    variable.reset(token)
    del local.request


@around
def written(request):
    Group.objects.create(name=f"written {request.method} {Group.objects.count()}")
    request.session["seen"] = "yes"
    request.session.save()
    return nullcontext()


def answering(get_response):
    return lambda request: HttpResponse("closed", status=503)
