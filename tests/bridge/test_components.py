"""Names of components that a model chooses: those that clients of the project's own document know."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from gateway.bridge.drf.openapi.named import component, marking, with_component_names

SIZES = Literal["s", "m"]


class Taken(BaseModel):
    model_config = {"json_schema_extra": component("Thing")}
    name: str
    secret: str


class Given(BaseModel):
    model_config = {"json_schema_extra": component("Thing")}
    name: str
    number: int


class Chosen(BaseModel):
    size: SIZES = Field(json_schema_extra=component("SizeEnum"))
    sizes: list[SIZES] = Field(json_schema_extra=component("SizesEnum"))
    optional: SIZES | None = Field(json_schema_extra=component("OptionalEnum", null="NullEnum"))
    blank: Literal["s", ""] = Field(json_schema_extra=component("BlankEnum", blank="BlankValue"))
    in_place: Literal["s", ""] | None = Field(json_schema_extra=component("PlaceEnum"))
    text: str = Field(json_schema_extra=component("TextEnum"))


def document(taken: Any, given: Any) -> dict[str, Any]:
    app = FastAPI()

    def post(body: Any) -> Any:
        raise NotImplementedError

    post.__annotations__ = {"body": taken, "return": given}
    app.post("/things/")(post)
    with marking():
        return with_component_names(app.openapi())


def properties(schema: Any) -> dict[str, Any]:
    return {name: {key: value for key, value in one.items() if key != "title"} for name, one in schema.items()}


def test_a_request_and_a_response_of_one_name_are_one_component():
    thing = document(Taken, Given)["components"]["schemas"]["Thing"]
    assert properties(thing["properties"]) == {
        "name": {"type": "string"},
        "number": {"type": "integer", "readOnly": True},
        "secret": {"type": "string", "writeOnly": True},
    }


REFERENCE = "#/components/schemas/"
CHOICES = {
    "size": {"$ref": f"{REFERENCE}SizeEnum"},
    "sizes": {"type": "array", "items": {"$ref": f"{REFERENCE}SizesEnum"}},
    "optional": {"oneOf": [{"$ref": f"{REFERENCE}OptionalEnum"}, {"$ref": f"{REFERENCE}NullEnum"}]},
    "blank": {"oneOf": [{"$ref": f"{REFERENCE}BlankEnum"}, {"$ref": f"{REFERENCE}BlankValue"}]},
    "text": {"type": "string"},
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_a_component_of_their_own(name):
    chosen = document(Chosen, None)["components"]["schemas"]["Chosen"]
    assert properties(chosen["properties"])[name] == CHOICES[name]


def test_components_of_choices_have_no_blank_and_no_null():
    schemas = document(Chosen, None)["components"]["schemas"]
    assert schemas["OptionalEnum"]["enum"] == ["s", "m"]
    assert schemas["BlankEnum"]["enum"] == schemas["PlaceEnum"]["enum"] == ["s"]
    assert "TextEnum" not in schemas


def test_blank_and_null_without_a_name_stay_in_place():
    chosen = document(Chosen, None)["components"]["schemas"]["Chosen"]["properties"]["in_place"]
    [reference, *others] = chosen["oneOf"]
    assert reference == {"$ref": f"{REFERENCE}PlaceEnum"}
    assert {"type": "null"} in others
    assert len(others) == 2


def test_a_services_own_document_has_no_marks():
    assert "component" not in str(Chosen.model_json_schema())
    assert "component" not in str(Taken.model_json_schema())


def test_a_document_without_components_stays_without():
    assert "components" not in with_component_names({"openapi": "3.1.0", "paths": {}})
