"""Compares the policies of both views: authentication, permissions, throttles, parsers and renderers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.views import APIView

from gateway.parity.severity import Severity
from gateway.workbench.contract.database import AsksDatabase
from gateway.workbench.contract.result import Compared, ContractFinding, ContractReport, Unknown
from gateway.workbench.drf.contract.source import calls
from gateway.workbench.drf.contract.users import callers
from gateway.workbench.drf.contract.views import with_user

__all__ = ["authentication", "media", "permissions", "throttles", "unguarded"]


def authentication(legacy: Any, service: Any) -> Iterator[ContractReport]:
    """Whether callers are authenticated by the same classes, in the same order: the first determines 401 or 403."""
    ours, theirs = _names(legacy.get_authenticators()), _names(service.get_authenticators())
    yield Compared("authentication", _listed(ours))
    if ours == theirs:
        return
    if missing := [name for name in ours if name not in theirs]:
        yield ContractFinding(
            Severity.BREAKING,
            "authentication",
            f"callers who show who they are by {_listed(missing)} are strangers to the service",
            legacy=_listed(ours),
            service=_listed(theirs),
        )
    if more := [name for name in theirs if name not in ours]:
        yield ContractFinding(
            Severity.CRITICAL,
            "authentication",
            f"the service also believes {_listed(more)}",
            legacy=_listed(ours),
            service=_listed(theirs),
        )
    if not missing and not more:
        yield ContractFinding(
            Severity.BREAKING,
            "authentication",
            "the classes are asked in another order, and the first decides between 401 and 403",
            legacy=_listed(ours),
            service=_listed(theirs),
        )


def permissions(legacy: Any, service: Any, method: str, function: Any, *, lifted: bool) -> Iterator[ContractReport]:
    """Whether the same callers are allowed: by the classes, and if these differ, by their results for four callers."""
    ours, theirs = _conditions(legacy), _conditions(service)
    if sorted(ours) != sorted(theirs):
        yield from _by_caller(legacy, service, method, ours, theirs)
    else:
        yield Compared("permissions", _listed(ours))
    if not lifted:
        yield from _of_objects(legacy, function)


def _by_caller(legacy: Any, service: Any, method: str, ours: list[str], theirs: list[str]) -> Iterator[ContractReport]:
    known = 0
    wider: list[str] = []
    narrower: list[str] = []
    everybody = list(callers())
    for name, user in everybody:
        before, after = _admits(legacy, user), _admits(service, user)
        if before is None or after is None:
            continue
        known += 1
        if after and not before:
            wider.append(name)
        elif before and not after:
            narrower.append(name)
    says: dict[str, Any] = {"legacy": _listed(ours), "service": _listed(theirs)}
    yield Compared("permissions", f"{known} callers: {_listed(ours)} beside {_listed(theirs)}")
    if wider:
        yield ContractFinding(
            Severity.CRITICAL, "permissions", f"{method} lets in {_listed(wider)}, whom legacy refuses", **says
        )
    if narrower:
        yield ContractFinding(
            Severity.BREAKING, "permissions", f"{method} refuses {_listed(narrower)}, whom legacy lets in", **says
        )
    if wider or narrower:
        return
    gone = [name for name in ours if name not in theirs]
    if known == len(everybody):
        yield ContractFinding(Severity.NOTE, "permissions", "other classes, which say the same of all of them", **says)
    elif gone:
        yield ContractFinding(Severity.CRITICAL, "permissions", f"nothing asks {_listed(gone)} any more", **says)
    else:
        yield ContractFinding(
            Severity.BREAKING, "permissions", "the service asks for more, of callers with rows", **says
        )


def _admits(view: Any, user: Any) -> bool | None:
    """Whether the view's classes allow `user`; None if they need rows, or a real request."""
    try:
        asked = with_user(view, user)
        return all(permission.has_permission(asked.request, asked) for permission in asked.get_permissions())
    except AsksDatabase:
        return None
    except Exception:  # noqa: BLE001 - a class of the project's, or DRF's own refusal of a request that isn't whole
        return None


def _of_objects(legacy: Any, function: Any) -> Iterator[ContractReport]:
    """Classes that check the object: DRF's `get_object` applies them, an endpoint must do it itself."""
    if getattr(legacy, "detail", None) is False or getattr(legacy, "action", "") in ("list", "create"):
        return
    if not legacy.kwargs:
        return
    looking = [one for one in legacy.get_permissions() if _looks_at_objects(one)]
    if not looking:
        return
    names = _listed(map(_name, looking))
    if calls(function, "check_object_permissions", "get_object"):
        yield Compared("permissions", f"{names} of the object")
    else:
        yield ContractFinding(
            Severity.BREAKING,
            "permissions",
            f"{names} looks at the object, and the endpoint doesn't call check_object_permissions",
            legacy=names,
            service="nothing",
        )


