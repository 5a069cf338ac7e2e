"""The path of an endpoint in FastAPI's form, and its parameters."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.workbench.inventory import Endpoint, PathParameter
from gateway.workbench.scaffold.references import Untranslatable, ref

__all__ = ["parameters", "path_text"]

# Django's converters: Starlette's names of equivalent ones, and the types of their values.
_CONVERTORS = {"int": ("int", "int"), "uuid": ("uuid", ref("uuid", "UUID")), "path": ("path", "str")}
OPEN, CLOSE = "\x04", "\x05"  # the braces of an f-string's expression
_SEGMENT = "[^/]+"  # matched by a parameter without a convertor


def path_text(endpoint: Endpoint) -> str:
    """The text of the path: a literal, or an f-string if a parameter has a regular expression of its own."""
    path, plain = endpoint.template, True
    for parameter in endpoint.parameters:
        for written in (f"{{{parameter.name}}}", f"{{{parameter.name}:{parameter.converter}}}"):
            if written in path:
                spelled, is_plain = _spelled(parameter)
                plain = plain and is_plain
                path = path.replace(written, f"\x00{spelled}\x01")
    if plain:
        return repr(path.replace("\x00", "{").replace("\x01", "}"))
    text = path.replace("{", "{{").replace("}", "}}").replace("\x00", "{{").replace("\x01", "}}")
    return f'f"{text.replace(OPEN, "{").replace(CLOSE, "}")}"'


def _spelled(parameter: PathParameter) -> tuple[str, bool]:
    if parameter.converter in _CONVERTORS:
        return f"{parameter.name}:{_CONVERTORS[parameter.converter][0]}", True
    if parameter.regex in ("", _SEGMENT):
        return parameter.name, True
    call = f"{ref('gateway.legacy.templates', 'convertor_for')}({_quoted(parameter.regex)})"
    return f"{parameter.name}:{OPEN}{call}{CLOSE}", False


def _quoted(regex: str) -> str:
    """A regular expression as text that is allowed in an f-string of Python 3.11."""
    if "'" in regex or '"' in regex or "\\" in regex or "{" in regex:
        raise Untranslatable(f"the path's regular expression {regex!r}")
    return f"'{regex}'"


def parameters(endpoint: Endpoint) -> Iterator[str]:
    """The parameters of the endpoint's function, with their types."""
    for parameter in endpoint.parameters:
        native = _CONVERTORS.get(parameter.converter, ("", "str"))[1]
        yield f"{parameter.name}: {native}"
