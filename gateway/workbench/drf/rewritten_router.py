"""The text of a router: endpoints with Pydantic models instead of serializers.

Permissions, querysets, filters and pagination are taken from the view; models and the code that uses them are new.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from rest_framework import serializers
from rest_framework.pagination import CursorPagination, LimitOffsetPagination, PageNumberPagination

from gateway.wording import message
from gateway.workbench.drf.document import DocumentedSchema, is_left_out, operation
from gateway.workbench.drf.lifted_router import view_reference
from gateway.workbench.drf.models import Direction, Models
from gateway.workbench.drf.views import overridden, serializer_of, standard_action, url_field, view_for
from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.naming import function_name, identifier
from gateway.workbench.scaffold.paths import parameters, path_text
from gateway.workbench.scaffold.references import Untranslatable, ref, reference
from gateway.workbench.scaffold.stubs import in_docstring, raising, source_of

__all__ = ["Rewrites"]

BRIDGE = "gateway.bridge.drf"
ANY = ref("typing", "Any")
ANNOTATED = ref("typing", "Annotated")
DEPENDS = ref("fastapi", "Depends")
RESPONSE = ref("rest_framework.response", "Response")
VIEW_OF = ref(f"{BRIDGE}.credentials", "view_of")
REQUEST = ref(f"{BRIDGE}.credentials", "DRFRequest")
SERIALIZER_FOR = ref(f"{BRIDGE}.serializers", "serializer_for")
VALIDATED = ref(f"{BRIDGE}.validated", "validated_data")


class Rewrites:
    """The router for some endpoints. `todos` and `notes` are collected on the way."""

    def __init__(self, chosen: Sequence[Endpoint]) -> None:
        self.chosen = chosen
        self.models = Models()
        self.notes: list[str] = []
        self._todos: list[str] = []
        self._helpers: dict[str, str] = {}
        self._names: set[str] = set()

    @property
    def todos(self) -> list[str]:
        """What could not be translated: in models, then in endpoints."""
        return [*self.models.todos, *self._todos]

    def text(self) -> str:
        """The body of the module."""
        functions = [self._endpoint(endpoint) for endpoint in sorted(self.chosen, key=_patch_last)]
        router = f"router = {ref('fastapi', 'APIRouter')}(route_class={ref(BRIDGE, 'DRFRoute')})"
        return "\n\n".join([*self.models.texts.values(), router, *self._helpers.values(), *functions])

    def _endpoint(self, endpoint: Endpoint) -> str:
        name = function_name(endpoint, self._names)
        self._names.add(name)
        action = standard_action(endpoint)
        try:
            if action is not None:
                return str(getattr(self, f"_{action}")(endpoint, name))
        except Untranslatable as exc:
            return self._stub(endpoint, name, str(exc))
        return self._stub(endpoint, name)

    # -- REST framework's own actions ------------------------------------------------------------

    def _list(self, endpoint: Endpoint, name: str) -> str:
        page = _documented(endpoint, "response")
        item = page.field("results") if page is not None and _is_paginated(endpoint) else page
        model = self.models.add(serializer_of(endpoint), "response", item)
        view = f"view={view_reference(endpoint)}, action={endpoint.action!r}"
        given = [
            f"narrow: {_given('filters', 'Filtered', 'filtered', view)}",
            f"page: {_given('pagination', 'Paginate', 'paginate', view)}",
        ]
        lines = [
            f"view: {ANY} = {VIEW_OF}(request)",
            "rows = narrow.now(view.get_queryset())",
            f"return {RESPONSE}(page.now(rows, {SERIALIZER_FOR}({model})))",
        ]
        return self._function(endpoint, name, lines, given, answer=self._page(endpoint, model, page))

    def _page(self, endpoint: Endpoint, model: str, documented: DocumentedSchema | None) -> str | None:
        paginator = getattr(view_for(endpoint), "paginator", None)
        if paginator is None:
            return f"list[{model}]"
        if overridden(type(paginator), "get_paginated_response"):
            self.notes.append(
                message(
                    "{endpoint}: what {paginator} answers is not in the OpenAPI document",
                    endpoint=str(endpoint),
                    paginator=type(paginator).__name__,
                )
            )
            return None
        links = ["next", "previous"]
        counted = isinstance(paginator, PageNumberPagination | LimitOffsetPagination)
        if not counted and not isinstance(paginator, CursorPagination):
            return None
        fields = ["count: int"] if counted else []
        fields += [*(f"{link}: str | None" for link in links), f"results: list[{model}]"]
        body = "\n".join([f'"""A page of {model}."""', "", *fields])
        return self.models.named(f"Paginated{model}List", body, documented.name if documented is not None else None)

    def _retrieve(self, endpoint: Endpoint, name: str) -> str:
        model = self._answered(endpoint, serializer_of(endpoint))
        lines = [f"view: {ANY} = {VIEW_OF}(request)", _answer(model, "view.get_object()")]
        return self._function(endpoint, name, lines, answer=model)

    def _create(self, endpoint: Endpoint, name: str) -> str:
        serializer = serializer_of(endpoint)
        if url_field(serializer):
            raise Untranslatable("its answer has a Location")
        model, body = self._answered(endpoint, serializer), self._asked(endpoint, serializer, "request")
        lines = [
            f"view: {ANY} = {VIEW_OF}(request)",
            f"row = {self._saving(endpoint, serializer, body, 'create')}",
            _answer(model, "row", status=201),
        ]
        return self._function(endpoint, name, lines, [f"body: {body}"], answer=model, status=201)

    def _update(self, endpoint: Endpoint, name: str) -> str:
        return self._change(endpoint, name, "request")

    def _partial_update(self, endpoint: Endpoint, name: str) -> str:
        return self._change(endpoint, name, "patch")

    def _change(self, endpoint: Endpoint, name: str, direction: Direction) -> str:
        serializer = serializer_of(endpoint)
        model, body = self._answered(endpoint, serializer), self._asked(endpoint, serializer, direction)
        lines = [
            f"view: {ANY} = {VIEW_OF}(request)",
            f"row = {self._saving(endpoint, serializer, body, 'update')}",
            _answer(model, "row"),
        ]
        more = ", changes_object=True"
        return self._function(endpoint, name, lines, [f"body: {body}"], answer=model, more=more)

    def _destroy(self, endpoint: Endpoint, name: str) -> str:
        if found := overridden(endpoint.view_class, "perform_destroy"):
            what, helper = f"{endpoint.view}.perform_destroy", f"delete_{function_name(endpoint, set())}"
            self._helper(helper, f"row: {ANY}, request: {ANY}", "None", what, found)
            done = f"{helper}(view.get_object(), request)"
        else:
            done = "view.get_object().delete()"
        lines = [f"view: {ANY} = {VIEW_OF}(request)", done, f"return {RESPONSE}(status=204)"]
        return self._function(endpoint, name, lines, status=204)

    def _answered(self, endpoint: Endpoint, serializer: Any) -> str:
        return self.models.add(serializer, "response", _documented(endpoint, "response"))

    def _asked(self, endpoint: Endpoint, serializer: Any, direction: Direction) -> str:
        return self.models.add(serializer, direction, _documented(endpoint, "request"))

    # -- saving ----------------------------------------------------------------------------------

    def _saving(self, endpoint: Endpoint, serializer: Any, body: str, verb: str) -> str:
        """The expression for the row that is created from the body, or changed by it."""
        kind: Any = endpoint.view_class
        own = [*overridden(kind, f"perform_{verb}"), *overridden(type(serializer), "save", verb)]
        if own or not isinstance(serializer, serializers.ModelSerializer):
            return self._own_saving(serializer, own, body, verb)
        model = type(serializer).Meta.model
        name = f"{verb}_{identifier(model.__name__)}"
        many = _many_to_many(serializer, model)
        self._helpers[name] = _saver(name, verb, model, many)
        values = f"{VALIDATED}(body)"
        return f"{name}({values})" if verb == "create" else f"{name}(view.instance, {values})"

    def _own_saving(self, serializer: Any, own: Sequence[Any], body: str, verb: str) -> str:
        what = ", ".join(function.__qualname__ for function in own) or f"{type(serializer).__name__}.{verb}"
        row = "" if verb == "create" else f"row: {ANY}, "
        name = f"{verb}_{identifier(type(serializer).__name__.removesuffix('Serializer'))}"
        self._helper(name, f"{row}body: {body}, request: {ANY}", ANY, what, own)
        return f"{name}(body, request)" if verb == "create" else f"{name}(view.instance, body, request)"

    def _helper(self, name: str, signature: str, returns: str, what: str, functions: Sequence[Any]) -> None:
        """A stub that contains the sources of the code to be translated."""
        self._say(what)
        sources = textwrap.indent("\n\n".join(map(source_of, functions)), "    ") or "    # of REST framework"
        text = f'"""Do what {what} did.\n\n{in_docstring(sources)}\n"""\n{raising(what)}'
        self._helpers.setdefault(name, f"def {name}({signature}) -> {returns}:\n{textwrap.indent(text, '    ')}")

    # -- functions -------------------------------------------------------------------------------

    def _stub(self, endpoint: Endpoint, name: str, why: str = "") -> str:
        what = f"{endpoint.view}.{endpoint.action}" if endpoint.view_class else endpoint.view
        self._say(f"{endpoint}: {what}{f' ({why})' if why else ''}")
        return self._function(endpoint, name, [raising(what)], source=endpoint.function)

    def _function(
        self,
        endpoint: Endpoint,
        name: str,
        lines: Sequence[str],
        more_parameters: Sequence[str] = (),
        *,
        answer: str | None = None,
        status: int = 200,
        more: str = "",
        source: Any = None,
    ) -> str:
        shown = [*parameters(endpoint), *more_parameters, f"request: {REQUEST}"]
        document = _document(endpoint, source)
        body = textwrap.indent("\n".join([document, *lines]), "    ")
        return f"{_decorator(endpoint, answer, status, more)}\ndef {name}({', '.join(shown)}) -> {ANY}:\n{body}"

    def _say(self, what: str) -> None:
        if what not in self._todos:
            self._todos.append(what)


def _documented(endpoint: Endpoint, body: Literal["request", "response"]) -> DocumentedSchema | None:
    """The schema of a body in the project's document."""
    found = operation(endpoint)
    if found is None:
        return None
    return found.request if body == "request" else found.response