def _looks_at_objects(permission: Any) -> bool:
    if isinstance(permission, BasePermission):
        return type(permission).has_object_permission is not BasePermission.has_object_permission
    operands = [getattr(permission, name) for name in ("op1", "op2") if hasattr(permission, name)]
    return any(map(_looks_at_objects, operands))


def unguarded(legacy: Any, dependencies: Sequence[Callable[..., Any]]) -> Iterator[ContractReport]:
    """An endpoint that applies no permission classes, although the view does."""
    ours = _conditions(legacy)
    throttled = _names(legacy.get_throttles())
    own = [one for one in dependencies if not getattr(one, "__module__", "").startswith(("gateway.", "fastapi."))]
    if ours and own:
        names = _listed(getattr(one, "__qualname__", type(one).__name__) for one in own)
        yield Unknown("permissions", f"legacy asks {_listed(ours)}; the service has code of its own: {names}")
    elif ours:
        yield ContractFinding(
            Severity.CRITICAL,
            "permissions",
            "the endpoint checks no permission: write dependencies=[Depends(drf(…))]",
            legacy=_listed(ours),
            service="no check",
        )
    else:
        yield Compared("permissions", "everybody is let in by both")
    if throttled:
        yield ContractFinding(
            Severity.WARNING,
            "throttles",
            f"nothing limits callers, where legacy has {_listed(throttled)}",
            legacy=_listed(throttled),
            service="none",
        )


def throttles(legacy: Any, service: Any) -> Iterator[ContractReport]:
    """Whether callers are throttled by the same classes at the same rates."""
    ours, theirs = _limits(legacy), _limits(service)
    yield Compared("throttles", _listed(ours))
    if sorted(ours) == sorted(theirs):
        return
    gone = [name for name in ours if name not in theirs]
    severity, says = (Severity.BREAKING, f"nothing asks {_listed(gone)}") if gone else (Severity.WARNING, "more limits")
    yield ContractFinding(severity, "throttles", says, legacy=_listed(ours), service=_listed(theirs))


def _limits(view: Any) -> list[str]:
    return [_limit(throttle, view) for throttle in view.get_throttles()]


def _limit(throttle: Any, view: Any) -> str:
    scope = getattr(throttle, "scope", None) or getattr(view, getattr(throttle, "scope_attr", ""), None)
    rate = getattr(throttle, "rate", None)
    return _name(throttle) + (f" {scope}" if scope else "") + (f" {rate}" if rate else "")


MEDIA = (
    ("get_parsers", "parsers", "bodies"),
    ("get_renderers", "renderers", "answers"),
)


def media(legacy: Any, service: Any) -> Iterator[ContractReport]:
    """Whether the same parsers, renderers and versioning are used."""
    for getter, area, what in MEDIA:
        ours, theirs = _names(getattr(legacy, getter)()), _names(getattr(service, getter)())
        if set(ours) - set(theirs):
            gone = _listed(name for name in ours if name not in theirs)
            yield ContractFinding(
                Severity.BREAKING, area, f"{what}: without {gone}", legacy=_listed(ours), service=_listed(theirs)
            )
        elif ours != theirs:
            yield ContractFinding(Severity.NOTE, area, f"{what}: others", legacy=_listed(ours), service=_listed(theirs))
    for attribute in ("content_negotiation_class", "versioning_class", "get_exception_handler"):
        before, after = _one(legacy, attribute), _one(service, attribute)
        if before != after:
            area = {"get_exception_handler": "errors", "versioning_class": "version"}.get(attribute, "media")
            yield ContractFinding(
                Severity.BREAKING, area, f"another {attribute.removeprefix('get_')}", legacy=before, service=after
            )
    yield Compared("media", "parsers, renderers, negotiation, versions, exception handler")


def _one(view: APIView, attribute: str) -> str:
    found: Any = getattr(view, attribute)
    made = found() if attribute.startswith("get_") else found
    return f"{getattr(made, '__module__', '')}.{getattr(made, '__qualname__', made)}"


def _conditions(view: Any) -> list[str]:
    """The permission classes, without those that allow everybody."""
    return [_name(one) for one in view.get_permissions() if type(one) is not AllowAny]


def _names(instances: Iterable[Any]) -> list[str]:
    return [_name(one) for one in instances]


def _name(instance: Any) -> str:
    """The name of a class; for a combination, the names of all its parts."""
    if hasattr(instance, "op1"):
        word = {"AND": "&", "OR": "|", "NOT": "~"}.get(type(instance).__name__, "?")
        second = getattr(instance, "op2", None)
        first = _name(instance.op1)
        return f"{word}{first}" if second is None else f"({first} {word} {_name(second)})"
    kind = instance if inspect.isclass(instance) else type(instance)
    return kind.__qualname__


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
