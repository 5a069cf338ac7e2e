"""Applies every rule to one endpoint for which the project has a DRF view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from rest_framework.serializers import BaseSerializer

from gateway.parity.severity import Severity
from gateway.workbench.contract.budget import TrialBudget
from gateway.workbench.contract.result import Compared, ContractFinding, ContractReport, Unknown
from gateway.workbench.drf.contract import policies
from gateway.workbench.drf.contract.lists import compare_lists
from gateway.workbench.drf.contract.options import compare_options
from gateway.workbench.drf.contract.readers import LegacyReader, PlainReader, ServiceReader
from gateway.workbench.drf.contract.reading import BodySides, compare_bodies
from gateway.workbench.drf.contract.serializers import (
    fields_below,
    legacy_reader,
    legacy_writer,
    prepare,
    without_hooks,
)
from gateway.workbench.drf.contract.source import handler_of, mentions, statuses
from gateway.workbench.drf.contract.views import legacy_view, service_view
from gateway.workbench.drf.contract.writing import compare_answers

if TYPE_CHECKING:
    from gateway.workbench.contract.routed import Routed

__all__ = ["compare_endpoint"]

# How an endpoint may read a body itself.
READING = ("data", "body", "json", "POST", "form", "FILES", "stream", "is_valid")


def compare_endpoint(routed: Routed, budget: TrialBudget, *, lifted: bool, options: bool) -> Iterator[ContractReport]:
    """The differences between the project's view and the endpoint, as far as both are known."""
    try:
        legacy, service = legacy_view(routed), service_view(routed)
    except Exception as exc:  # noqa: BLE001 - the project's own code, which wants a request that was sent
        yield Unknown("view", f"its view can't be made without a request: {type(exc).__name__}: {exc}")
        return
    yield from _callers(routed, legacy, service, lifted=lifted)
    yield from _options(routed, legacy, service, options=options)
    if lifted:
        yield Compared("request, response, status", "the view's own method answers: equal by construction")
        return
    yield from _status(routed, legacy)
    if routed.route is None or not hasattr(routed.route, "response_model"):
        yield Unknown("request, response", "Starlette's route, which declares neither")
        return
    yield from _guarded(_lists(legacy, service, routed), "filters")
    yield from _guarded(_request(routed, legacy, budget), "request")
    yield from _guarded(_response(routed, legacy, budget), "response")


def _guarded(reports: Iterator[ContractReport], area: str) -> Iterator[ContractReport]:
    """The reports until the project's code fails, because it needs a real request."""
    try:
        yield from reports
    except Exception as exc:  # noqa: BLE001 - see above
        yield Unknown(area, f"{type(exc).__name__}: {exc}"[:300])


def _callers(routed: Routed, legacy: Any, service: Any, *, lifted: bool) -> Iterable[ContractReport]:
    if service is None:
        yield from policies.unguarded(legacy, routed.endpoint.dependencies)
        yield Unknown("authentication", 'none of DRF\'s classes is asked: answers = "drf", or drf(…), would')
        yield _plain_errors(routed)
        return
    yield from policies.authentication(legacy, service)
    yield from policies.permissions(legacy, service, routed.method, routed.function, lifted=lifted)
    yield from policies.throttles(legacy, service)
    if routed.bridged and routed.answers == "drf":
        yield from policies.media(legacy, service)
    else:
        yield _plain_errors(routed)


def _plain_errors(routed: Routed) -> ContractReport:
    """Errors of a service that doesn't use DRF's messages."""
    if routed.method in ("POST", "PUT", "PATCH"):
        return ContractFinding(
            Severity.BREAKING,
            "errors",
            'a body that is not valid is answered 422 in FastAPI\'s words, not 400 by field: answers = "drf"',
            legacy="400",
            service="422",
        )
    return Unknown("errors", 'the service words them by itself: answers = "drf" would as legacy does')


def _options(routed: Routed, legacy: Any, service: Any, *, options: bool) -> Iterator[ContractReport]:
    if not options:
        yield Compared("options", "Django's still: the route doesn't claim OPTIONS")
    elif service is None:
        yield Unknown("options", "the service answers by itself")
    else:
        yield from compare_options(legacy, service)
    yield from _allow(routed, legacy)


def _allow(routed: Routed, legacy: Any) -> Iterator[ContractReport]:
    """The methods of both sides, which the gateway merges into Allow."""
    methods = ", ".join(dict.fromkeys([*legacy.allowed_methods, *sorted(routed.siblings)]))
    yield Compared("methods", f"Allow: {methods}")


