"""The connections of `newsvc.reviews`: as Django's settings say, and none after the service has stopped."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from newsvc.reviews import app
from newsvc.reviews.database import engine_for, lifespan
from newsvc.reviews.tables import Review

pytestmark = pytest.mark.long

POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "shop",
    "USER": "me",
    "PASSWORD": "p@ss/word",
    "HOST": "db",
    "PORT": "5433",
    "CONN_HEALTH_CHECKS": True,
}


@pytest.mark.anyio
async def test_a_stopped_service_has_no_connections(shop: None) -> None:
    async with lifespan(app) as state:
        async with state["sessions"]() as session:
            assert await session.scalar(text("SELECT count(*) FROM shop_review")) > 0
        engine = state["sessions"].kw["bind"]
        pool = engine.pool
        assert pool.checkedin() == 1
    assert pool.checkedin() == 0


async def write(review: Review) -> None:
    async with lifespan(app) as state, state["sessions"].begin() as session:
        session.add(review)


@pytest.mark.anyio
async def test_foreign_keys_hold_as_in_django(shop: None) -> None:
    review = Review(product_id=404, author_id=1, rating=1, title="", text="", created=timezone.now())
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await write(review)


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "postgresql+psycopg://me:p%40ss%2Fword@db:5433/shop"),
        ({"USER": "", "PASSWORD": "", "HOST": "", "PORT": ""}, "postgresql+psycopg:///shop"),
    ],
)
def test_postgresql_is_reached_as_django_reaches_it(changes: dict[str, Any], url: str) -> None:
    assert engine_for(POSTGRESQL | changes).url.render_as_string(hide_password=False) == url
