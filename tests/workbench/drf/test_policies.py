"""What a view of REST framework's goes by, and what its document says, as far as either can be told."""

from __future__ import annotations

import sys
from typing import Any

from rest_framework import serializers
from rest_framework.generics import GenericAPIView

from gateway.workbench.drf.document import PLACE, DocumentedSchema
from gateway.workbench.drf.documented import api_document
from gateway.workbench.drf.policies import fields_of, policies_of


class Demanding(serializers.Serializer):
    """One that can't be made without a request."""

    def get_fields(self) -> Any:
        return {"tenant": self.context["request"].tenant}


def test_a_view_that_names_no_serializer_has_none_and_that_is_no_note():
    found = policies_of(GenericAPIView, None, {}, "GET")
    assert (found.serializer, found.fields, found.notes) == (None, 0, ())


def test_fields_that_need_a_request_are_not_counted():
    assert fields_of(Demanding) == (0, 0)


# -- the project's document -------------------------------------------------------------------------


def test_without_drf_spectacular_there_is_no_document(monkeypatch):
    monkeypatch.setitem(sys.modules, "drf_spectacular.settings", None)
    assert api_document() is None


def test_a_document_that_cant_be_made_says_why(monkeypatch):
    def failing() -> Any:
        raise LookupError("tenant")

    monkeypatch.setattr("gateway.workbench.drf.documented.generator", failing)
    found = api_document()
    assert found is not None
    assert (found.operations, found.notes) == ({}, ("drf-spectacular made no document: LookupError: tenant",))


def test_a_component_that_is_not_there_has_no_name():
    schema = {"allOf": [{"$ref": f"{PLACE}Gone"}, {"$ref": f"{PLACE}Thing"}]}
    assert DocumentedSchema(schema, {"Thing": {"type": "object"}}).name == "Thing"
    assert DocumentedSchema(schema, {}).name is None
