"""Values for the parameters of a path template, by which the project's views find rows that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle, product
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.db import Error
from django.urls import Resolver404, ResolverMatch, resolve

from gateway.compat.drf import ViewClass, class_behind
from gateway.workbench.inventory.instance import view_instance

__all__ = ["KEYS", "PathValues", "model_called", "values"]

KEYS = 20  # of a table
DEEP = 3  # foreign keys from a row to the one that its path names before it
SAMPLES = ("1", "a", "00000000-0000-4000-8000-000000000000")
MIXED = 4  # parameters for which samples of several kinds are tried together
UNREADABLE = (Error, LookupError, ValueError, TypeError, AttributeError)
_parameter = re.compile(r"\{(\w+)\}")
_key = re.compile(r"_(id|pk|uuid|slug)\Z")


@dataclass(frozen=True, slots=True)
class _Place:
    """What a parameter names: rows of `model`, by `field`."""

    model: Any
    field: str

    def rows(self) -> list[Any]:
        """Some that are there."""
        try:
            return [*self.model._base_manager.order_by("pk")[:KEYS]]  # noqa: SLF001 - documented
        except UNREADABLE:
            return []

    def value(self, row: Any) -> Any:
        """What stands in the path for `row`; None where that can't be read."""
        for name in self.field.split("__"):
            row = getattr(row, name, None)
        return _sendable(row)


class PathValues:
    """Values for the parameters of `template`, one set after the other; those of one set belong to one row."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._names = _parameter.findall(template)
        found = _sets(template, self._names)
        self._sets = cycle(found) if found else None

    def next(self) -> dict[str, Any]:
        """Values of a row that is there, for those parameters of which it is known what they name."""
        return {} if self._sets is None else next(self._sets)

    @property
    def example(self) -> str:
        """A path of this form, whether or not there is a row that it names; the template where Django knows none."""
        return _example(self._template) or self._template

    def filled(self) -> str | None:
        """The path with values; None where not all are known."""
        known = self.next()
        if any(name not in known for name in self._names):
            return None
        return _parameter.sub(lambda found: quote(str(known[found[1]]), safe=""), self._template)


def _sets(template: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """One for each row that the last known parameter may name, with what that row belongs to in the others."""
    places = {name: place for index, name in enumerate(names) if (place := _place(template, index)) is not None}
    if not places:
        return []
    last = next(reversed(places))
    others = {name: cycle(place.rows() or [None]) for name, place in places.items() if name != last}
    found = []
    for row in places[last].rows():
        owners = {name: _owner(row, places[name].model) or next(rows) for name, rows in others.items()}
        given = {name: places[name].value(owner) for name, owner in (owners | {last: row}).items()}
        found.append({name: value for name, value in given.items() if value is not None})
    return found


def _owner(row: Any, model: Any) -> Any:
    """The row of `model` that `row` is, or belongs to by foreign keys; None where it belongs to none."""
    level = [row]
    for _ in range(DEEP + 1):
        if (found := next((one for one in level if isinstance(one, model)), None)) is not None:
            return found
        level = [above for one in level for above in _above(one)]
    return None


def _above(row: Any) -> Iterator[Any]:
    for field in row._meta.concrete_fields:  # noqa: SLF001 - documented
        if field.is_relation and getattr(row, field.attname) is not None:
            try:
                yield getattr(row, field.name)
            except UNREADABLE:
                continue


# -- what a parameter names -----------------------------------------------------------------------


def _place(template: str, index: int) -> _Place | None:
    """What the parameter at `index` names: the view of the whole template may say it, or the one where the template
    ends with that parameter, or its name does (`product_id`)."""
    end = [*_parameter.finditer(template)][index].end()
    name = ""
    for path in dict.fromkeys((template, f"{template[:end]}/", template[:end])):
        match = _match(path)
        if match is None or len(match.kwargs) <= index:
            continue
        name = name or [*match.kwargs][index]  # which the API document may call otherwise
        view = class_behind(match.func)
        if view is not None and (found := _of_view(view, [*match.kwargs][index])) is not None:
            return found
    return _of_name(name or _parameter.findall(template)[index])


def _match(template: str) -> ResolverMatch | None:
    """What Django finds for a path of this form."""
    path = _example(template)
    return None if path is None else resolve(path)


@lru_cache(maxsize=1024)
def _example(template: str) -> str | None:
    """A path of this form for which Django finds a view; None where it finds none."""
    count = len(_parameter.findall(template))
    samples = [(one,) * count for one in SAMPLES]
    if count <= MIXED:
        samples += product(SAMPLES, repeat=count)
    for sample in samples:
        path = _parameter.sub("{}", template).format(*sample)
        try:
            resolve(path)
        except Resolver404:
            continue
        return path
    return None


def _of_view(view: ViewClass, name: str) -> _Place | None:
    """What `name` is to a generic view of REST framework's or Django's."""
    said: Mapping[str, Any] = view.initkwargs

    def option(attribute: str) -> Any:
        return said.get(attribute, getattr(view.kind, attribute, None))

    fields: dict[Any, Any] = {"pk": "pk"}
    if (lookup := option("lookup_field")) is not None:
        fields = {option("lookup_url_kwarg") or lookup: lookup}
    elif (key := option("pk_url_kwarg")) is not None:
        fields = {key: "pk", option("slug_url_kwarg"): option("slug_field")}
    model = _model_of(view) if name in fields else None
    return None if model is None else _Place(model, str(fields[name]))


def _model_of(view: ViewClass) -> Any:
    """The model whose rows a view shows; None where nothing says it."""
    queryset = view.initkwargs.get("queryset", getattr(view.kind, "queryset", None))
    found = getattr(queryset, "model", None) or getattr(view.kind, "model", None)
    if found is not None:
        return found
    action = None if view.actions is None else view.actions.get("get")
    try:
        return view_instance(view.kind, action, view.initkwargs, "GET").get_queryset().model
    except Exception:  # noqa: BLE001 - whatever the project's own code says without a request
        serializer = getattr(view.kind, "serializer_class", None)
        return getattr(getattr(serializer, "Meta", None), "model", None)


def _of_name(name: str) -> _Place | None:
    attribute = found[1] if (found := _key.search(name)) else None
    model = None if attribute is None else model_called(_key.sub("", name))
    if model is None or attribute is None:
        return None
    return _Place(model, "pk" if attribute == "id" else attribute)


def model_called(name: str) -> Any:
    """The model that a field or parameter is called after: `product_type`, `products`; None where there is none."""
    plain = name.lower().replace("_", "")
    wanted = (plain, plain.removesuffix("s"), f"{plain.removesuffix('ies')}y")
    by_name = {model._meta.model_name: model for model in reversed(apps.get_models())}  # noqa: SLF001 - documented
    return next((by_name[one] for one in wanted if one in by_name), None)


def values(model: Any, field: str) -> list[Any]:
    """Those of `field` in some rows of `model`; none where they can't be read."""
    try:
        found = model._base_manager.order_by("pk").values_list(field, flat=True)[:KEYS]  # noqa: SLF001 - documented
        return [_sendable(value) for value in found]
    except UNREADABLE:
        return []


def _sendable(value: Any) -> Any:
    """As JSON has it, and a path: a UUID is text."""
    return value if value is None or isinstance(value, int | str) else str(value)
