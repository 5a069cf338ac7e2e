"""Compares how both sides write a response: names, types, null, and values as rows have them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError
from rest_framework import serializers
from rest_framework.utils.encoders import JSONEncoder
from typing_extensions import is_typeddict  # knows its own TypedDict, which Pydantic requires before Python 3.12

from gateway.parity.redact.sensitive import is_secret, is_sensitive
from gateway.parity.severity import Severity
from gateway.workbench.contract.budget import TrialBudget
from gateway.workbench.contract.database import AsksDatabase
from gateway.workbench.contract.result import Compared, ContractExample, ContractFinding, ContractReport, Unknown
from gateway.workbench.drf.contract.answered import (
    AnswerField,
    DeclaredResponse,
    FieldWriter,
    answered,
    inner_model,
    nullable,
    parts_of,
)
from gateway.workbench.drf.contract.natives import Native, may_be_null, native_of, of_type, returned_by
from gateway.workbench.drf.contract.search import smallest_difference
from gateway.workbench.drf.contract.serializers import WrittenResponse, fields_below

__all__ = ["compare_answers"]

MOST = 120
ENOUGH = 30  # values of one field: there are only few ways to write one


class ResponseRoute:
    """How FastAPI's route writes a response. `drf`: it is a DRFRoute."""

    def __init__(self, route: Any, *, drf: bool) -> None:
        self.model: Any = route.response_model
        self.drf = drf
        self.include = route.response_model_include
        self.exclude = route.response_model_exclude
        self.by_alias = bool(route.response_model_by_alias)
        self.drops = [
            name
            for name in ("exclude_none", "exclude_unset", "exclude_defaults")
            if getattr(route, f"response_model_{name}")
        ]

    def parts(self, model: Any) -> Mapping[str, AnswerField]:
        """The fields of the outermost object."""
        found = parts_of(model, by_alias=self.by_alias)
        return {
            name: part
            for name, part in found.items()
            if (self.include is None or name in self.include) and name not in (self.exclude or ())
        }


def compare_answers(
    written: WrittenResponse, route: Any, budget: TrialBudget, *, drf: bool
) -> Iterator[ContractReport]:
    """The differences in what both write."""
    said = ResponseRoute(route, drf=drf)
    found = answered(said.model, page=written.page is not None)
    if found is None:
        what = "no model" if said.model is None else f"{said.model}"
        fields = ", ".join(_readable(written.serializer))
        yield Unknown(
            "response", f"the service's answers have {what}, so {fields} can't be compared: say response_model"
        )
        return
    yield from _around(written, found)
    names: list[str] = []
    yield from _object(written.serializer, said.parts(found.model), "", said, budget, names)
    if said.drops and any(may_be_null(field) for field in _readable(written.serializer).values()):
        how = ", ".join(said.drops)
        yield ContractFinding(
            Severity.BREAKING, "response", f"fields are left out by response_model_{how}, which legacy writes as null"
        )
    yield Compared("response", f"{len(names)} fields ({', '.join(names)})")


def _readable(serializer: Any) -> Mapping[str, Any]:
    return {name: field for name, field in (fields_below(serializer) or {}).items() if not field.write_only}


def _around(written: WrittenResponse, found: DeclaredResponse) -> Iterator[ContractReport]:
    """Whether both respond with one object, a list, or a page of them, and what is around the objects."""
    ours, theirs = _form(written), _form(found)
    if ours != theirs:
        yield ContractFinding(
            Severity.BREAKING, "response", f"legacy answers with {ours}, the service with {theirs}", "", ours, theirs
        )
    elif written.page is not None and found.page is not None:
        for name in written.page:
            if name not in found.page:
                yield ContractFinding(
                    Severity.BREAKING, "pagination", f"{name}: pages have it in legacy only", name, "there", "missing"
                )
        for name in found.page:
            if name not in written.page:
                yield ContractFinding(
                    Severity.WARNING, "pagination", f"{name}: pages have it in the service only", name, "", "there"
                )


def _form(one: WrittenResponse | DeclaredResponse) -> str:
    if one.page is not None:
        return "a page" if one.results in ("", "results") else f"a page, its objects in {one.results}"
    return "a list" if one.many else "one object"


def _object(
    serializer: Any,
    parts: Mapping[str, AnswerField],
    place: str,
    said: ResponseRoute,
    budget: TrialBudget,
    names: list[str],
) -> Iterator[ContractReport]:
    """The fields of one object, including nested ones."""
    ours = _readable(serializer)
    inner: Any = serializer.child if isinstance(serializer, serializers.ListSerializer) else serializer
    if type(inner).to_representation is not serializers.Serializer.to_representation and not _is_stock(inner):
        yield Unknown("response", f"what {type(inner).__name__}.to_representation() makes of it")
    yield from _names(list(ours), list(parts), place)
    for name, field in ours.items():
        if (part := parts.get(name)) is not None:
            yield from _field(field, part, f"{place}{name}", said, budget, names)


def _is_stock(serializer: Any) -> bool:
    return str(type(serializer).to_representation.__module__).startswith("rest_framework.")


def _names(ours: list[str], theirs: list[str], place: str) -> Iterator[ContractReport]:
    for name in ours:
        if name not in theirs:
            yield ContractFinding(
                Severity.BREAKING,
                "response",
                f"{place}{name}: missing in the service's answer",
                f"{place}{name}",
                "there",
                "missing",
            )
    for name in theirs:
        if name not in ours:
            yield _only_service(name, place)
    common = [name for name in theirs if name in ours]
    if common != [name for name in ours if name in theirs]:
        yield ContractFinding(
            Severity.NOTE,
            "response",
            f"{place or 'the answer'}: the fields are in another order",
            place,
            ", ".join(ours),
            ", ".join(theirs),
        )


