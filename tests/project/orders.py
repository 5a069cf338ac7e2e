"""Orders that both sides write into one table, each in a transaction: `TABLE` is made by the test.

A key says what the service does with it: "undone" fails after it has written, where all of it is undone; "lost" fails
so in a transaction of its own; all others are fine. Legacy never fails.
"""

from __future__ import annotations

import os
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from fastapi import FastAPI

from gateway.bridge import all_in_transaction
from gateway.bridge import csrf_exempt as exempt

TABLE = "CREATE TABLE orders (key text NOT NULL, side text NOT NULL, pid integer NOT NULL)"  # duplicates are possible


def place(key: str, side: str) -> dict[str, Any]:
    """Write one order."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders VALUES (%s, %s, %s)", [key, side, os.getpid()])
    return {"key": key, "side": side, "pid": os.getpid()}


@csrf_exempt
def view(request: HttpRequest, kind: str, key: str) -> JsonResponse:
    """Legacy."""
    with transaction.atomic():
        return JsonResponse(place(key, "legacy"), status=201)


app = FastAPI()


@app.post("/orders/marked/{key}/", status_code=201)
@exempt
@all_in_transaction
def place_marked(key: str) -> dict[str, Any]:
    """All in the gateway's transaction."""
    placed = place(key, "service")
    if key.startswith("undone"):
        raise RuntimeError("written, and not committed")
    return placed


@app.post("/orders/plain/{key}/", status_code=201)
@exempt
def place_plain(key: str) -> dict[str, Any]:
    """In a transaction that the gateway knows nothing of."""
    with transaction.atomic():
        placed = place(key, "service")
        if key.startswith("lost"):
            raise RuntimeError("written, and not committed")
    return placed
