"""Reads syntax trees of the project's code."""

from __future__ import annotations

import ast

__all__ = ["called_name"]


def called_name(call: ast.Call) -> str:
    """The name of the function or method that is called, without its object or module; "" for other expressions."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
