"""The service's application."""

from __future__ import annotations

from fastapi import FastAPI

from newsvc.reviews.database import lifespan
from newsvc.reviews.routes import router

__all__ = ["app"]

app = FastAPI(
    title="Reviews",
    summary="What customers say about products.",
    openapi_url="/services/reviews/openapi.json",
    docs_url="/services/reviews/docs",
    redoc_url=None,
    swagger_ui_oauth2_redirect_url=None,
    redirect_slashes=False,  # Django redirects, as before
    lifespan=lifespan,
)
app.include_router(router)
