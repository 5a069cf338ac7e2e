"""Several documents become one: what callers get, under the names that they know."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.apidoc.alignment import resolved
from gateway.apidoc.merge import ServedOperation, merge
from gateway.apidoc.names import SourceDocument
from gateway.apidoc.operations import METHODS, Operation, operations
from gateway.apidoc.references import referenced, target


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def answers(schema: Any, **more: Any) -> dict[str, Any]:
    body = {"description": "", "content": {"application/json": {"schema": schema}}}
    return {"responses": {"200": body}, **more}


def path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}


def document(paths: dict[str, Any], **components: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": components},
    }


def merged(*sources: tuple[str, Any], gone: tuple[str, ...] = (), **more: Any) -> Any:
    """The document of these sources; `gone` are operations that the project serves no longer."""

    def serves(upstream: str, operation: Operation) -> ServedOperation | None:
        if upstream == "legacy":
            return None if operation.key in gone else ServedOperation("legacy")
        return ServedOperation("live", f"{upstream}-route")

    found = merge([SourceDocument(*source) for source in sources], serves, **more)
    OpenAPIV31SpecValidator(found).validate()
    return found


NUMBER, TEXT = {"type": "integer"}, {"type": "string"}


def ids(found: Any) -> dict[str, str]:
    return {one.key: one.content.get("operationId") for one in operations(found)}


# -- who serves what ----------------------------------------------------------------------------


def test_each_operation_says_who_serves_it_at_which_stage():
    found = merged(
        ("legacy", document({"/a": {"get": answers(TEXT)}})), ("new", document({"/b": {"get": answers(TEXT)}}))
    )
    a, b = found["paths"]["/a"]["get"], found["paths"]["/b"]["get"]
    assert (a["x-served-by"], a["x-migration-stage"], a.get("x-migration-route")) == ("legacy", "legacy", None)
    assert (b["x-served-by"], b["x-migration-stage"], b["x-migration-route"]) == ("new", "live", "new-route")


def test_an_operation_that_has_moved_is_the_services():
    legacy = document({"/a": {"get": answers(TEXT), "post": answers(TEXT)}})
    found = merged(("legacy", legacy), ("new", document({"/a": {"get": answers(NUMBER)}})), gone=("GET /a",))
    served = {method: one["x-served-by"] for method, one in found["paths"]["/a"].items()}
    assert served == {"get": "new", "post": "legacy"}


@pytest.mark.parametrize(("stage", "served_by"), [("canary", "legacy"), ("live", "new"), ("retired", "new")])
def test_where_both_serve_an_operation_its_stage_decides(stage, served_by):
    sources = [SourceDocument(name, document({"/a": {"get": answers(TEXT)}})) for name in ("legacy", "new")]
    found = merge(sources, lambda upstream, _: ServedOperation("legacy" if upstream == "legacy" else stage))
    assert found["paths"]["/a"]["get"]["x-served-by"] == served_by


def test_what_nobody_serves_is_not_there():
    legacy = document({"/a": {"get": answers(TEXT)}, "/b": {"get": answers(TEXT)}})
    assert [*merged(("legacy", legacy), gone=("GET /a",))["paths"]] == ["/b"]


def test_what_is_left_out_is_said():
    found = merged(("new", document({"/a": {"get": answers(TEXT)}})), notes=["the API of the Django project"])
    assert "- the API of the Django project" in found["info"]["description"]


# -- names that clients know --------------------------------------------------------------------


def test_a_moved_operation_keeps_its_id_its_tags_and_its_path_parameters():
    before = answers(TEXT, operationId="things_read", tags=["things"], parameters=[path_parameter("id")])
    after = answers(
        TEXT, operationId="thing_things__thing_id__get", tags=["new"], parameters=[path_parameter("thing_id")]
    )
    found = merged(
        ("legacy", document({"/things/{id}/": {"get": before}})),
        ("new", document({"/things/{thing_id}/": {"get": after}})),
        gone=("GET /things/{}/",),
    )
    operation = found["paths"]["/things/{id}/"]["get"]
    assert (operation["operationId"], operation["tags"]) == ("things_read", ["things"])
    assert [one["name"] for one in operation["parameters"]] == ["id"]


def test_components_of_a_moved_operation_take_the_names_of_those_whose_place_they_take():
    old_page, new_page = (thing(results={"type": "array", "items": ref(name)}) for name in ("Item", "ItemOut"))
    legacy = document({"/a": {"get": answers(ref("Page"))}}, Page=old_page, Item=thing(id=NUMBER))
    paths = {"/a": {"get": answers(ref("PageOf_ItemOut_"))}}
    new = document(paths, ItemOut=thing(id=NUMBER, name=TEXT), PageOf_ItemOut_=new_page)
    found = merged(("legacy", legacy), ("new", new), gone=("GET /a",))
    assert [*found["components"]["schemas"]] == ["Item", "Page"]
    assert found["components"]["schemas"]["Item"] == thing(id=NUMBER, name=TEXT)


def test_where_the_old_component_is_still_needed_the_moved_operation_keeps_the_name():
    legacy = document({"/a": {"get": answers(ref("Item")), "put": answers(ref("Item"))}}, Item=thing(id=NUMBER))
    new = document({"/a": {"get": answers(ref("Out"))}}, Out=thing(id=TEXT))
    found = merged(("legacy", legacy), ("new", new), gone=("GET /a",))
    assert found["components"]["schemas"] == {"Item": thing(id=TEXT), "Item_legacy": thing(id=NUMBER)}


def test_a_component_that_stands_for_two_old_ones_keeps_its_own_name():
    old = document({"/a": {"get": answers(thing(x=ref("A"), y=ref("B")))}}, A=thing(i=NUMBER), B=thing(j=NUMBER))
    new = document({"/a": {"get": answers(thing(x=ref("C"), y=ref("C")))}}, C=thing(i=NUMBER, j=NUMBER))
    assert [*merged(("legacy", old), ("new", new), gone=("GET /a",))["components"]["schemas"]] == ["C"]


# -- names that collide -------------------------------------------------------------------------


def test_two_components_of_one_name_are_told_apart_by_their_service():
    first = document({"/a": {"get": answers(ref("Item"))}}, Item=thing(id=NUMBER))
    second = document({"/b": {"get": answers(ref("Item"))}}, Item=thing(id=TEXT))
    found = merged(("stock", first), ("prices", second))
    assert found["components"]["schemas"] == {"Item": thing(id=NUMBER), "Item_prices": thing(id=TEXT)}
    assert resolved(
        found["paths"]["/b"]["get"]["responses"]["200"]["content"]["application/json"]["schema"], found
    ) == (thing(id=TEXT))


def test_two_components_that_differ_in_words_only_are_one():
    first = document({"/a": {"get": answers(ref("Item"))}}, Item=thing(id=NUMBER) | {"title": "Item"})
    second = document({"/b": {"get": answers(ref("Item"))}}, Item=thing(id={**NUMBER, "description": "its number"}))
    assert [*merged(("stock", first), ("prices", second))["components"]["schemas"]] == ["Item"]


@pytest.mark.parametrize(
    ("item", "other", "names"),
    [
        (thing(id=NUMBER), thing(id=NUMBER), ["Item", "Page"]),
        (thing(id=NUMBER), thing(id=TEXT), ["Item", "Item_prices", "Page", "Page_prices"]),
        (thing(parent=ref("Item")), thing(parent=ref("Item")), ["Item", "Page"]),  # which has no end
        (thing(page=ref("Page")), thing(page=ref("Page")), ["Item", "Page"]),
        (thing(page=ref("Page")), thing(page=ref("Item")), ["Item", "Item_prices", "Page", "Page_prices"]),
    ],
)
def test_two_components_are_one_where_what_they_refer_to_means_the_same(item, other, names):
    page = thing(results={"type": "array", "items": ref("Item")})
    first = document({"/a": {"get": answers(ref("Page"))}}, Page=page, Item=item)
    second = document({"/b": {"get": answers(ref("Page"))}}, Page=page, Item=other)
    assert sorted(merged(("stock", first), ("prices", second))["components"]["schemas"]) == names


def test_a_third_component_of_a_name_gets_a_number():
    documents = [document({f"/{name}": {"get": answers(ref("Item"))}}, Item=thing(**{name: TEXT})) for name in "abc"]
    documents[0]["paths"]["/a"]["put"] = answers(ref("Item_prices"))
    documents[0]["components"]["schemas"]["Item_prices"] = thing(d=TEXT)
    found = merged(("stock", documents[0]), ("prices", documents[1]))["components"]["schemas"]
    assert found == {"Item": thing(a=TEXT), "Item_prices": thing(d=TEXT), "Item_prices2": thing(b=TEXT)}


def test_a_property_called_title_is_no_annotation():
    first = document({"/a": {"get": answers(ref("Item"))}}, Item=thing(title=TEXT))
    second = document({"/b": {"get": answers(ref("Item"))}}, Item=thing(title=NUMBER))
    assert [*merged(("stock", first), ("prices", second))["components"]["schemas"]] == ["Item", "Item_prices"]


def test_a_reference_in_a_discriminator_is_renamed_with_its_component():
    far = "https://pets.example/dog.json"
    pet = {
        "oneOf": [ref("Cat")],
        "discriminator": {"propertyName": "kind", "mapping": {"c": ref("Cat")["$ref"], "d": "Cat", "e": far}},
    }
    first = document({"/a": {"get": answers(ref("Cat"))}}, Cat=thing(a=NUMBER))
    second = document({"/b": {"get": answers(ref("Pet"))}}, Pet=pet, Cat=thing(b=NUMBER))
    found = merged(("stock", first), ("pets", second))["components"]["schemas"]["Pet"]
    assert found["discriminator"]["mapping"] == {"c": ref("Cat_pets")["$ref"], "d": "Cat_pets", "e": far}


def test_data_that_looks_like_a_reference_is_left_alone():
    example = {"$ref": "#/components/schemas/Item"}
    first = document({"/a": {"get": answers(ref("Item"))}}, Item=thing(a=NUMBER))
    second = document(
        {"/b": {"get": answers(ref("Item"))}}, Item=thing(b=TEXT) | {"default": example, "examples": [example]}
    )
    renamed = merged(("stock", first), ("prices", second))["components"]["schemas"]["Item_prices"]
    assert (renamed["default"], renamed["examples"]) == (example, [example])


def test_a_tag_is_described_by_the_first_who_does():
    first, second = (document({path: {"get": answers(TEXT, tags=["items"])}}) for path in ("/a", "/b"))
    first["tags"] = [{"name": "items", "description": "the first"}]
    second["tags"] = [{"name": "items", "description": "the second"}, {"name": "more"}]
    found = merged(("stock", first), ("prices", second))["tags"]
    assert found == [{"name": "items", "description": "the first"}, {"name": "more"}]


def test_two_operations_of_one_id_are_told_apart():
    first, second = (document({path: {"get": answers(TEXT, operationId="list")}}) for path in ("/a", "/b"))
    assert ids(merged(("stock", first), ("prices", second))) == {"GET /a": "list", "GET /b": "list_prices"}


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another"])
def test_security_schemes_are_merged(same):
    def secured(path: str, name: str) -> Any:
        found = document({path: {"get": answers(TEXT, security=[{"key": []}])}})
        scheme = {"type": "apiKey", "in": "header", "name": name}
        return found | {"components": {"securitySchemes": {"key": scheme}}}

    found = merged(("stock", secured("/a", "X-Key")), ("prices", secured("/b", "X-Key" if same else "X-Other")))
    name = "key" if same else "key_prices"
    assert found["paths"]["/b"]["get"]["security"] == [{name: []}]
    assert sorted(found["components"]["securitySchemes"]) == sorted({"key", name})


def test_the_security_of_a_document_becomes_that_of_its_operations():
    found = document({"/a": {"get": answers(TEXT)}}) | {"security": [{"key": []}]}
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    assert merged(("stock", found))["paths"]["/a"]["get"]["security"] == [{"key": []}]


def test_parameters_of_a_path_become_those_of_its_operations():
    item = {"parameters": [path_parameter("id")], "get": answers(TEXT)}
    found = merged(("stock", document({"/a/{id}": item})))
    assert found["paths"]["/a/{id}"]["get"]["parameters"] == [path_parameter("id")]


# -- whatever the documents ---------------------------------------------------------------------

NAMES = ["Item", "Page", "Error"]
schemas = st.sampled_from([NUMBER, TEXT, *map(ref, NAMES)])
definitions = st.dictionaries(st.sampled_from(["id", "title", "next"]), schemas, max_size=2).map(
    lambda own: thing(**own)
)
paths = st.dictionaries(
    st.sampled_from(["/a", "/b/{x}", "/b/{y}/c"]), st.dictionaries(st.sampled_from(METHODS[:3]), schemas.map(answers))
)
documents = st.builds(
    lambda own, a, b, c: document(own, Item=a, Page=b, Error=c), paths, definitions, definitions, definitions
)


def expanded(part: Any, of: Any, depth: int = 4) -> Any:
    """`part` with references replaced by what they refer to, so deep."""
    if target(part) is not None:
        return expanded(resolved(part, of), of, depth - 1) if depth else None
    if isinstance(part, dict):
        return {key: expanded(value, of, depth) for key, value in part.items() if not key.startswith("x-")}
    return part


@given(documents, documents, documents, st.sets(st.sampled_from(["GET /a", "PUT /b/{}", "POST /b/{}/c"])))
def test_each_operation_means_what_it_did_and_is_there_once(legacy, first, second, gone):
    sources = {"legacy": legacy, "stock": first, "prices": second}

    def serves(upstream: str, operation: Operation) -> ServedOperation | None:
        return None if upstream == "legacy" and operation.key in gone else ServedOperation("live")

    found = merge([SourceDocument(*one) for one in sources.items()], serves)
    names = found["components"]
    for one in operations(found):
        source = sources[one.content["x-served-by"]]
        original = next(other for other in operations(source) if other.key == one.key)
        assert expanded(one.content["responses"], found) == expanded(original.content["responses"], source)
        assert all(reference.name in names[reference.section] for reference in referenced(one.content))
    there = [one.key for name, source in sources.items() for one in operations(source) if serves(name, one)]
    assert sorted(one.key for one in operations(found)) == sorted(set(there))


def test_a_security_scheme_of_both_halves_has_the_projects_name():
    def secured(name: str, text: str) -> Any:
        found = document({f"/{name}": {"get": answers(TEXT, security=[{name: []}])}})
        scheme = {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": text}
        return found | {"components": {"securitySchemes": {name: scheme}}}

    found = merged(("legacy", secured("cookieAuth", "one")), ("new", secured("Session", "another")))
    assert [*found["components"]["securitySchemes"]] == ["cookieAuth"]
    assert found["paths"]["/Session"]["get"]["security"] == [{"cookieAuth": []}]


def test_a_security_scheme_that_the_project_has_not_keeps_its_name():
    def secured(name: str, header: str) -> Any:
        found = document({f"/{name}": {"get": answers(TEXT, security=[{name: []}])}})
        return found | {"components": {"securitySchemes": {name: {"type": "apiKey", "in": "header", "name": header}}}}

    found = merged(("legacy", secured("token", "X-Token")), ("new", secured("key", "X-Key")))
    assert sorted(found["components"]["securitySchemes"]) == ["key", "token"]
    assert found["paths"]["/key"]["get"]["security"] == [{"key": []}]
