"""The board of the overview: each route as a card, in the column of its stage.

The cards are written here, not in a template: there may be hundreds of them, and a template takes eight times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from django.template.defaultfilters import floatformat
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from gateway.control.templatetags.gateway_admin import count, duration, percent, quoted, translated
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import CANARY, SHADOW, STAGES

if TYPE_CHECKING:
    from gateway.control.reports import RouteStatus

__all__ = ["Column", "columns"]


@dataclass(frozen=True, slots=True)
class Column:
    """A stage, and the cards of the routes at it."""

    stage: str
    cards: tuple[SafeString, ...]


@dataclass(frozen=True, slots=True)
class _Words:
    """What stands on many cards, translated and escaped once."""

    verdicts: Mapping[Verdict, str]
    paused: str
    equal: str
    service: str
    mirrors: str
    legacy: str


def columns(found: Sequence[RouteStatus]) -> tuple[Column, ...]:
    """Every stage, with its routes in the order of the file."""
    terms = (
        gettext("paused"),
        gettext("equal"),
        gettext("service: p95"),
        gettext("mirrors: p95"),
        gettext("legacy: p95"),
    )
    words = _Words({verdict: escape(translated(verdict)) for verdict in Verdict}, *map(escape, terms))
    cards: dict[str, list[SafeString]] = {stage: [] for stage in STAGES}
    for status in found:
        cards[status.effective.stage].append(_card(status, words))
    return tuple(Column(stage, tuple(those)) for stage, those in cards.items())


def _card(status: RouteStatus, words: _Words) -> SafeString:
    """All that is not from the file or a number is escaped, or a word of this package."""
    name, place = escape(status.route), escape(quoted(status.route))
    verdict = f" gw-{status.verdict.verdict.value}" if status.verdict is not None else ""
    return SafeString(
        f'<li class="gw-card{verdict}" id="gw-card-{name}"><p class="gw-head">'
        f'<a class="gw-name" id="gw-link-{name}" href="{place}/change/">{name}</a>{"".join(_head(status, words))}</p>\n'
        f"<dl>{''.join(_facts(status, words))}</dl></li>\n"
    )


def _head(status: RouteStatus, words: _Words) -> Iterator[str]:
    """What stands beside the name."""
    state, differences = status.effective, status.differences
    if state.stage == CANARY:
        yield f" <b>{floatformat(state.weight)} %</b>"
    if state.paused:
        yield _badge("", words.paused)
    if status.verdict is not None:
        verdict = status.verdict.verdict
        yield _badge(f" gw-{verdict.value}", words.verdicts[verdict])
    if n := differences.breaking:
        yield _badge(" gw-failing", escape(ngettext("%(n)s breaking", "%(n)s breaking", n) % {"n": count(n)}))
    if n := differences.warning:
        yield _badge(" gw-inconclusive", escape(ngettext("%(n)s warning", "%(n)s warnings", n) % {"n": count(n)}))


def _badge(css: str, text: str) -> str:
    return f' <span class="gw-badge{css}">{text}</span>'


def _facts(status: RouteStatus, words: _Words) -> Iterator[str]:
    """Parity, and the latency of both sides: of mirrors where callers didn't reach them."""
    window = status.window
    mirrored = status.effective.stage == SHADOW or (
        not window.service.requests and bool(window.service_mirrored.requests)
    )
    service = window.service_mirrored if mirrored else window.service
    legacy = window.legacy if window.legacy.requests else window.legacy_mirrored
    if compared := window.mirrors.compared:
        yield _fact(words.equal, f"{percent(window.mirrors.parity)} / {count(compared)}")
    if service.requests:
        yield _fact(words.mirrors if mirrored else words.service, duration(service.p95))
    if legacy.requests:
        yield _fact(words.legacy, duration(legacy.p95))


def _fact(term: str, words: str) -> str:
    return f"<div><dt>{term}</dt><dd>{words}</dd></div>\n"
