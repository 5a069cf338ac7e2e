"""The same endpoints twice: as Django's own views below /old/, as a service's endpoints below /new/."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, JsonResponse
from django.urls import path
from django.utils.translation import gettext_lazy
from django.views import View
from fastapi import APIRouter, FastAPI, HTTPException
from pydantic import BaseModel

from gateway.bridge.django_json import DjangoRoute

SAMPLE = {
    "name": "καφές",
    "label": gettext_lazy("Yes"),
    "price": Decimal("1.50"),
    "when": datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=UTC),
    "lasts": timedelta(days=1, hours=2),
    "id": UUID(int=7),
}
REFUSALS: dict[str, Any] = {"400": BadRequest, "403": PermissionDenied, "404": Http404, "bug": RuntimeError}


class Sample(View):
    def get(self, request):
        return JsonResponse(SAMPLE)

    def post(self, request):
        return JsonResponse([1, 2], safe=False, status=201)


class Refusing(View):
    def get(self, request, kind):
        raise REFUSALS[kind]("secret")


class Named(View):
    def get(self, request, number):
        return JsonResponse({"number": number})


urlpatterns = [
    path("old/sample/", Sample.as_view()),
    path("old/model/", Sample.as_view()),
    path("old/refusing/<kind>/", Refusing.as_view()),
    path("old/number/<int:number>/", Named.as_view()),
]

app = FastAPI()
router = APIRouter(prefix="/new", route_class=DjangoRoute)


class Model(BaseModel):
    name: str
    label: Any
    price: Decimal
    when: datetime
    lasts: timedelta
    id: UUID


@router.get("/sample/")
async def sample():
    return SAMPLE


@router.post("/sample/", status_code=201)
def numbers() -> list[int]:
    return [1, 2]


@router.get("/model/")
def model() -> Model:
    return Model(**SAMPLE)


@router.get("/refusing/{kind}/")
async def refusing(kind: str) -> None:
    if kind == "bug":
        raise RuntimeError("secret")
    raise HTTPException(int(kind), "secret")


@router.get("/raising/{kind}/")
async def raising(kind: str) -> None:
    raise REFUSALS[kind]("secret")


@router.get("/number/{number}/")
async def number(number: int, page: int = 1) -> dict[str, int]:
    return {"number": number}


app.include_router(router)
