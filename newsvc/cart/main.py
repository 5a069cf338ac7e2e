"""The service's application."""

from __future__ import annotations

from fastapi import FastAPI

from newsvc.cart.routes import router

__all__ = ["app"]

app = FastAPI(
    title="Cart",
    summary="What the caller means to buy.",
    openapi_url="/services/cart/openapi.json",
    docs_url="/services/cart/docs",
    redoc_url=None,
    swagger_ui_oauth2_redirect_url=None,
    redirect_slashes=False,  # Django redirects, as before
)
app.include_router(router)
