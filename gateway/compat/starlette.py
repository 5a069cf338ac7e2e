"""Starlette: how a form is parsed, and what a path template matches."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import compile_path

__all__ = ["FormRequest", "convertor_patterns", "path_pattern"]


class FormRequest(Request):
    """A request whose form is replaced once by the result of `form_read`.

    `Request._get_form` and `_form`: `form()` returns an awaitable context manager, which calls the first and stores the
    form in the second, which `close()` closes.
    """

    @abstractmethod
    def form_read(self, form: FormData) -> FormData:
        """The form to use instead of the one that was sent."""

    async def _get_form(self, **limits: Any) -> FormData:
        if self._form is None:
            self._form = self.form_read(await super()._get_form(**limits))
        return self._form


def convertor_patterns() -> dict[str, str]:
    """Every convertor of path parameters, and its regular expression.

    `CONVERTOR_TYPES`: there is `register_url_convertor`, but no public list of what was registered.
    """
    return {name: convertor.regex for name, convertor in CONVERTOR_TYPES.items()}


def path_pattern(template: str) -> tuple[re.Pattern[str], Mapping[str, Convertor[Any]]]:
    """The regular expression of a path template, and the convertors of its parameters.

    `compile_path` is not documented, and neither are a Route's attributes with its results.
    """
    pattern, _, convertors = compile_path(template)
    return pattern, convertors
