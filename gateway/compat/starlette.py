"""Starlette: how a form is read, and what a template of a path means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import compile_path

__all__ = ["FormRequest", "convertor_patterns", "path_pattern"]


class FormRequest(Request):
    """A request whose form is what `form_read` makes of the one that was sent, once.

    `Request._get_form` and `_form`: `form()` gives something to await and to enter, which calls the one, and keeps
    the form as the other, which `close()` closes.
    """

    def form_read(self, form: FormData) -> FormData:
        """What the form is to be."""
        raise NotImplementedError

    async def _get_form(self, **limits: Any) -> FormData:
        if self._form is None:
            self._form = self.form_read(await super()._get_form(**limits))
        return self._form


def convertor_patterns() -> dict[str, str]:
    """Every convertor of path parameters, and its regular expression.

    `CONVERTOR_TYPES`: there is `register_url_convertor`, and nothing that tells what was registered.
    """
    return {name: convertor.regex for name, convertor in CONVERTOR_TYPES.items()}


def path_pattern(template: str) -> tuple[re.Pattern[str], Mapping[str, Convertor[Any]]]:
    """What a path of `template` matches, and the convertors of its parameters.

    `compile_path`, which no page of Starlette's documents: a Route has both as attributes, which none documents either.
    """
    pattern, _, convertors = compile_path(template)
    return pattern, convertors
