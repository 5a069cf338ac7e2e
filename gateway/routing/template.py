"""Path templates in the syntax of FastAPI and Starlette."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from gateway.routing.regex import takes_slash

__all__ = ["ANY_SEGMENT", "MOST_DIGITS", "Part", "SegmentPattern", "TemplateError", "parse_template"]


# Python converts no longer number (CVE-2020-10735): Starlette's `int` would raise instead of not matching.
MOST_DIGITS = sys.int_info.default_max_str_digits

ANY_SEGMENT = r"[^/]+"
# Starlette's convertors: https://www.starlette.io/routing/#path-parameters. `path` is handled separately.
_CONVERTORS = {
    "int": rf"[0-9]{{1,{MOST_DIGITS}}}",
    "float": r"[0-9]+(?:\.[0-9]+)?",
    "uuid": r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}",
    "str": ANY_SEGMENT,
}

_PARAMETER = re.compile(r"{([a-zA-Z_]\w*)(?::([a-zA-Z_]\w*))?}")


class TemplateError(ValueError):
    """A path template that can't be parsed."""


@dataclass(frozen=True, slots=True)
class SegmentPattern:
    """A segment of a template that has parameters, as a regular expression. `whole_tail`: it may match slashes."""

    regex: str
    whole_tail: bool

    def matcher(self) -> Callable[[str], object]:
        """A callable whose result is true for segments that match."""
        if self.regex == ANY_SEGMENT:
            return bool
        return re.compile(self.regex, re.DOTALL).fullmatch


Part = str | SegmentPattern  # one segment of a template


def parse_template(path: str, convertors: dict[str, str] | None = None) -> list[Part]:
    """The segments of a template such as `/items/{id:int}/`, in Starlette's syntax.

    `convertors` are regular expressions of further convertors by name. Raises TemplateError.
    """
    if not path.startswith("/"):
        raise TemplateError(f"{path!r} does not start with /")
    known = _CONVERTORS | (convertors or {})
    parts: list[Part] = []
    for segment in path[1:].split("/"):
        parameters = list(_PARAMETER.finditer(segment))
        if "{" in _PARAMETER.sub("", segment) or "}" in _PARAMETER.sub("", segment):
            raise TemplateError(f"{path!r} has a brace that is not part of a {{name}} or {{name:convertor}}")
        if not parameters:
            parts.append(segment)
            continue
        regex, end, tail = "", 0, False
        for parameter in parameters:
            kind = parameter[2] or "str"
            if kind != "path" and kind not in known:
                raise TemplateError(
                    f"{path!r} has an unknown convertor {kind!r}; known are {', '.join(known)} and path"
                )
            convertor = ".*" if kind == "path" else known[kind]
            tail = tail or kind == "path" or (kind not in _CONVERTORS and takes_slash(convertor))
            regex += re.escape(segment[end : parameter.start()]) + convertor
            end = parameter.end()
        parts.append(SegmentPattern(regex + re.escape(segment[end:]), tail))
    return parts
