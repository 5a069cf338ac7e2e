"""Django's forms as models, and what a view without REST framework reads."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
from django import forms
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from gateway.workbench.inventory import find
from gateway.workbench.scaffold.django_router import DjangoViews, asked_of_view, methods
from gateway.workbench.scaffold.forms import form_body, form_model, query_of
from gateway.workbench.scaffold.module import module_text
from legacy.shop.models import Category


class Asked(forms.Form):
    name = forms.CharField(max_length=5)
    note = forms.CharField(required=False)
    agreed = forms.BooleanField()
    news = forms.BooleanField(required=False)
    colour = forms.ChoiceField(choices=[("", "none"), ("red", "Red")])
    sizes = forms.MultipleChoiceField(choices=[("s", "S"), ("l", "L")])
    number = forms.IntegerField(min_value=3, max_value=9)
    price = forms.DecimalField(required=False)
    day = forms.DateField()
    paper = forms.FileField(required=False)
    category = forms.ModelChoiceField(Category.objects.all())

    def clean_name(self) -> Any:
        return self.cleaned_data["name"].upper()


def model_of(form: Any) -> tuple[Any, list[str]]:
    """The model, and what is to do about it."""
    todos: list[str] = []
    text = module_text("The form.", form_model(form, todos))
    module = types.ModuleType("form_of_a_test")
    sys.modules[module.__name__] = module
    exec(compile(text, module.__name__, "exec"), module.__dict__)  # noqa: S102 - it is what we wrote
    return getattr(module, form.__name__), todos


def test_a_form_is_a_model_with_the_same_fields_and_limits():
    model, _ = model_of(Asked)
    schema = model.model_json_schema()
    kinds = {name: one.get("type") for name, one in schema["properties"].items()}
    assert schema["required"] == ["name", "agreed", "colour", "sizes", "number", "day", "category"]
    assert [kinds[name] for name in ("agreed", "sizes", "number", "colour")] == [
        "boolean",
        "array",
        "integer",
        "string",
    ]
    assert schema["properties"]["news"]["default"] is False
    assert (schema["properties"]["number"]["minimum"], schema["properties"]["number"]["maximum"]) == (3, 9)
    assert schema["properties"]["name"]["maxLength"] == 5


def test_what_a_model_does_not_check_is_to_do():
    _, todos = model_of(Asked)
    assert todos == [
        "Asked.paper: FileField is read as text",
        "Asked.category: ModelChoiceField is read as text",
        "Asked.clean_name is not asked",
    ]


def test_a_body_has_a_value_that_each_field_takes():
    body = eval(form_body([Asked]))  # noqa: S307 - it is what we wrote
    assert not {*Asked(body).errors} & {"name", "note", "agreed", "news", "colour", "number", "price", "day"}
    assert (body["colour"], body["number"], body["agreed"]) == ("red", "3", "on")


# -- views ------------------------------------------------------------------------------------------


def searching(request: Any) -> Any:
    name, page = request.GET["name"], request.GET.get("page")
    more = request.GET.getlist("more") + request.GET.getlist("not-a-name") + request.headers.get("x-a", [])
    return HttpResponse(f"{name} {page} {more} {request.GET.get(name)} {request.META['A']}")


@csrf_exempt
def asking(request: Any) -> Any:
    form = Asked(request.POST)
    return HttpResponse(str(form.is_valid()))


def again(request: Any) -> Any:
    return HttpResponse(str(Asked(request.POST).is_valid()))


urlpatterns = [
    path("search/", searching),
    path("ask/", asking),
    path("again/", again),
]


@pytest.fixture(autouse=True)
def urlconf(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def test_query_parameters_are_those_that_the_view_reads():
    assert query_of(searching) == ["name", "page", "more"]
    assert asked_of_view(find("/search/"), "GET").queries == ("name", "page", "more")


MADE_ELSEWHERE = {
    "view": lambda request: HttpResponse(request.GET["name"]),
}


def test_a_view_that_is_part_of_a_line_reads_nothing_that_is_known():
    assert query_of(MADE_ELSEWHERE["view"]) == []


def test_a_view_that_reads_a_form_takes_get_and_post():
    assert methods(find("/ask/")) == ["GET", "POST"]
    assert methods(find("/search/")) == ["GET"]


def test_a_view_without_csrf_is_one_still_and_its_form_is_a_model_once():
    views = DjangoViews([find("/ask/"), find("/again/")], rewrite=True)
    text = module_text("The endpoints.", views.text(), exported=["router"])
    assert text.count("class Asked(BaseModel):") == 1
    assert text.count("@csrf_exempt\nasync def") + text.count("@csrf_exempt\ndef") == 2  # GET and POST of the first
    assert [todo for todo in views.todos if todo.startswith(__name__)] == [f"{__name__}.asking", f"{__name__}.again"]


def test_two_forms_of_one_view_are_asked_for_once():
    views = DjangoViews([find("/ask/"), find("/ask/")], rewrite=True)
    assert views.text().count("class Asked(") == 1
    assert [todo for todo in views.todos if todo.startswith(__name__)] == [f"{__name__}.asking"]
