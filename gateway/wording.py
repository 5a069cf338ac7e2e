"""Messages, which can be translated later, and counts, durations and names in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["Message", "counted", "duration", "joined", "message", "plural_message", "qualified_name", "visible"]

# What a terminal obeys instead of showing it: control characters but newline and tab, other ends of
# lines, and what reverses the direction of the text around it (https://trojansource.codes).
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Message(str):
    """A text in English that keeps what it was made of, so that the pages of the admin can say it in other languages
    (`translated` in control/templatetags); for all others it is a `str`. A text made of it by `str` or an f-string has
    no template any more, and stays in English.

    `template` is in the syntax of `str.format`; with a `number`, `plural` is the template for the plural.
    """

    __slots__ = ("number", "plural", "template", "values")

    template: str
    plural: str
    number: int | None
    values: Mapping[str, object]


def message(template: str, /, **values: object) -> Message:
    """The message of `template`. That is a literal, so that translators find it: xgettext with `--keyword=message` and
    `--keyword=plural_message:1,2`, and tests/admin/test_languages.py."""
    return _made(template, "", None, values)


def plural_message(one: str, many: str, count: int, /, **values: object) -> Message:
    """`message` where the number `count`, which is a value too, decides between two templates."""
    return _made(one, many, count, {"count": count, **values})


def joined(messages: Iterable[str]) -> Message:
    """Several messages as one, separated by semicolons."""
    values = {f"message{number}": one for number, one in enumerate(messages)}
    return _made("; ".join(f"{{{name}}}" for name in values), "", None, values)


def _made(template: str, plural: str, count: int | None, values: Mapping[str, object]) -> Message:
    made = Message((template if count is None or count == 1 else plural).format_map(values))
    made.template, made.plural, made.number, made.values = template, plural, count, values
    return made


def counted(count: int, noun: str) -> str:
    """ "1 request", "2 requests"; for nouns that take an s in the plural."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> Message:
    """ "12.3 ms" or "1.23 s", with three significant digits."""
    if seconds < 1:
        return message("{number:.3g} ms", number=seconds * 1000)
    return message("{number:.3g} s", number=seconds)


def qualified_name(thing: object) -> str:
    """The module and the qualified name of a function or class; of an instance without a name, those of its class."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', type(thing).__name__)}"


def visible(text: str) -> str:
    """`text` for a terminal, with its control characters as escapes: it may come from callers or other operators."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