def _is_paginated(endpoint: Endpoint) -> bool:
    return getattr(view_for(endpoint), "paginator", None) is not None


def _given(module: str, kind: str, dependency: str, view: str) -> str:
    """The annotation of a parameter with this `dependency`."""
    place = f"{BRIDGE}.{module}"
    return f"{ANNOTATED}[{ref(place, kind)}, {DEPENDS}({ref(place, dependency)}({view}))]"


def _patch_last(endpoint: Endpoint) -> bool:
    """Sort key, so that models for PATCH find the methods of those for PUT."""
    return endpoint.method == "PATCH"


def _answer(model: str, row: str, status: int = 200) -> str:
    more = f", status={status}" if status != 200 else ""
    return f"return {RESPONSE}({SERIALIZER_FOR}({model})({row}, context=view.get_serializer_context()).data{more})"


def _decorator(endpoint: Endpoint, answer: str | None, status: int, more: str) -> str:
    options = [path_text(endpoint)]
    if status != 200:
        options.append(f"status_code={status}")
    options.append(f"response_model={answer}")
    if (found := operation(endpoint)) is not None:
        options += [f"operation_id={found.id!r}", *([f"tags={list(found.tags)!r}"] if found.tags else [])]
    elif is_left_out(endpoint):
        options.append("include_in_schema=False")
    options.append(f"dependencies=[{DEPENDS}({_dependency(endpoint, more)})]")
    return f"@router.{endpoint.method.lower()}({', '.join(options)})"


