"""Values for the parameters of a path template, for which the project's views find existing rows."""

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

KEYS = 20  # read of a table
DEEP = 3  # most foreign keys between the rows of one path
SAMPLES = ("1", "a", "00000000-0000-4000-8000-000000000000")
MIXED = 4  # most parameters for which all combinations of samples are tried
UNREADABLE = (Error, LookupError, ValueError, TypeError, AttributeError)
_parameter = re.compile(r"\{(\w+)\}")
_key = re.compile(r"_(id|pk|uuid|slug)\Z")


@dataclass(frozen=True, slots=True)
class _Place:
    """What a parameter identifies: rows of `model`, by `field`."""

    model: Any
    field: str

    def rows(self) -> list[Any]:
        """Some existing rows."""
        try:
            return [*self.model._base_manager.order_by("pk")[:KEYS]]  # noqa: SLF001 - documented
        except UNREADABLE:
            return []

    def value(self, row: Any) -> Any:
        """The value for `row` in the path; None if it can't be read."""
        for name in self.field.split("__"):
            row = getattr(row, name, None)
        return _sendable(row)


class PathValues:
    """Sets of values for the parameters of `template`. The values of one set belong to one row."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._names = _parameter.findall(template)
        found = _sets(template, self._names)
        self._sets = cycle(found) if found else None

    def next(self) -> dict[str, Any]:
        """The next set: values of an existing row, for the parameters whose model is known."""
        return {} if self._sets is None else next(self._sets)

    @property
    def example(self) -> str:
        """A path of this form, whether or not its row exists; the template itself if Django finds no view for any."""
        return _example(self._template) or self._template

    def filled(self) -> str | None:
        """The path with the next set of values; None if some are unknown."""
        known = self.next()
        if any(name not in known for name in self._names):
            return None
        return _parameter.sub(lambda found: quote(str(known[found[1]]), safe=""), self._template)


def _sets(template: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """A set for each row that the last known parameter may identify; values of other parameters are from the rows that
    it belongs to."""
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
    """The row of `model` that is `row` or to which it belongs by foreign keys; None if there is none."""
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


# -- what a parameter identifies ------------------------------------------------------------------


def _place(template: str, index: int) -> _Place | None:
    """What the parameter at `index` identifies. That is known from the view of the template, the view at the end of
    that parameter, or its name (`product_id`)."""
    end = [*_parameter.finditer(template)][index].end()
    name = ""
    for path in dict.fromkeys((template, f"{template[:end]}/", template[:end])):
        match = _match(path)
        if match is None or len(match.kwargs) <= index:
            continue
        name = name or [*match.kwargs][index]  # the API document may name it differently
        view = class_behind(match.func)
        if view is not None and (found := _of_view(view, [*match.kwargs][index])) is not None:
            return found
    return _of_name(name or _parameter.findall(template)[index])


def _match(template: str) -> ResolverMatch | None:
    """Django's match for a path of this form."""
    path = _example(template)
    return None if path is None else resolve(path)


@lru_cache(maxsize=1024)
def _example(template: str) -> str | None:
    """A path of this form for which Django finds a view; None without one."""
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
    """What the parameter `name` identifies in a generic view of Django or REST framework."""
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
    """The model whose rows a view shows; None if unknown."""
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
    """The model after which a field or parameter is named (`product_type`, `products`); None without one."""
    plain = name.lower().replace("_", "")
    wanted = (plain, plain.removesuffix("s"), f"{plain.removesuffix('ies')}y")
    by_name = {model._meta.model_name: model for model in reversed(apps.get_models())}  # noqa: SLF001 - documented
    return next((by_name[one] for one in wanted if one in by_name), None)


def values(model: Any, field: str) -> list[Any]:
    """The values of `field` in some rows of `model`; empty if they can't be read."""
    try:
        found = model._base_manager.order_by("pk").values_list(field, flat=True)[:KEYS]  # noqa: SLF001 - documented
        return [_sendable(value) for value in found]
    except UNREADABLE:
        return []


def _sendable(value: Any) -> Any:
    """`value` in a form for JSON and paths: a UUID as text."""
    return value if value is None or isinstance(value, int | str) else str(value)
