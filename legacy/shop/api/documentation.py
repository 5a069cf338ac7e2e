"""What drf-spectacular can't read from the views: errors, and statuses set in code. See SPECTACULAR_SETTINGS."""

from __future__ import annotations

from typing import Any

# As exceptions.py words every error.
ERROR = {
    "type": "object",
    "properties": {"code": {"type": "string"}, "detail": {"type": "string"}, "errors": {}},
    "required": ["code", "detail"],
}
ANSWER = {
    "description": "An error.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
# Operations that answer with another status than that of their method.
CREATED = ("cart_items_create", "products_images_create")


def document_errors(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """A hook for drf-spectacular: add to each operation what every one of them may answer."""
    for item in result["paths"].values():
        for operation in item.values():
            responses = operation["responses"]
            responses.setdefault("default", ANSWER)
            if operation["operationId"] in CREATED and "200" in responses:
                responses["201"] = responses.pop("200")
    result["components"].setdefault("schemas", {})["Error"] = ERROR
    return result
