"""JSON with the bytes that DRF writes."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.utils import timezone
from pydantic import PlainSerializer
from starlette.responses import JSONResponse

__all__ = ["JSONAnswer", "LocalDatetime", "Money"]

CENT = Decimal("0.01")


def _money(value: Decimal) -> str:
    return f"{value.quantize(CENT):f}"


def _local(value: datetime) -> str:
    text = timezone.localtime(value).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


# DecimalField(decimal_places=2) with COERCE_DECIMAL_TO_STRING: "1.50", where Pydantic would write "1.5".
Money = Annotated[Decimal, PlainSerializer(_money, return_type=str)]

# In settings.TIME_ZONE with its offset, where Pydantic would write UTC and Z.
LocalDatetime = Annotated[datetime, PlainSerializer(_local, return_type=str)]


class JSONAnswer(JSONResponse):
    """As DRF's JSONRenderer: no spaces, UTF-8, and the two line ends that JavaScript would trip over escaped."""

    def render(self, content: Any) -> bytes:
        """The bytes of the body."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
