"""The shop's service with models for its answers, and one planted bug each that they show."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated

from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.fields import DRFDecimal
from gateway.bridge.drf.route import DRFRoute
from tests.planted.services import Said, SaidAnything


class BookOut(BaseModel):
    id: int
    title: str
    price: Annotated[Decimal, DRFDecimal(max_digits=6, decimal_places=2)]
    author: str


class Type(BookOut):
    price: float


class MissingField(BaseModel):
    id: int
    title: str
    price: Annotated[Decimal, DRFDecimal(max_digits=6, decimal_places=2)]


class Secret(BookOut):
    author_api_key: str


class Digits(BookOut):
    price: Decimal


def router_of(book: Any = BookOut, body: Any = Said, seller: Any = IsAdminUser) -> APIRouter:
    """The service with these models and this permission."""
    router = APIRouter(route_class=DRFRoute)

    @router.get("/books/", response_model=list[book])
    def books() -> Any: ...

    @router.get("/books/{pk:int}/", response_model=book)
    def one(pk: int) -> Any: ...

    @router.post("/visits/", status_code=201, dependencies=[Depends(drf(permissions=[IsAuthenticated]))])
    def visit(body: body) -> Said: ...

    @router.get("/sales/", dependencies=[Depends(drf(permissions=[seller]))])
    def sales() -> dict[str, int]: ...

    return router


BUGS: dict[str, dict[str, Any]] = {
    "none": {},
    "type": {"book": Type},
    "missing-field": {"book": MissingField},
    "secret": {"book": Secret},
    "missing-permission": {"seller": AllowAny},
    "wrong-error": {"body": SaidAnything},
    "digits": {"book": Digits},
    "logged-in-is-enough": {"seller": IsAuthenticated},
}
