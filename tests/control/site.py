"""A page and an endpoint that say which side and which process answers. The endpoint fails while FAILS exists."""

import os
from pathlib import Path

from django.http import JsonResponse
from django.urls import path
from fastapi import FastAPI, HTTPException

FAILS = Path(os.environ.get("PROJECT_UPLOADS", "/nowhere"), "fails")

app = FastAPI()


@app.get("/w/")
def of_the_service() -> dict[str, object]:
    if FAILS.exists():
        raise HTTPException(500)
    return {"side": "service", "pid": os.getpid()}


urlpatterns = [path("w/", lambda request: JsonResponse({"side": "legacy", "pid": os.getpid()}))]
