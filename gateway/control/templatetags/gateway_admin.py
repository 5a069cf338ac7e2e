"""How the pages of the admin write times, durations and numbers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django import template
from django.contrib.admin.utils import quote
from django.utils import timezone
from django.utils.formats import date_format, get_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from gateway.wording import Message, message

__all__ = ["count", "day", "duration", "moment", "percent", "quoted", "short", "translated", "word"]

register = template.Library()


@register.filter
def moment(value: datetime | float | None) -> SafeString | str:
    """A time in the current time zone, as a `time` element; the section's script writes it in the browser's zone."""
    if value is None:
        return "–"
    if not isinstance(value, datetime):
        value = datetime.fromtimestamp(value, UTC)
    local = timezone.localtime(value)
    text = f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S} {local.tzname()}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), text)


@register.filter
def day(value: datetime | None) -> SafeString | str:
    """As `moment`, where the day is enough."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    text = date_format(local, "SHORT_DATE_FORMAT")
    return format_html('<time datetime="{}" data-day>{}</time>', local.isoformat(timespec="seconds"), text)


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """Milliseconds, or seconds from one on."""
    if seconds is None:
        return "–"
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if value < 1:
        return f"{number_format(value * 1000, 1 if value < 0.1 else 0)} ms"
    return f"{number_format(value, 1)} s"


@register.filter
def percent(value: float | None) -> str:
    """A percentage, with one decimal."""
    return "–" if value is None else f"{number_format(value, 1)} %"


@register.filter
def count(value: float | None) -> str:
    """A number, in groups of digits."""
    return "–" if value is None else str(number_format(value, force_grouping=True))


@register.filter
def short(file: str) -> str:
    """A file below the folder that it is imported from: the project's, or site-packages."""
    folders = [f"{folder}/" for folder in sys.path if file.startswith(f"{folder}/")]
    return file.removeprefix(max(folders, key=len, default=""))


@register.filter
def quoted(name: str) -> str:
    """A route's name in a URL of the admin."""
    return str(quote(name))


# The gateway's own words: severities and states of differences, verbs, kinds and orders of endpoints. Names of stages
# and services are the same in every language.
_WORDS = {
    str(one): one
    for one in (
        message("critical"), message("breaking"), message("warning"), message("note"),
        message("open"), message("noise"), message("resolved"), message("mended"),
        message("promote"), message("rollback"), message("pause"), message("resume"), message("clear"),
        message("record"),
        message("static"), message("other"),
        message("requests"), message("errors"), message("bytes"), message("seen"),
        message("written"), message("unchanged"), message("kept"),
    )
}  # fmt: skip


class _Number:
    """A number in a message, with the separators of the current language."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __format__(self, spec: str) -> str:
        return format(self._value, spec).translate(_separators(get_language()))


@lru_cache
def _separators(language: str | None) -> Mapping[int, str]:
    """What stands for a point and a comma of Python's numbers; a page has many of them."""
    return {
        ord("."): str(get_format("DECIMAL_SEPARATOR", language)),
        ord(","): str(get_format("THOUSAND_SEPARATOR", language)),
    }


@register.filter
def translated(value: object) -> str:
    """A message in the current language, also one of its parts, or what has one as `message`. All else as it is."""
    value = getattr(value, "message", value)
    if not isinstance(value, Message):
        return str(value)
    one, number = value.template, value.number
    template = gettext(one) if number is None else ngettext(one, value.plural, number)
    return template.format_map({name: _translated_value(one) for name, one in value.values.items()})


def _translated_value(value: object) -> object:
    if isinstance(value, str):
        return translated(value) if isinstance(value, Message) else value
    return _Number(value) if isinstance(value, int | float) else value


@register.filter
def word(value: str) -> str:
    """One of the gateway's own words, in the current language; any other as it is."""
    return translated(_WORDS.get(value, value))
