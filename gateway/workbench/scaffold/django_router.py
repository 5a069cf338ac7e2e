"""Plain Django views as endpoints: called through the bridge, or a stub with their source."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from gateway.compat.django import non_atomic_aliases
from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.contract_test import TestedEndpoint
from gateway.workbench.scaffold.forms import form_body, form_model, forms_of, methods_of, query_of
from gateway.workbench.scaffold.naming import function_name, identifier
from gateway.workbench.scaffold.paths import parameters, path_text
from gateway.workbench.scaffold.references import ref, reference
from gateway.workbench.scaffold.rows import guessed_row, values_text
from gateway.workbench.scaffold.stubs import docstring, raising

__all__ = ["DjangoViews", "asked_of_view", "methods"]

ANNOTATED = ref("typing", "Annotated")
BRIDGE = "gateway.bridge"
RESPONSE = ref("django.http.response", "HttpResponseBase")
READING = ("GET", "HEAD")


def asked_of_view(endpoint: Endpoint, method: str) -> TestedEndpoint:
    """The data for a view's contract test: rows by the names of parameters, forms with a value for each field."""
    forms = forms_of(endpoint.function) if method not in READING else []
    fields = [name for form in forms for name in form().fields]
    model, lookup = guessed_row(endpoint)
    return TestedEndpoint(
        endpoint,
        method=method,
        model=reference(model) if model is not None else None,
        values=values_text(model),
        lookup=lookup,
        body=form_body(forms) if method not in READING else None,
        names=tuple(fields),
        queries=tuple(query_of(endpoint.function)) if method in READING else (),
        form=True,
    )


def methods(endpoint: Endpoint) -> list[str]:
    """The methods to declare."""
    return methods_of(endpoint.function) if endpoint.method == "*" else [endpoint.method]


class DjangoViews:
    """The router for some endpoints, lifted or `rewrite`n."""

    def __init__(self, chosen: Sequence[Endpoint], *, rewrite: bool) -> None:
        self.chosen = chosen
        self.rewrite = rewrite
        self.todos: list[str] = []
        self.notes: list[str] = []
        self._models: dict[str, str] = {}

    def text(self) -> str:
        """The body of the module."""
        names: set[str] = set()
        functions = []
        for endpoint in self.chosen:
            for method in methods(endpoint):
                name = function_name(endpoint, names)
                names.add(name)
                functions.append(self._function(endpoint, method, name))
        router = (
            f"router = {ref('fastapi', 'APIRouter')}(route_class={ref('gateway.bridge.django_json', 'DjangoRoute')})"
        )
        return "\n\n\n".join([*self._models.values(), router, *functions])

    def _function(self, endpoint: Endpoint, method: str, name: str) -> str:
        shown = [*parameters(endpoint), *self._form(endpoint, method), f"request: {ref(BRIDGE, 'DjangoRequest')}"]
        taken = {parameter.name for parameter in endpoint.parameters}
        if method in READING:
            shown += [f"{query}: str | None = None" for query in query_of(endpoint.function) if query not in taken]
        is_async = "async " if endpoint.is_async else ""
        head = "\n".join(self._decorators(endpoint, method))
        body = textwrap.indent(self._body(endpoint, method), "    ")
        return f"{head}\n{is_async}def {name}({', '.join(shown)}) -> {RESPONSE}:\n{body}"

    def _form(self, endpoint: Endpoint, method: str) -> Iterator[str]:
        if not self.rewrite or method in READING:
            return
        for form in forms_of(endpoint.function):
            if form.__name__ not in self._models:
                self._models[form.__name__] = form_model(form, self.todos)
            yield f"{identifier(form.__name__)}: {ANNOTATED}[{form.__name__}, {ref('fastapi', 'Form')}()]"

    def _decorators(self, endpoint: Endpoint, method: str) -> Iterator[str]:
        yield f"@router.{method.lower()}({path_text(endpoint)}, response_model=None)"
        if getattr(endpoint.callback, "csrf_exempt", False):
            yield f"@{ref(BRIDGE, 'csrf_exempt')}"
        if non_atomic_aliases(endpoint.callback) or endpoint.is_async:
            yield f"@{ref('django.db.transaction', 'non_atomic_requests')}"

    def _body(self, endpoint: Endpoint, method: str) -> str:
        first = (
            (getattr(endpoint.function, "__doc__", None) or f"{method} {endpoint.template}.").strip().splitlines()[0]
        )
        first = first.replace("\\", "\\\\").replace('"""', "'''")
        if not self.rewrite:
            wait = "await " if endpoint.is_async else ""
            return f'"""{first}"""\nreturn {wait}{ref(BRIDGE, "django_view")}(request)'
        what = endpoint.view
        if what not in self.todos:
            self.todos.append(what)
        return f"{docstring(first, what, endpoint.function)}\n{raising(what)}"