def _status(routed: Routed, legacy: Any) -> Iterator[ContractReport]:
    handler = handler_of(legacy, routed.method)
    ours = statuses(legacy, handler) if handler is not None else frozenset()
    theirs = getattr(routed.route, "status_code", None) or 200
    listed = ", ".join(map(str, sorted(ours)))
    if not ours:
        yield Unknown("status", f"with which the view answers isn't written in its method; the service says {theirs}")
    elif theirs in ours:
        yield Compared("status", str(theirs))
    else:
        yield ContractFinding(
            Severity.BREAKING,
            "status",
            f"{routed.method} is answered {listed} by legacy, {theirs} by the service: status_code=",
            legacy=listed,
            service=str(theirs),
        )


def _lists(legacy: Any, service: Any, routed: Routed) -> Iterator[ContractReport]:
    is_list = hasattr(legacy, "list") and (getattr(legacy, "action", None) or "list") == "list"
    if routed.method == "GET" and is_list:
        yield from compare_lists(legacy, service, routed)


def _request(routed: Routed, legacy: Any, budget: TrialBudget) -> Iterator[ContractReport]:
    if routed.method not in ("POST", "PUT", "PATCH"):
        return
    body = routed.route.body_field
    hooked = legacy_reader(legacy, routed.method)
    if hooked is None:
        if body is not None or not _ignores_body(legacy, routed.method):
            yield Unknown("request", "by which serializer the view reads can't be told from its method")
        return
    if body is None:
        yield from _unread(routed, hooked)
        return
    annotation = body.field_info.annotation
    sides = _sides(routed, legacy, hooked, annotation)
    if fields_below(hooked) is not None and fields_below(sides.fields[1]) is None:
        what = getattr(annotation, "__name__", annotation)
        yield Unknown(
            "request", f"the endpoint's body is any {what}, and nothing of its fields is said: declare a model"
        )
        return
    yield from compare_bodies(sides, budget)


def _ignores_body(legacy: Any, method: str) -> bool:
    handler = handler_of(legacy, method)
    return handler is not None and not mentions(handler, *READING)


def _unread(routed: Routed, hooked: BaseSerializer[Any]) -> Iterator[ContractReport]:
    if mentions(routed.function, *READING):
        yield Unknown("request", "the endpoint reads the body by code of its own: declare a model")
        return
    writable = [name for name, field in getattr(hooked, "fields", {}).items() if not field.read_only]
    if writable:
        listed = ", ".join(writable)
        yield ContractFinding(
            Severity.BREAKING, "request", f"the service reads no body; legacy reads {listed}", "", listed, "nothing"
        )


def _sides(routed: Routed, legacy: Any, hooked: BaseSerializer[Any], annotation: Any) -> BodySides:
    """Both sides, prepared to work without rows."""
    plain = not (routed.bridged and routed.answers == "drf")
    bare: Any = legacy_reader(legacy, routed.method)
    left_out = [*dict.fromkeys([*prepare(hooked), *prepare(bare)])]
    hooks = tuple(without_hooks(bare))
    field = _reader_of(routed, legacy)
    left_out = [*dict.fromkeys([*left_out, *prepare(field)])]
    service = PlainReader(annotation) if plain else ServiceReader(field, annotation)
    return BodySides(LegacyReader(hooked), LegacyReader(bare), service, (bare, field), hooks, tuple(left_out), plain)


def _reader_of(routed: Routed, legacy: Any) -> Any:
    """The serializer for the endpoint's body: a DRFRoute's own, or one made from the same model."""
    from gateway.bridge.drf.serializers import field_for, serializer_for

    context = {"request": legacy.request, "format": None, "view": legacy}
    partial = routed.method == "PATCH"
    if hasattr(routed.route, "serializer"):
        made = routed.route.serializer(data={}, context=context, partial=partial)
        if made is not None:
            return made
    info = routed.route.body_field.field_info
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
        return serializer_for(info.annotation)(data={}, context=context, partial=partial)
    return field_for(info.annotation, info.metadata)


def _response(routed: Routed, legacy: Any, budget: TrialBudget) -> Iterator[ContractReport]:
    if routed.method == "DELETE":
        return
    written = legacy_writer(legacy, routed.method)
    if written is None or not hasattr(written.serializer, "run_validation"):
        yield Unknown("response", "by which serializer the view writes can't be told from its method")
        return
    list(prepare(written.serializer))
    drf = hasattr(routed.route, "serializer")
    yield from compare_answers(written, routed.route, budget, drf=drf)
