"""The service's application."""

from __future__ import annotations

from fastapi import FastAPI

from newsvc.orders.routes import router

__all__ = ["app"]

app = FastAPI(
    title="Orders",
    summary="Buying things.",
    openapi_url="/services/orders/openapi.json",
    docs_url="/services/orders/docs",
    redoc_url=None,
    swagger_ui_oauth2_redirect_url=None,
    redirect_slashes=False,  # Django redirects, as before
)
app.include_router(router)
