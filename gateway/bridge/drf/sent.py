"""Marks values that a caller sent and no field has read yet.

A `str` may be the result of a DRFChar, or sent by a caller. So whatever is passed to Pydantic unread is marked by its
type: subclasses of text, numbers, lists and dictionaries, which otherwise behave like these.
"""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from starlette.datastructures import FormData, Headers, QueryParams

__all__ = ["Sent", "SentCookies", "SentForm", "SentHeaders", "SentQuery", "is_sent", "plain", "sent"]

MARK = "_gateway_sent"  # attribute of a file, which is not copied


class Sent(str):
    """Text."""

    __slots__ = ()

    def __str__(self) -> str:
        return self  # Starlette's QueryParams takes the str() of everything


class SentInt(int):
    """A number."""

    __slots__ = ()


class SentFloat(float):
    """A number."""

    __slots__ = ()


class SentList(list[Any]):
    """A list, with marked items."""

    __slots__ = ()


class SentDict(dict[Any, Any]):
    """A dictionary, with marked keys and values."""

    __slots__ = ()


KINDS = (Sent, SentInt, SentFloat, SentList, SentDict)


def sent(value: Any) -> Any:
    """`value`, marked; True, False and None can't be marked."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return Sent(value)
    if isinstance(value, int):
        return SentInt(value)
    if isinstance(value, float):
        return SentFloat(value)
    if isinstance(value, list | tuple):
        return SentList(map(sent, value))
    if isinstance(value, dict):
        return SentDict((sent(name), sent(item)) for name, item in value.items())
    if isinstance(value, UploadedFile):
        setattr(value, MARK, True)
    return value


def is_sent(value: Any) -> bool:
    """Whether `value` is marked."""
    return isinstance(value, KINDS) or (isinstance(value, UploadedFile) and getattr(value, MARK, False))


def plain(value: Any) -> Any:
    """`value` without marks."""
    if isinstance(value, Sent):
        return str.__str__(value)
    if isinstance(value, SentInt):
        return int(value)
    if isinstance(value, SentFloat):
        return float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    if isinstance(value, UploadedFile):
        vars(value).pop(MARK, None)
    return value


class SentHeaders(Headers):
    """The caller's headers."""

    def __getitem__(self, key: str) -> str:
        return Sent(super().__getitem__(key))

    def getlist(self, key: str) -> list[str]:
        """All values of that header, marked."""
        return SentList(map(Sent, super().getlist(key)))


class SentCookies(dict[str, str]):
    """The caller's cookies."""

    def __getitem__(self, key: str) -> str:
        return Sent(super().__getitem__(key))

    def get(self, key: str, default: Any = None) -> Any:
        """One cookie, marked."""
        return Sent(super().get(key)) if key in self else default


class SentQuery(QueryParams):
    """The query."""

    def getlist(self, key: Any) -> list[str]:
        """All values of that parameter, marked."""
        return SentList(super().getlist(key))


class SentForm(FormData):
    """A form."""

    def getlist(self, key: Any) -> list[Any]:
        """All values of that field, marked."""
        return SentList(super().getlist(key))