def _dependency(endpoint: Endpoint, more: str) -> str:
    action = f", action={endpoint.action!r}" if hasattr(endpoint.view_class, "get_extra_actions") else ""
    return f"{ref(f'{BRIDGE}.credentials', 'drf')}(view={view_reference(endpoint)}{action}{more})"


def _document(endpoint: Endpoint, source: Any) -> str:
    function = endpoint.function
    own = None if standard_action(endpoint) else getattr(function, "__doc__", None)
    first = in_docstring(own.strip().splitlines()[0]) if own and own.strip() else f"{endpoint}."
    if source is None:
        return f'"""{first}"""'
    return f'"""{first}\\f\n\n{endpoint.view} was:\n\n{textwrap.indent(in_docstring(source_of(source)), "    ")}\n"""'


def _many_to_many(serializer: Any, model: Any) -> list[str]:
    names = {field.name for field in model._meta.many_to_many}  # noqa: SLF001 - Django's manual has it
    return sorted({field.source for field in serializer.fields.values() if not field.read_only} & names)


def _saver(name: str, verb: str, model: Any, many: Sequence[str]) -> str:
    row = reference(model)
    return "\n".join(_saver_lines(name, verb, row, model._default_manager.name, many))  # noqa: SLF001 - as above


def _saver_lines(name: str, verb: str, row: str, manager: str, many: Sequence[str]) -> Iterator[str]:
    values = f"values: dict[str, {ANY}]"
    if verb == "create":
        yield f"def {name}({values}) -> {row}:"
        yield '    """A new row."""'
    else:
        yield f"def {name}(row: {row}, {values}) -> {row}:"
        yield '    """The row, changed."""'
    for field in many:
        yield f"    {field} = values.pop({field!r}, None)"
    if verb == "create" and not many:
        yield f"    return {row}.{manager}.create(**values)"
        return
    if verb == "create":
        yield f"    row = {row}.{manager}.create(**values)"
    else:
        yield "    for name, value in values.items():"
        yield "        setattr(row, name, value)"
        yield "    row.save()"
    for field in many:
        yield f"    if {field} is not None:"
        yield f"        row.{field}.set({field})"
    yield "    return row"
