"""A brief: what is needed to rewrite one endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from gateway.workbench.brief.queries import queryset_sql
from gateway.workbench.brief.sources import Source, sources
from gateway.workbench.inventory import Endpoint

if TYPE_CHECKING:
    from gateway.workbench.corpus import Case, Corpus

__all__ = ["Brief", "brief_of"]

EXAMPLES = 5  # recorded cases
# Settings that Django REST framework uses as defaults for views.
DEFAULTS = "REST_FRAMEWORK"


@dataclass(frozen=True, slots=True)
class Brief:
    """One endpoint: the code that answers it, its SQL or why there is none, the settings that its view relies on,
    recorded cases, and notes."""

    endpoint: Endpoint
    sources: Sequence[Source]
    sql: str | None
    notes: Sequence[str]
    defaults: dict[str, object]
    cases: Sequence[Case]


def brief_of(endpoint: Endpoint, corpus: Corpus | None = None) -> Brief:
    """The brief of `endpoint`, with its cases in `corpus`. Makes no database query."""
    sql, why = queryset_sql(endpoint)
    notes = [] if sql is not None and not why else [why]
    return Brief(endpoint, sources(endpoint), sql, notes, _defaults(endpoint), _cases(endpoint, corpus))


def _defaults(endpoint: Endpoint) -> dict[str, object]:
    if endpoint.kind != "drf":
        return {}
    return dict(getattr(settings, DEFAULTS, {}))


def _cases(endpoint: Endpoint, corpus: Corpus | None) -> list[Case]:
    """The recorded cases of the endpoint, beginning with one for each status."""
    if corpus is None:
        return []
    own = [case for case in corpus.cases if (case.method, case.template) == (endpoint.method, endpoint.template)]
    statuses: dict[int, Case] = {}
    for case in own:
        statuses.setdefault(case.answer.status if case.answer is not None else 0, case)
    first = list(statuses.values())
    return [*first, *(case for case in own if case not in first)][:EXAMPLES]
