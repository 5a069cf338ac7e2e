"""The rules of `gateway openapi --diff`, with their severities.

BREAKING: a client made for the project's document may fail, or show something else. WARNING: only some clients notice.
NOTE: none does. When in doubt a change is breaking: a document doesn't say what clients rely on.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.parity.severity import Severity

__all__ = ["RULES"]

_B, _W, _N = Severity.BREAKING, Severity.WARNING, Severity.NOTE

RULES: Mapping[str, Severity] = {
    "operation-undocumented": _B,
    "operation-id-changed": _N,
    "component-name-changed": _N,
    "component-name-lost": _B,
    "security-narrowed": _B,
    "security-dropped": _W,
    "security-added": _N,
    "parameter-removed": _B,
    "parameter-required-added": _B,
    "parameter-became-required": _B,
    "parameter-style-changed": _B,
    "parameter-added": _N,
    "request-body-became-required": _B,
    "request-body-removed": _B,
    "request-media-type-removed": _B,
    "request-media-type-added": _N,
    "request-property-required-added": _B,
    "request-property-became-required": _B,
    "request-property-refused": _B,
    "request-property-removed": _W,
    "request-property-added": _N,
    "request-additional-properties-refused": _B,
    "request-type-narrowed": _B,
    "request-null-refused": _B,
    "request-enum-narrowed": _B,
    "request-format-narrowed": _B,
    "request-limit-narrowed": _B,
    "request-pattern-changed": _W,
    "request-default-changed": _W,
    "request-variants-changed": _W,
    "response-status-removed": _B,
    "response-error-removed": _W,
    "response-status-added": _W,
    "response-error-added": _N,
    "response-media-type-removed": _B,
    "response-media-type-added": _N,
    "response-header-removed": _B,
    "response-property-removed": _B,
    "response-property-became-optional": _B,
    "response-property-added": _N,
    "response-type-changed": _B,
    "response-type-unknown": _W,
    "response-may-be-null": _B,
    "response-enum-added": _W,
    "response-format-changed": _W,
    "response-variants-changed": _W,
}
