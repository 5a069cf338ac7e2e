"""The service's endpoints: `async def`, since SQLAlchemy's connections wait without a thread."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.views import APIView

from gateway.bridge import DjangoRequest
from gateway.bridge.drf.credentials import DRFUser, drf
from gateway.bridge.drf.pagination import Paginate, paginate
from gateway.bridge.drf.route import DRFRoute
from legacy.accounts.models import User
from legacy.shop.api.throttling import WriteThrottle
from legacy.shop.models import Tenant
from newsvc.errors import ErrorBody, InvalidBody
from newsvc.pages import PageOf
from newsvc.reviews.database import Database
from newsvc.reviews.queries import add_review, count_of, find_reviews
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


@router.get("/", response_model=PageOf[ReviewOut])
async def list_reviews(
    request: DjangoRequest,
    db: Database,
    query: Annotated[ReviewQuery, Query()],
    page: Annotated[Paginate, Depends(paginate())],
) -> Any:
    """Reviews of what the shop sells, filtered, ordered and in pages; the newest first."""
    reviews = await find_reviews(db, query, Tenant.of(request))
    # DRF's paginator takes any sequence: this one is the numbers of the rows, of which it leaves those on the page.
    found = await page(range(await count_of(db, reviews)), int)
    numbers = found["results"]
    rows = await db.scalars(reviews.offset(min(numbers, default=0)).limit(len(numbers)))
    return found | {"results": [ReviewOut.of(review) for review in rows]}


@router.post("/", status_code=201)
async def write_review(review: ReviewIn, author: DRFUser, db: Database) -> ReviewOut:
    """Write a review, signed with the caller's name. One of each product."""
    return ReviewOut.of(await add_review(db, review, cast("User", author)))
