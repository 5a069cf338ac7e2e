"""The text of a contract test: it sends the same to legacy and the service, and compares responses and rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.module import module_text
from gateway.workbench.scaffold.naming import function_name
from gateway.workbench.scaffold.references import ref

__all__ = ["TestedEndpoint", "contract_test"]

BAKER = ref("model_bakery", "baker")
PYTEST = ref("pytest", "")
BOTH = "gateway_contract"


@dataclass(frozen=True, slots=True)
class TestedEndpoint:
    """What a test needs to know of one endpoint.

    `model`: the text for the model whose row the path identifies, or None; `values` further arguments to create one;
    `lookup` the row's attributes for the path's parameters, by name; `owner` its foreign key to the user. `body` is the
    text of a valid body; `names`, `required`: its fields. `queries`: query parameters. `certain`: the project's own
    code adds no checks that could refuse it. `upload`: it contains files; `form`: it is sent as a form.
    """

    endpoint: Endpoint
    model: str | None = None
    values: str = ""
    lookup: dict[str, str] = field(default_factory=dict)
    owner: str | None = None
    body: str | None = None
    names: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    certain: bool = False
    upload: bool = False
    form: bool = False  # sent as a form
    method: str = ""

    def __post_init__(self) -> None:
        if not self.method:
            object.__setattr__(self, "method", self.endpoint.method)

    @property
    def detail(self) -> bool:
        """Whether its path has parameters."""
        return bool(self.endpoint.parameters)

    @property
    def safe(self) -> bool:
        """Whether it only reads."""
        return self.method in ("GET", "HEAD")


def contract_test(route: str, asked: Sequence[TestedEndpoint], login: str, user_model: str) -> str:
    """The module for `route`. `login` as in `gateway.testing.Contract`."""
    constants = [f"ROUTE = {route!r}", f"LOGIN = {login!r}  # how a test's user is known", _CALLERS]
    if any(one.upload for one in asked):
        constants.append(_GIF)
    lines = ["\n".join(constants)]
    lines.append(_SIDES.replace("USER", user_model))
    names: set[str] = set()
    for one in asked:
        name = function_name(one.endpoint, names)
        names.add(name)
        lines += _of(one, name)
    about = ", ".join(str(one.endpoint) for one in asked)
    title = (
        f"Legacy and service answer the same: {about}." if len(about) < 70 else "Legacy and service answer the same."
    )
    return module_text(title, "\n\n\n".join(lines))


_CALLERS = 'CALLERS = ["anonymous", "user", "staff", "superuser"]'
_GIF = (
    "GIF = bytes.fromhex(\n"
    '    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"\n'
    ")"
)
_SIDES = f'''@{PYTEST}.fixture
def people(db):
    """Who asks, by what they may do."""
    flags = {{"user": {{}}, "staff": {{"is_staff": True}}, "superuser": {{"is_staff": True, "is_superuser": True}}}}
    made = {{name: {BAKER}.make(USER, is_active=True, **more) for name, more in flags.items()}}
    return {{"anonymous": None}} | made


@{PYTEST}.fixture
def same(gateway_contract, people):
    """Ask both sides; every difference is a failure. Gives the status that both answered with."""
    contract = gateway_contract(ROUTE, login=LOGIN)

    def asked(method, path, data=None, *, caller="anonymous", content_type=None, headers=None):
        both = contract.ask(method, path, data, user=people[caller], content_type=content_type, headers=headers)
        assert both.differences == []
        return both.legacy.status

    return asked'''


def _of(one: TestedEndpoint, name: str) -> Iterator[str]:
    """The tests of one endpoint."""
    yield _path(one, name)
    if one.body is not None:
        yield f'def {name}_body():\n    """What both sides take."""\n    return {one.body}'
    yield _answered(one, name)
    if one.detail:
        yield _missing(one, name)
    if one.safe:
        yield _read(one, name)
    if one.body is not None:
        yield _wrong(one, name)
        yield _unreadable(one, name)


def _path(one: TestedEndpoint, name: str) -> str:
    path = one.endpoint.template
    lines = ['"""Where it is, for a row that is there."""']
    if one.model is not None:
        owner = f", {one.owner}=owner" if one.owner else ""
        lines.append(f"row = {BAKER}.make({one.model}{one.values}{owner})")
    for parameter in one.endpoint.parameters:
        for written in (f"{{{parameter.name}}}", f"{{{parameter.name}:{parameter.converter}}}"):
            path = path.replace(written, f"{{{one.lookup.get(parameter.name, repr('1'))}}}")
    lines.append(f'return f"{path}"' if one.detail else f"return {path!r}")
    return f"def {name}_path(owner):\n{textwrap.indent(chr(10).join(lines), '    ')}"


def _answered(one: TestedEndpoint, name: str) -> str:
    body = f", {name}_body()" if one.body is not None else ""
    body += _form(one)
    lines = [f'status = same({one.method!r}, {name}_path(people["user"]){body}, caller=caller)']
    if one.certain:
        lines += [
            'if caller == "superuser":',
            '    assert status < 300, "the rows of this test are no good: see to them"',
        ]
    else:
        lines += ["assert status < 500"]
    test = "\n".join(lines)
    return (
        f'@{PYTEST}.mark.parametrize("caller", CALLERS)\n'
        f"def test_{name}_is_the_same_for_everybody(same, people, caller):\n{textwrap.indent(test, '    ')}"
    )


def _form(one: TestedEndpoint) -> str:
    return ', content_type="application/x-www-form-urlencoded"' if one.form and one.body is not None else ""


def _missing(one: TestedEndpoint, name: str) -> str:
    path = one.endpoint.template
    for parameter in one.endpoint.parameters:
        other = "00000000-0000-4000-8000-000000000000" if parameter.converter == "uuid" else "999999999"
        for written in (f"{{{parameter.name}}}", f"{{{parameter.name}:{parameter.converter}}}"):
            path = path.replace(written, other)
    body = f", {name}_body()" if one.body is not None else ""
    body += _form(one)
    return (
        f"def test_{name}_is_the_same_for_what_is_not_there(same):\n"
        f'    assert same({one.method!r}, {path!r}{body}, caller="superuser") >= 400'
    )


def _read(one: TestedEndpoint, name: str) -> str:
    queries = ["", "?unknown=1", *(f"?{query}={value}" for query in one.queries for value in ("", "1", "text"))]
    headers = [{}, {"Accept": "application/json"}, {"Accept": "text/unknown"}, {"Accept-Language": "de"}]
    return (
        f'@{PYTEST}.mark.parametrize("query", {queries!r})\n'
        f"def test_{name}_reads_its_query_the_same(same, people, query):\n"
        f'    same({one.method!r}, {name}_path(people["user"]) + query, caller="superuser")\n\n\n'
        f'@{PYTEST}.mark.parametrize("headers", {headers!r}, ids=str)\n'
        f"def test_{name}_reads_its_headers_the_same(same, people, headers):\n"
        f'    same({one.method!r}, {name}_path(people["user"]), headers=headers)\n\n\n'
        f"def test_{name}_has_the_same_head(same, people):\n"
        f'    same("HEAD", {name}_path(people["user"]), caller="superuser")'
    )


def _wrong(one: TestedEndpoint, name: str) -> str:
    odd: list[object] = ["", "text"] if one.upload or one.form else [None, "", "text", []]
    changes = [{each: value} for each in one.names for value in odd]
    return (
        f'@{PYTEST}.mark.parametrize("change", {changes!r}, ids=str)\n'
        f"def test_{name}_refuses_the_same(same, people, change):\n"
        f"    body = {name}_body() | change\n"
        f'    same({one.method!r}, {name}_path(people["user"]), body{_form(one)}, caller="superuser")\n\n\n'
        f'@{PYTEST}.mark.parametrize("name", {[*one.names]!r})\n'
        f"def test_{name}_does_the_same_without_a_field(same, people, name):\n"
        f"    body = {name}_body()\n"
        f"    body.pop(name, None)\n"
        f'    same({one.method!r}, {name}_path(people["user"]), body{_form(one)}, caller="superuser")'
    )


def _unreadable(one: TestedEndpoint, name: str) -> str:
    bodies = [
        (b"{", "application/json"), (b"[]", "application/json"), (b"null", "application/json"),
        (b"", "application/json"), (b"text", "text/plain"), (b"name=Text", "application/x-www-form-urlencoded"),
    ]  # fmt: skip
    return (
        f'@{PYTEST}.mark.parametrize(("data", "content_type"), {bodies!r})\n'
        f"def test_{name}_reads_other_bodies_the_same(same, people, data, content_type):\n"
        f'    path = {name}_path(people["user"])\n'
        f'    same({one.method!r}, path, data, caller="superuser", content_type=content_type)'
    )
