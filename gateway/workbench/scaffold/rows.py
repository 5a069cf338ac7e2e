"""Guesses the row that a path identifies, from the names of its parameters."""

from __future__ import annotations

import math
from typing import Any

from django.apps import apps
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import DecimalField, FloatField, IntegerField

from gateway.workbench.inventory import Endpoint

__all__ = ["guessed_row", "values_text"]

NAMES = ("pk", "id", "slug", "uuid")


def guessed_row(endpoint: Endpoint) -> tuple[Any, dict[str, str]]:
    """The model of the row, and its attributes in the path: by the name of a parameter (`product_pk`), or of the
    segment before it (`products/<slug:slug>/`). None if no model has such a name."""
    before = ""
    for segment in endpoint.template.strip("/").split("/"):
        for parameter in endpoint.parameters:
            if not segment.startswith(f"{{{parameter.name}"):
                continue
            stem, _, attribute = parameter.name.rpartition("_")
            named, attribute = (stem, attribute) if attribute in NAMES and stem else (before, parameter.name)
            if (model := _model(named)) is not None and (attribute in NAMES and _has(model, attribute)):
                return model, {parameter.name: f"row.{attribute}"}
        before = segment if "{" not in segment else before
    return None, {}


def values_text(model: Any) -> str:
    """Further arguments for `baker.make`: numbers that the fields' validators accept, which it doesn't consider."""
    found = []
    for field in model._meta.fields if model is not None else ():  # noqa: SLF001 - Django's manual has it
        limits = {
            type(one): one.limit_value
            for one in field.validators
            if isinstance(one, MinValueValidator | MaxValueValidator)
        }
        numeric = isinstance(field, IntegerField | DecimalField | FloatField) and not field.primary_key
        if numeric and not field.has_default() and limits and not any(map(callable, limits.values())):
            value = max(1, math.ceil(limits.get(MinValueValidator, 1)))
            found.append(f", {field.name}={min(value, math.floor(limits.get(MaxValueValidator, value)))}")
    return "".join(found)


def _model(name: str) -> Any:
    wanted = name.replace("_", "").replace("-", "").lower()
    singular = {wanted, wanted.removesuffix("s"), f"{wanted.removesuffix('ies')}y"}
    found = (model for model in apps.get_models() if model._meta.model_name in singular)  # noqa: SLF001 - Django's manual has it
    return next(found, None)


def _has(model: Any, attribute: str) -> bool:
    return attribute == "pk" or any(field.name == attribute for field in model._meta.fields)  # noqa: SLF001 - as above
