"""The service's application."""

from __future__ import annotations

from fastapi import FastAPI

from newsvc.quotes.errors import install_error_handlers
from newsvc.quotes.rendering import JSONAnswer
from newsvc.quotes.routes import router
from newsvc.quotes.suppliers import lifespan
from newsvc.quotes.surroundings import AnswerHeaders

__all__ = ["app"]

app = FastAPI(
    title="Quotes",
    summary="What the suppliers ask for a product.",
    openapi_url="/services/quotes/openapi.json",
    docs_url="/services/quotes/docs",
    redoc_url=None,
    swagger_ui_oauth2_redirect_url=None,
    default_response_class=JSONAnswer,
    redirect_slashes=False,  # Django redirects, as before
    lifespan=lifespan,
)
app.include_router(router)
app.add_middleware(AnswerHeaders)
install_error_handlers(app)
