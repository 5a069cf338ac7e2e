"""The service's endpoints: `async def`, since SQLAlchemy's connections wait without a thread."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from rest_framework.permissions import IsAuthenticatedOrReadOnly

from gateway.bridge import DjangoRequest
from legacy.shop.models import Tenant
from newsvc.drf import guard
from newsvc.errors import ErrorBody, InvalidBody
from newsvc.pages import PageOf
from newsvc.reviews.database import Database
from newsvc.reviews.queries import list_page
from newsvc.reviews.schemas import ReviewOut, ReviewQuery

__all__ = ["router"]

router = APIRouter(
    prefix="/api/reviews",
    tags=["reviews"],
    dependencies=[Depends(guard(permission_classes=[IsAuthenticatedOrReadOnly]))],
    responses={400: {"model": InvalidBody}, 404: {"model": ErrorBody}},
)


@router.get("/")
async def list_reviews(
    request: DjangoRequest, db: Database, query: Annotated[ReviewQuery, Query()]
) -> PageOf[ReviewOut]:
    """Reviews of what the shop sells, filtered, ordered and in pages; the newest first."""
    reviews, page = await list_page(db, query, Tenant.of(request))
    return PageOf.showing([ReviewOut.of(review) for review in reviews], page, request)
