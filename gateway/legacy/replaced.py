"""Which patterns of a URLconf a service's template replaces: those that lead to the view that its endpoint names, or
those of the same form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.legacy.url_pattern import UrlPattern
from gateway.routing.template import Part

__all__ = ["ViewCallable", "is_of_form", "leading_to", "meant_by", "replaced_by"]

ViewCallable = Callable[..., Any]
# Sample values of a parameter: text that no pattern contains literally, a number, a UUID.
SAMPLES = ("qzx", "7", "0f0e0d0c-0b0a-0908-0706-050403020100", "qzx/qzx")


def meant_by(dependencies: Sequence[object]) -> ViewCallable | None:
    """The URLconf's view that an endpoint with these `dependencies` replaces, if one of them says so."""
    return next((view for one in dependencies if (view := getattr(one, "stands_for", None)) is not None), None)


def leading_to(view: ViewCallable | None, patterns: Sequence[UrlPattern]) -> list[UrlPattern]:
    """Those of `patterns` that lead to `view`; none for None."""
    return [] if view is None else [one for one in patterns if getattr(one.items[-1], "callback", None) is view]


def replaced_by(parts: Sequence[Part], patterns: Sequence[UrlPattern]) -> set[int]:
    """The ids of those `patterns` that a template with these `parts` replaces, in whole or in part."""
    samples = list(_samples(parts))
    own = {id(one) for one in patterns if samples and all(_takes_in(one, sample) for sample in samples)}
    if not any(id(one) in own and not _has_tail(one.parts) for one in patterns):
        # Narrower in Django: for instance a number that is text in the template, while the endpoint takes an int.
        own |= {id(one) for one in patterns if is_of_form(one, parts)}
    return own


def _samples(parts: Sequence[Part]) -> Iterator[list[str]]:
    """Paths that a template matches, as segments, with values unusual enough that no narrower pattern matches them."""
    choices = []
    for part in parts:
        if isinstance(part, str):
            choices.append([part])
        else:
            matches = part.matcher()
            choices.append([text for text in SAMPLES if matches(text)][:2])
    if all(choices):
        for index in range(max(map(len, choices))):
            yield [choice[min(index, len(choice) - 1)] for choice in choices]


def _takes_in(pattern: UrlPattern, sample: Sequence[str]) -> bool:
    """Whether Django finds `pattern` for this path, with or without a slash at its end."""
    if pattern.language:
        sample = [pattern.language, *sample[1:]]
    path = "/" + "/".join(sample)
    return pattern.matches(path) or pattern.matches(path.removesuffix("/") if path.endswith("/") else f"{path}/")


def _has_tail(parts: Sequence[Part]) -> bool:
    return any(not isinstance(part, str) and part.whole_tail for part in parts)


def is_of_form(pattern: UrlPattern, parts: Sequence[Part]) -> bool:
    """Whether a pattern has a template's form: the same text, with parameters in the same segments. If the
    pattern begins with a language, the template's first segment must match that language."""
    if not pattern.language:
        return _has_form(pattern.parts, parts)
    first = parts[0]
    is_prefix = first == pattern.language if isinstance(first, str) else bool(first.matcher()(pattern.language))
    return is_prefix and _has_form(pattern.parts[1:], parts[1:])


def _has_form(parts: Sequence[Part], template: Sequence[Part]) -> bool:
    one, other = ([part for part in given if part != ""] for given in (parts, template))
    return len(one) == len(other) and all(
        mine == theirs or not (isinstance(mine, str) or isinstance(theirs, str) or mine.whole_tail != theirs.whole_tail)
        for mine, theirs in zip(one, other, strict=True)
    )
