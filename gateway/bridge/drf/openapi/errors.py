"""Documentation of error responses."""

from __future__ import annotations

from typing import Any

__all__ = ["ERRORS"]

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "The input is not valid: messages by field.",
        "content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}},
    },
    "default": {
        "description": "Any other error.",
        "content": {"application/json": {"schema": {"type": "object", "properties": {"detail": {"type": "string"}}}}},
    },
}
