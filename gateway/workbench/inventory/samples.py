"""Sample paths of an endpoint, to be matched with routes and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from gateway.workbench.inventory.endpoint import Endpoint, PathParameter
from gateway.workbench.inventory.regex import pieces

__all__ = ["samples"]

MOST = 4  # paths of an endpoint
# Text that no pattern contains literally, text for narrower converters and common expressions, and text with slashes.
_TEXTS = (
    "qzx", "7", "0f0e0d0c-0b0a-0908-0706-050403020100", "2026", "12", "qzx-7", "QZX", "a", "en", "1.2", "v1", "json",
    "2026-01-31", "a@example.com", "0f0e0d0c0b0a09080706050403020100", "0f0e0d0c0b0a09080706", "qzxqzx", "1a2b",
    "1-qzx", "abc", "1/7", "qzx/qzx", "qzx/qzx/", ".json",
)  # fmt: skip
_parameter = re.compile(r"{(\w+)(?::\w+)?}")
_alternative = re.compile(r"[\w-]+")


def samples(endpoint: Endpoint) -> Iterator[str]:
    """Some paths of an endpoint, of different kinds if it matches them; none if no matching text is known."""
    known = {one.name: _texts(one) for one in endpoint.parameters}
    if not all(known.values()):
        return
    for index in range(min(MOST, max(map(len, known.values()), default=1))):
        chosen = {name: texts[min(index, len(texts) - 1)] for name, texts in known.items()}
        yield _parameter.sub(lambda match, chosen=chosen: chosen.get(match[1], ""), endpoint.template)  # type: ignore[misc]


def _texts(parameter: PathParameter) -> tuple[str, ...]:
    texts = _matching(parameter.regex)
    # DRF's converter includes the dot, and the template has it, too.
    return tuple(text.removeprefix(".") for text in texts) if parameter.regex.startswith(r"\.") else texts


@lru_cache(maxsize=1024)
def _matching(regex: str) -> tuple[str, ...]:
    try:
        matches = re.compile(regex, re.DOTALL).fullmatch
    except re.error:  # for instance a backreference
        return ()
    # Literal alternatives: "posts|comments".
    found = tuple(text for text in (*_TEXTS, *_alternative.findall(regex)) if matches(text))
    return found or tuple(text for text in _spelled(regex) if matches(text))


def _spelled(regex: str) -> Iterator[str]:
    """A text assembled from the parts of an expression: "default_for_(billing|shipping)"."""
    text = ""
    for piece in pieces(regex):
        if isinstance(piece, str):
            text += piece
        elif piece.regex == regex or not (found := _matching(piece.regex)):
            return
        else:
            text += found[0]
    yield text