def _only_service(name: str, place: str) -> ContractFinding:
    where = f"{place}{name}"
    if is_secret(name, number=False):
        return ContractFinding(
            Severity.CRITICAL,
            "response",
            f"{where}: a secret by its name, which only the service shows",
            where,
            "",
            "there",
        )
    if is_sensitive(name):
        return ContractFinding(
            Severity.BREAKING,
            "response",
            f"{where}: personal data by its name, which only the service shows",
            where,
            "",
            "there",
        )
    return ContractFinding(Severity.WARNING, "response", f"{where}: only the service has it", where, "", "there")


def _field(
    field: Any, part: AnswerField, place: str, said: ResponseRoute, budget: TrialBudget, names: list[str]
) -> Iterator[ContractReport]:
    names.append(place)
    yield from _null(field, part, place)
    model, several = inner_model(part.annotation)
    nested = fields_below(field)
    hint = returned_by(field)
    if nested is not None and model is not None:
        if several != isinstance(field, serializers.ListSerializer):
            yield _other_form(place, "one object" if several else "a list", "a list" if several else "one object")
        else:
            yield from _object(field, parts_of(model), f"{place}.", said, budget, names)
    elif nested is not None:
        yield Unknown("response", f"{place}: the service says {_named(part.annotation)}, and nothing of its fields")
    elif hint is not None and is_typeddict(hint) and model is not None and not several:
        yield from _typed(hint, parts_of(model), f"{place}.", said, budget)
    elif part.own:
        yield Unknown("response", f"{place}: code of the service's model writes it")
    elif (native := native_of(field)) is None:
        yield Unknown("response", f"{place}: {_why_unknown(field)}")
    else:
        yield from _values(native, part, place, said, budget)


def _why_unknown(field: Any) -> str:
    if isinstance(field, serializers.SerializerMethodField):
        return f"{field.method_name or 'its method'}() has no return type"
    return f"what {type(field).__name__} writes can't be told"


def _other_form(place: str, ours: str, theirs: str) -> ContractFinding:
    return ContractFinding(
        Severity.BREAKING, "response", f"{place}: {ours} in legacy, {theirs} in the service", place, ours, theirs
    )


def _null(field: Any, part: AnswerField, place: str) -> Iterator[ContractReport]:
    ours, theirs = may_be_null(field), nullable(part.annotation)
    if ours and not theirs:
        yield ContractFinding(
            Severity.BREAKING,
            "response",
            f"{place}: null in legacy, of which the service's model makes a 500",
            place,
            "null",
            "refused",
        )
    elif theirs and not ours and returned_by(field) is None and part.annotation is not Any:
        yield ContractFinding(
            Severity.NOTE, "response", f"{place}: may be null in the service's document, never in legacy", place
        )


def _typed(
    hint: Any, parts: Mapping[str, AnswerField], place: str, said: ResponseRoute, budget: TrialBudget
) -> Iterator[ContractReport]:
    """A method that declares the keys of its dictionary."""
    ours = parts_of(hint)
    yield from _names(list(ours), list(parts), place)
    for name, typed in ours.items():
        if (part := parts.get(name)) is not None:
            native = Native(of_type(typed.annotation), lambda value: value)
            yield from _values(native, part, f"{place}{name}", said, budget)


def _values(
    native: Native, part: AnswerField, place: str, said: ResponseRoute, budget: TrialBudget
) -> Iterator[ContractReport]:
    """Tries many values of one field; reports the smallest that differs."""
    try:
        writer = FieldWriter(part, drf=said.drf)
    except Exception as exc:  # noqa: BLE001 - whatever Pydantic says of the annotation
        yield Unknown("response", f"{place}: {type(exc).__name__}")
        return
    known: set[str] = set()
    search = partial(smallest_difference, native.values, partial(_differs, native, writer), known)
    while (found := search(count=min(budget.examples, ENOUGH), seed=budget.seed)) is not None:
        way, example = found
        known.add(way)
        if way == "unknown":
            yield Unknown("response", f"{place}: {example.legacy}")
        else:
            yield ContractFinding(
                Severity.BREAKING,
                "response",
                f"{place}: {WAYS[way]}",
                place,
                example.legacy,
                example.service,
                (example,),
            )


WAYS = {
    "type": "another JSON type",
    "value": "written otherwise",
    "fails": "the service's model refuses what rows have, which is a 500",
}


def _differs(native: Native, writer: FieldWriter, value: Any) -> tuple[str, ContractExample] | None:
    try:
        ours = _as_json(native.legacy(value))
    except AsksDatabase as exc:
        return "unknown", ContractExample("", str(exc), "")
    except Exception as exc:  # noqa: BLE001 - the project's own code
        return "unknown", ContractExample("", f"{type(exc).__name__}: {exc}"[:MOST], "")
    shown = repr(value)[:MOST]
    try:
        theirs = _as_json(writer(native.service(value)))
    except (ValidationError, PydanticSerializationError, TypeError, ValueError) as exc:
        return "fails", ContractExample(shown, _text(ours), str(exc).splitlines()[0][:MOST])
    if ours == theirs and _types(ours) == _types(theirs):
        return None
    way = "value" if _types(ours) == _types(theirs) else "type"
    return way, ContractExample(shown, _text(ours), _text(theirs))


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, cls=JSONEncoder))


def _types(value: Any) -> Any:
    """The JSON types in a value: 1 and 1.0 count as the same."""
    if isinstance(value, dict):
        return {name: _types(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_types(one) for one in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:MOST]


def _named(annotation: Any) -> str:
    return getattr(annotation, "__name__", str(annotation))
