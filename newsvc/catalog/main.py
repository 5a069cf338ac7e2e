"""The service's application."""

from __future__ import annotations

from fastapi import FastAPI

from newsvc.catalog.routes import router

__all__ = ["app"]

app = FastAPI(
    title="Catalogue",
    summary="The shop's products.",
    # Under a prefix of the service's own, so that its pages have a route of their own in gateway.toml.
    openapi_url="/services/catalog/openapi.json",
    docs_url="/services/catalog/docs",
    redoc_url=None,
    swagger_ui_oauth2_redirect_url=None,
    redirect_slashes=False,  # Django redirects, as before
)
app.include_router(router)
