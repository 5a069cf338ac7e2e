"""What a change of an operation means to its clients."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from gateway.apidoc.operations import Operation, operations
from gateway.workbench.apidiff.operations import Side, compare
from gateway.workbench.apidiff.rules import RULES
from tests.apidoc.test_merge import documents

PAGE = Path(__file__).parents[3] / "docs" / "openapi.md"
NUMBER, TEXT = {"type": "integer"}, {"type": "string"}
OR_NULL = {"anyOf": [TEXT, {"type": "null"}]}


def thing(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def side(content: Any, components: Any = None, path: str = "/things/{id}/") -> Side:
    return Side(Operation("POST", path, content), {"components": components or {}})


def rules(old: Any, new: Any, kept: Any = None) -> set[str]:
    """The rules of the changes between two operations."""
    sides = [one if isinstance(one, Side) else side(one) for one in (old, new)]
    return {change.rule for change in compare(*sides, kept or {})}


def takes(schema: Any, **more: Any) -> Any:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, **more}}


def gives(schema: Any, status: str = "200", **more: Any) -> Any:
    return {"responses": {status: {"content": {"application/json": {"schema": schema}}, **more}}}


def asks(**parameter: Any) -> Any:
    return {"parameters": [{"name": "q", "in": "query", "schema": TEXT} | parameter]}


REQUESTS = [
    ("request-property-required-added", thing(a=TEXT), thing("b", a=TEXT, b=TEXT)),
    ("request-property-required-added", thing(), thing("b", b=TEXT | {"default": "x"})),
    ("request-property-became-required", thing(a=TEXT), thing("a", a=TEXT)),
    ("request-property-added", thing(a=TEXT), thing(a=TEXT, b=TEXT)),
    ("request-property-removed", thing(a=TEXT, b=TEXT), thing(a=TEXT)),
    ("request-type-narrowed", TEXT, NUMBER),
    ("request-type-narrowed", {"type": "number"}, NUMBER),
    ("request-type-narrowed", {"type": ["integer", "string"]}, TEXT),
    ("request-null-refused", OR_NULL, TEXT),
    ("request-null-refused", {"type": ["string", "null"]}, TEXT),
    ("request-enum-narrowed", {"enum": ["a", "b"]}, {"enum": ["a"]}),
    ("request-enum-narrowed", TEXT, TEXT | {"enum": ["a"]}),
    ("request-format-narrowed", TEXT, TEXT | {"format": "uuid"}),
    ("request-limit-narrowed", TEXT, TEXT | {"maxLength": 5}),
    ("request-limit-narrowed", TEXT | {"maxLength": 9}, TEXT | {"maxLength": 5}),
    ("request-limit-narrowed", NUMBER | {"minimum": 0}, NUMBER | {"minimum": 1}),
    ("request-limit-narrowed", NUMBER, NUMBER | {"minimum": 0}),
    ("request-limit-narrowed", TEXT, TEXT | {"pattern": "^a"}),
    ("request-pattern-changed", TEXT | {"pattern": "^a"}, TEXT | {"pattern": "^b"}),
    ("request-default-changed", TEXT | {"default": "a"}, TEXT | {"default": "b"}),
    ("request-default-changed", TEXT | {"default": "a"}, TEXT),
    ("request-type-narrowed", {"additionalProperties": TEXT}, {"additionalProperties": NUMBER}),
    ("request-variants-changed", TEXT, {"oneOf": [TEXT, NUMBER]}),
]
RESPONSES = [
    ("response-property-removed", thing(a=TEXT, b=TEXT), thing(a=TEXT)),
    ("response-property-became-optional", thing("a", a=TEXT), thing(a=TEXT)),
    ("response-property-added", thing(a=TEXT), thing(a=TEXT, b=TEXT)),
    ("response-type-changed", TEXT, NUMBER),
    ("response-type-changed", NUMBER, {"type": "number"}),
    ("response-type-unknown", TEXT, {}),
    ("response-may-be-null", TEXT, OR_NULL),
    ("response-may-be-null", TEXT, {"type": ["string", "null"]}),
    ("response-enum-added", TEXT | {"enum": ["a"]}, TEXT | {"enum": ["a", "b"]}),
    ("response-enum-added", TEXT | {"enum": ["a"]}, TEXT),
    ("response-format-changed", TEXT | {"format": "date"}, TEXT | {"format": "date-time"}),
    ("response-variants-changed", TEXT, {"oneOf": [TEXT, NUMBER]}),
]
BEARER, COOKIE = {"type": "http", "scheme": "bearer"}, {"type": "apiKey", "in": "cookie", "name": "sessionid"}
SCHEMES = {"securitySchemes": {"bearer": BEARER, "cookie": COOKIE}}
EITHER = {"security": [{"bearer": []}, {"cookie": []}]}
ONE = {"security": [{"cookie": []}]}
OBJECT = {"type": "object", "additionalProperties": False}
A, B = {"components": {"schemas": {"A": thing()}}}, {"components": {"schemas": {"B": thing()}}}
REFERRED, NAMED = {"$ref": "#/components/schemas/A"}, {"schemas": {"A": TEXT}}
LIST = {"schema": {"type": "array", "items": TEXT}}
FIRST, TWO = {"content": {"a/b": {}}}, {"content": {"a/b": {}, "c/d": {}}}
OTHERS = [
    ("request-property-refused", takes(thing(a=TEXT)), takes(OBJECT)),
    ("request-additional-properties-refused", takes(thing(a=TEXT)), takes(thing(a=TEXT) | OBJECT)),
    ("operation-id-changed", {"operationId": "a"}, {"operationId": "b"}),
    ("security-narrowed", side(EITHER, SCHEMES), side(ONE, SCHEMES)),
    ("security-narrowed", side({"security": [{"unsaid": []}, {"cookie": []}]}, SCHEMES), side(ONE, SCHEMES)),
    ("response-may-be-null", side(gives(REFERRED), NAMED), side(gives(REFERRED | {"nullable": True}), NAMED)),
    ("security-added", side(ONE, SCHEMES), side(EITHER, SCHEMES)),
    ("security-dropped", side(ONE, SCHEMES), side({}, SCHEMES)),
    ("parameter-removed", asks(), {}),
    ("parameter-required-added", {}, asks(required=True)),
    ("parameter-became-required", asks(), asks(required=True)),
    ("parameter-style-changed", asks(**LIST), asks(**LIST, explode=False)),
    ("parameter-added", {}, asks()),
    ("request-type-narrowed", asks(), asks(schema=NUMBER)),
    ("request-body-became-required", takes(TEXT), takes(TEXT, required=True)),
    ("request-body-became-required", {}, takes(TEXT, required=True)),
    ("request-body-removed", takes(TEXT), {}),
    ("request-media-type-removed", {"requestBody": TWO}, {"requestBody": FIRST}),
    ("request-media-type-added", {"requestBody": FIRST}, {"requestBody": TWO}),
    ("response-status-removed", gives(TEXT) | {}, {"responses": {}}),
    ("response-error-removed", gives(TEXT, "404"), {"responses": {}}),
    ("response-status-added", {}, gives(TEXT, "202")),
    ("response-error-added", {}, gives(TEXT, "404")),
    ("response-media-type-removed", gives(TEXT), {"responses": {"200": {}}}),
    ("response-media-type-added", {"responses": {"200": {}}}, gives(TEXT)),
    ("response-header-removed", gives(TEXT, headers={"X-Total": {}}), gives(TEXT, headers={})),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "old", "new"), REQUESTS)
def test_a_request_may_only_allow_more(rule, old, new):
    assert rules(takes(old), takes(new)) == {rule}


@pytest.mark.parametrize(("rule", "old", "new"), RESPONSES)
def test_a_response_may_only_say_less(rule, old, new):
    assert rules(gives(old), gives(new)) == {rule}


@pytest.mark.parametrize(("rule", "old", "new"), OTHERS)
def test_a_change_has_its_rule(rule, old, new):
    assert rule in rules(old, new)


def referring(name: str) -> Side:
    return side(gives({"$ref": f"#/components/schemas/{name}"}), {"schemas": {name: thing()}})


@pytest.mark.parametrize(("called", "rule"), [("A", "component-name-changed"), ("A_new", "component-name-lost")])
def test_the_name_of_a_component_is_part_of_the_contract(called, rule):
    assert rules(referring("A"), referring("B"), {"B": called}) == {rule}


def test_every_rule_is_tried_here():
    tried = {rule for rule, _, _ in [*REQUESTS, *RESPONSES, *OTHERS]}
    elsewhere = {"component-name-changed", "component-name-lost", "operation-undocumented"}
    assert tried | elsewhere == {*RULES}


def test_every_rule_is_in_the_manual_with_its_severity():
    lines = re.findall(r"^\| `([a-z-]+)` \| (breaking|warning|note) \|", PAGE.read_text(), re.MULTILINE)
    assert dict(lines) == {rule: severity.value for rule, severity in RULES.items()}


HARMLESS = [
    (takes(NUMBER), takes({"type": "number"})),
    (asks(schema=NUMBER), asks(schema=TEXT)),
    (takes(TEXT), takes(OR_NULL)),
    (takes({"oneOf": [TEXT, NUMBER]}), takes({"oneOf": [TEXT, NUMBER]})),
    (gives({"type": "array", "items": True}), gives({"type": "array", "items": True})),
    (gives(TEXT, headers={"X-Total": {}}), gives(TEXT, headers={"x-total": {}})),
    (takes(TEXT | {"maxLength": 5}), takes(TEXT | {"maxLength": 9})),
    (takes({"enum": ["a"]}), takes({"enum": ["a", "b"]})),
    (gives({"type": "number"}), gives(NUMBER)),
    (gives(OR_NULL), gives(TEXT)),
    (gives({"enum": ["a", "b"]}), gives({"enum": ["a"]})),
    (gives(NUMBER | {"format": "int64"}), gives(NUMBER)),
    (gives(TEXT | {"maxLength": 5}), gives(TEXT)),
    (takes(thing("id", id=NUMBER | {"readOnly": True})), takes(thing())),
    (gives(thing(key=TEXT | {"writeOnly": True})), gives(thing())),
    (gives({"allOf": [TEXT], "title": "t"}), gives(TEXT)),
    (gives({"oneOf": [TEXT, {"enum": [None]}]}), gives(OR_NULL)),
    (gives({"oneOf": [TEXT | {"enum": ["a"]}, {"enum": [""]}]}), gives(TEXT | {"enum": ["a", ""]})),
    (side({"security": [{"cookie": []}, {}]}, SCHEMES), side({})),
    (side(asks(name="id", **{"in": "path"})), side(asks(name="pk", **{"in": "path"}), path="/things/{pk}/")),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_what_no_client_can_notice_is_no_change(old, new):
    assert rules(old, new) == set()


def test_a_change_deep_inside_says_where():
    def of(price: Any) -> Any:
        return gives(thing(results={"type": "array", "items": thing(price=price)}))

    (change,) = compare(side(of(TEXT)), side(of(NUMBER)), {})
    assert (change.place, change.legacy, change.service) == ("200/results/*/price", "string", "integer")


def test_schemas_that_refer_to_themselves_come_to_an_end():
    def of(value: Any) -> Side:
        tree = {"schemas": {"Tree": thing(value=value, next={"$ref": "#/components/schemas/Tree"})}}
        return side(gives({"$ref": "#/components/schemas/Tree"}), tree)

    assert rules(of(TEXT), of(NUMBER), {"Tree": "Tree"}) == {"response-type-changed"}


@given(documents)
def test_a_document_does_not_differ_from_itself(document):
    kept = {name: name for name in document["components"]["schemas"]}
    for one in operations(document):
        assert [*compare(Side(one, document), Side(one, document), kept)] == []
