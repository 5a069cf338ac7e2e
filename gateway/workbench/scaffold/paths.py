"""The path of an endpoint as FastAPI has it, and its parameters."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.workbench.inventory import Endpoint, Parameter
from gateway.workbench.scaffold.references import Untranslatable, ref

__all__ = ["parameters", "path_text"]

# Django's converters, as Starlette calls what takes in the same, and what they give.
_CONVERTORS = {"int": ("int", "int"), "uuid": ("uuid", ref("uuid", "UUID")), "path": ("path", "str")}
OPEN, CLOSE = "\x04", "\x05"  # the braces of an f-string's expression
_SEGMENT = "[^/]+"  # what a parameter without a convertor takes in


def path_text(endpoint: Endpoint) -> str:
    """The text of the path: a literal, or an f-string where a parameter has a regular expression of its own."""
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


def _spelled(parameter: Parameter) -> tuple[str, bool]:
    if parameter.converter in _CONVERTORS:
        return f"{parameter.name}:{_CONVERTORS[parameter.converter][0]}", True
    if parameter.regex in ("", _SEGMENT):
        return parameter.name, True
    call = f"{ref('gateway.legacy.templates', 'convertor_for')}({_quoted(parameter.regex)})"
    return f"{parameter.name}:{OPEN}{call}{CLOSE}", False


def _quoted(regex: str) -> str:
    """A regular expression as text that may stand in an f-string of Python 3.11."""
    if "'" in regex or '"' in regex or "\\" in regex or "{" in regex:
        raise Untranslatable(f"the path's regular expression {regex!r}")
    return f"'{regex}'"


def parameters(endpoint: Endpoint) -> Iterator[str]:
    """The parameters of a function for the endpoint, with their types."""
    for parameter in endpoint.parameters:
        native = _CONVERTORS.get(parameter.converter, ("", "str"))[1]
        yield f"{parameter.name}: {native}"
