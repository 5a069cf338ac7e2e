"""Django's ORM in a FastAPI service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections

__all__ = ["django_connections"]


@contextmanager
def django_connections() -> Iterator[None]:
    """What Django does around a request: drop connections that broke or outlived CONN_MAX_AGE.

    Write it inside the one sync function that runs the queries, and get the rows out before it ends:

        @router.get("/things/")
        def things() -> list[Thing]:
            with django_connections():
                return [Thing.of(row) for row in models.Thing.objects.all()]

    Connections belong to threads, and FastAPI may run an endpoint and the two halves of a `yield` dependency
    on three different ones (fastapi/fastapi#5891). Cleaning up in a dependency would look at another
    thread's connection, and leave this one's open for good.
    """
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
