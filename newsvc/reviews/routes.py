"""The service's endpoints: `async def`, since SQLAlchemy's connections wait without a thread."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.views import APIView

from gateway.bridge import DjangoRequest
from gateway.bridge.drf.credentials import DRFUser, drf
from legacy.accounts.models import User
from legacy.shop.api.throttling import WriteThrottle
from legacy.shop.models import Tenant
from newsvc.drf import DRFRoute
from newsvc.errors import ErrorBody, InvalidBody
from newsvc.pages import PageOf
from newsvc.reviews.database import Database
from newsvc.reviews.queries import add_review, list_page
from newsvc.reviews.schemas import ReviewIn, ReviewOut, ReviewQuery

__all__ = ["router"]

router = APIRouter(
    prefix="/api/reviews",
    tags=["reviews"],
    route_class=DRFRoute,
    dependencies=[
        Depends(
            drf(
                permissions=[IsAuthenticatedOrReadOnly],
                throttles=[*APIView.throttle_classes, WriteThrottle],
            )
        )
    ],
    responses={400: {"model": InvalidBody}, 404: {"model": ErrorBody}},
)


@router.get("/")
async def list_reviews(
    request: DjangoRequest, db: Database, query: Annotated[ReviewQuery, Query()]
) -> PageOf[ReviewOut]:
    """Reviews of what the shop sells, filtered, ordered and in pages; the newest first."""
    reviews, page = await list_page(db, query, Tenant.of(request))
    return PageOf.showing([ReviewOut.of(review) for review in reviews], page, request)


@router.post("/", status_code=201)
async def write_review(review: ReviewIn, author: DRFUser, request: DjangoRequest, db: Database) -> ReviewOut:
    """Write a review, signed with the caller's name. One of each product."""
    return ReviewOut.of(await add_review(db, review, cast("User", author), Tenant.of(request)))
