"""The service that is to take over: `Shop` may, and each class below it has one bug. `apps` has a service for each."""

import time
from types import SimpleNamespace
from typing import Annotated, Any

from django.db import connection
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from pydantic import BaseModel
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated

from gateway.bridge.drf.credentials import DRFRequest, DRFUser, drf
from gateway.bridge.drf.fields import DRFChar
from gateway.bridge.drf.route import DRFRoute
from tests.planted.models import Book, Visit


class Said(BaseModel):
    said: Annotated[str, DRFChar(max_length=10)]


class SaidAnything(BaseModel):
    said: str


class Shop:
    """No bug."""

    seller: Any = IsAdminUser
    body: Any = Said

    def enter(self, request: Any, user: Any) -> None:
        """Whatever is done before an answer."""

    def books(self) -> list[Book]:
        return list(Book.objects.select_related("author").order_by("pk"))

    def shown(self, book: Book) -> dict[str, Any]:
        return {"id": book.pk, "title": book.title, "price": f"{book.price:.2f}", "author": book.author.name}

    def check(self, body: Any) -> None:
        """Refuse what the body's model doesn't."""


class Type(Shop):
    def shown(self, book):
        return super().shown(book) | {"price": float(book.price)}


class MissingField(Shop):
    def shown(self, book):
        shown = super().shown(book)
        del shown["author"]
        return shown


class Secret(Shop):
    def shown(self, book):
        return super().shown(book) | {"author_api_key": book.author.api_key}


class MissingPermission(Shop):
    seller = AllowAny


class LostRow(Shop):
    def books(self):
        return super().books()[:-1]


class NPlusOne(Shop):
    def books(self):
        return list(Book.objects.order_by("pk"))


class WriteInGet(Shop):
    def enter(self, request, user):
        if request.method == "GET":
            Visit.objects.create(said="nothing")


class ExceptionForLoggedIn(Shop):
    def enter(self, request, user):
        if user.is_authenticated:
            raise KeyError(user.pk)


class Slower(Shop):
    def books(self):
        time.sleep(0.6)
        return super().books()


class WrongError(Shop):
    body = SaidAnything

    def check(self, body):
        if len(body.said) > 10:
            raise HTTPException(422, {"said": ["Ensure this field has no more than 10 characters."]})


class NullForText(Shop):
    def shown(self, book):
        return super().shown(book) | {"author": None}


class MissingInSomeRows(Shop):
    def shown(self, book):
        shown = super().shown(book)
        if book.pk % 5 == 0:
            del shown["author"]
        return shown


class PasswordHash(Shop):
    def shown(self, book):
        return super().shown(book) | {"check": "pbkdf2_sha256$600000$abcdEFGH1234$k3k3k3k3k3k3k3k3"}


class LoggedInIsEnough(Shop):
    seller = IsAuthenticated


class RowTwice(Shop):
    def books(self):
        found = super().books()
        return [*found, found[-1]]


class DeferredColumn(Shop):
    def books(self):
        return list(Book.objects.select_related("author").only("title", "author__name").order_by("pk"))


class RawWriteInGet(Shop):
    def enter(self, request, user):
        if request.method == "GET":
            with connection.cursor() as cursor:
                cursor.execute("UPDATE planted_author SET name = name WHERE id = 1")


class ExceptionForStaff(Shop):
    def enter(self, request, user):
        if user.is_staff:
            raise KeyError(user.pk)


class ExitForLoggedIn(Shop):
    def enter(self, request, user):
        if user.is_authenticated:
            raise SystemExit(1)


class OtherErrorBody(Shop):
    body = SaidAnything

    def check(self, body):
        if len(body.said) > 10:
            raise HTTPException(400, {"detail": "Too long."})


class NoError(Shop):
    body = SaidAnything


BUGS = {
    "none": Shop,
    "type": Type,
    "missing-field": MissingField,
    "secret": Secret,
    "missing-permission": MissingPermission,
    "lost-row": LostRow,
    "n-plus-one": NPlusOne,
    "write-in-get": WriteInGet,
    "exception-for-logged-in": ExceptionForLoggedIn,
    "slower": Slower,
    "wrong-error": WrongError,
}
# The same in other forms: in shadow only.
FORMS = {
    "null-for-text": NullForText,
    "missing-in-some-rows": MissingInSomeRows,
    "password-hash": PasswordHash,
    "logged-in-is-enough": LoggedInIsEnough,
    "row-twice": RowTwice,
    "deferred-column": DeferredColumn,
    "raw-write-in-get": RawWriteInGet,
    "exception-for-staff": ExceptionForStaff,
    "exit-for-logged-in": ExitForLoggedIn,
    "other-error-body": OtherErrorBody,
    "no-error": NoError,
}
PLACES = [*(("shadow", bug) for bug in [*BUGS, *FORMS]), *(("canary", bug) for bug in BUGS)]


def router_of(shop: Shop) -> APIRouter:
    """The endpoints of a shop."""
    router = APIRouter(route_class=DRFRoute)

    @router.get("/books/", dependencies=[Depends(drf(name="Books"))])
    def books(request: DRFRequest, user: DRFUser) -> list[dict[str, Any]]:
        shop.enter(request, user)
        return [shop.shown(book) for book in shop.books()]

    @router.get("/books/{pk:int}/", dependencies=[Depends(drf(name="One Book"))])
    def one(pk: int, request: DRFRequest, user: DRFUser) -> dict[str, Any]:
        shop.enter(request, user)
        return shop.shown(get_object_or_404(Book.objects.select_related("author"), pk=pk))

    @router.post("/visits/", status_code=201, dependencies=[Depends(drf(permissions=[IsAuthenticated], name="Visits"))])
    def visit(request: DRFRequest, user: DRFUser, body: shop.body) -> Any:
        shop.enter(request, user)
        shop.check(body)
        Visit.objects.create(said=body.said)
        return body

    @router.get("/sales/", dependencies=[Depends(drf(permissions=[shop.seller], name="Sales"))])
    def sales(request: DRFRequest, user: DRFUser) -> dict[str, int]:
        shop.enter(request, user)
        return {"sold": Book.objects.count()}

    return router


def app_of(bug: str) -> FastAPI:
    app = FastAPI()
    for stage, planted in PLACES:
        if planted == bug:
            app.include_router(router_of((BUGS | FORMS)[bug]()), prefix=f"/{stage}/{bug}")
    return app


apps = SimpleNamespace(**{bug.replace("-", "_"): app_of(bug) for bug in BUGS | FORMS})
