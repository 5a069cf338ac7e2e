"""One shape for every error: `{"code", "detail"}`, and `"errors"` where fields are to blame."""

from typing import Any

from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from legacy.shop.checkout import NotCancellableError, OutOfStockError


class Conflict(APIException):
    """The request is well-formed, but the shop's state does not allow it."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into a response; None leaves it to Django, as a bug."""
    response = drf_exception_handler(_translated(error), context)
    if response is not None:
        response.data = {**_body(response.data, error), **_shortages(error)}
    return response


def _translated(error: Exception) -> Exception:
    """Express the shop's own exceptions in DRF's."""
    if isinstance(error, OutOfStockError):
        return Conflict(_("Not enough in stock."), code="out_of_stock")
    if isinstance(error, NotCancellableError):
        return Conflict(_("This order can no longer be cancelled."), code="not_cancellable")
    if isinstance(error, ProtectedError):
        return Conflict(_("Other objects still refer to this one."), code="protected")
    return error


def _body(data: Any, error: Exception) -> dict[str, Any]:
    if isinstance(error, ValidationError):
        return {"code": "invalid", "detail": _("The input is not valid."), "errors": data}
    detail = data["detail"]
    return {"code": detail.code if isinstance(detail, ErrorDetail) else "error", "detail": detail}


def _shortages(error: Exception) -> dict[str, Any]:
    if not isinstance(error, OutOfStockError):
        return {}
    return {
        "errors": [
            {"product": s.product_pk, "name": s.name, "wanted": s.wanted, "available": s.available}
            for s in error.shortages
        ]
    }
