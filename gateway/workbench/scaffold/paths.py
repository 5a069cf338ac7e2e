"""The path of an endpoint in FastAPI's form, and its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.references import ref

__all__ = ["parameters", "path_text"]

# Django's converters: Starlette's names of equivalent ones, and the types of their values.
_CONVERTORS = {"int": ("int", "int"), "uuid": ("uuid", ref("uuid", "UUID")), "path": ("path", "str")}
_SEGMENT = "[^/]+"  # matched by a parameter without a convertor
_parameter = re.compile(r"({[^}]*})")


def path_text(endpoint: Endpoint) -> str:
    """The text of the path: a literal, or a sum of them if a parameter has a regular expression of its own."""
    spelled = {f"{{{one.name}:{one.converter}}}": one for one in endpoint.parameters}
    spelled |= {f"{{{one.name}}}": one for one in endpoint.parameters}
    joined, text = list[str](), ""
    for piece in _parameter.split(endpoint.template):
        if (parameter := spelled.get(piece)) is None:
            text += piece
        elif (known := _CONVERTORS.get(parameter.converter)) is not None:
            text += f"{{{parameter.name}:{known[0]}}}"
        elif parameter.regex in ("", _SEGMENT):
            text += f"{{{parameter.name}}}"
        else:
            call = f"{ref('gateway.legacy.templates', 'convertor_for')}({parameter.regex!r})"
            joined += [repr(f"{text}{{{parameter.name}:"), call]
            text = "}"
    return " + ".join([*joined, repr(text)])


def parameters(endpoint: Endpoint) -> Iterator[str]:
    """The parameters of the endpoint's function, with their types."""
    for parameter in endpoint.parameters:
        native = _CONVERTORS.get(parameter.converter, ("", "str"))[1]
        yield f"{parameter.name}: {native}"
