"""Values for the parameters of a path, so that a request that nobody recorded finds rows that are there."""

from __future__ import annotations

import pytest
from django.db.models import Model
from django.urls import path
from django.views.generic import DetailView
from model_bakery import baker
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from gateway.workbench.replay.path_values import PathValues, model_called
from gateway.workbench.replay.path_values import values as read_values
from legacy.accounts.models import User
from legacy.shop.models import Category, Order, OrderLine, Product, Review

pytestmark = pytest.mark.django_db


class Orders(RetrieveAPIView):
    queryset = Order.objects.all()
    lookup_url_kwarg = "order"


class Lines(ListAPIView):
    queryset = OrderLine.objects.all()


class Line(RetrieveAPIView):
    queryset = OrderLine.objects.all()


class ReviewSerializer(ModelSerializer):
    class Meta:
        model = Review
        fields = ("id",)


class Reviews(RetrieveAPIView):
    """Whose rows are the caller's, so that nobody can tell without one."""

    serializer_class = ReviewSerializer

    def get_queryset(self):
        return Review.objects.filter(author=self.request.user)


class Categories(RetrieveAPIView):
    lookup_field = "slug"

    def get_queryset(self):
        return Category.objects.all()


class Page(DetailView):
    model = Category
    slug_url_kwarg = "name"


class Elsewhere(Model):
    """Whose table there is not."""

    class Meta:
        app_label = "elsewhere"
        managed = False


class Stored(DetailView):
    model = Elsewhere


urlpatterns = [
    path("orders/<int:order>/", Orders.as_view()),
    path("orders/<int:order>/lines/", Lines.as_view()),
    path("orders/<int:order>/lines/<int:pk>/", Line.as_view()),
    path("reviews/<int:pk>/", Reviews.as_view()),
    path("categories/<slug:slug>/", Categories.as_view()),
    path("pages/<slug:name>/", Page.as_view()),
    path("done/<int:product_id>/", APIView.as_view()),
    path("lines/<int:orderline_id>/by/<int:review_id>/", APIView.as_view()),
    path("stored/<int:pk>/", Stored.as_view()),
    path("deep/<int:a>/<int:b>/<int:c>/<int:d>/<int:e>/", APIView.as_view()),
    path("orders/<int:order>/files/<uuid:file>/", APIView.as_view()),
]


@pytest.fixture(autouse=True)
def rows(settings):
    settings.ROOT_URLCONF = __name__
    product = baker.make(Product, category=baker.make(Category, slug="books"))
    orders = [baker.make(Order, customer=baker.make(User)) for _ in range(2)]
    for order in reversed(orders):
        baker.make(OrderLine, order=order, product=product, quantity=1)
    baker.make(Review, product=product, author=baker.make(User), rating=3)


def keys(model, field="pk"):
    return [*model.objects.order_by("pk").values_list(field, flat=True)]


@pytest.mark.parametrize(
    ("template", "name", "expected"),
    [
        ("/orders/{order}/", "order", (Order, "pk")),
        ("/orders/{id}/", "id", (Order, "pk")),  # as an API document calls it
        ("/orders/{order}/lines/", "order", (Order, "pk")),  # the view's rows are lines
        ("/reviews/{pk}/", "pk", (Review, "pk")),
        ("/categories/{slug}/", "slug", (Category, "slug")),
        ("/pages/{name}/", "name", (Category, "slug")),
        ("/done/{product_id}/", "product_id", (Product, "pk")),
        ("/nowhere/{product_id}/", "product_id", (Product, "pk")),
        ("/orders/{order}/files/{file}/", "order", (Order, "pk")),
    ],
)
def test_a_parameter_names_rows_as_the_view_says_or_its_name_does(template, name, expected):
    values = PathValues(template)
    assert {values.next()[name] for _ in range(4)} == {*keys(*expected)}


def test_the_row_belongs_to_the_one_before_it():
    values = PathValues("/orders/{order}/lines/{pk}/")
    found = {(given["order"], given["pk"]) for given in (values.next(), values.next())}
    assert found == {(line.order_id, line.pk) for line in OrderLine.objects.all()}
    assert values.filled() == "/orders/{}/lines/{}/".format(
        *OrderLine.objects.order_by("pk").values_list("order", "pk")[0]
    )


def test_what_nothing_is_known_of_is_left_to_whoever_makes_requests():
    values = PathValues("/orders/{order}/files/{file}/")
    assert [*values.next()] == ["order"]
    assert values.filled() is None
    assert values.example == "/orders/1/files/00000000-0000-4000-8000-000000000000/"


@pytest.mark.parametrize(
    ("name", "model"), [("product", Product), ("order_line", OrderLine), ("Categories", Category), ("price", None)]
)
def test_a_field_is_called_after_a_model(name, model):
    assert model_called(name) is model


def test_rows_that_have_nothing_to_do_with_each_other_are_taken_in_turn():
    values = PathValues("/lines/{orderline_id}/by/{review_id}/")
    found = [values.next() for _ in range(2)]
    assert {given["orderline_id"] for given in found} == {keys(OrderLine)[0]}
    assert {given["review_id"] for given in found} == {*keys(Review)}


def test_a_table_that_can_not_be_read_has_no_values():
    assert PathValues("/stored/{pk}/").next() == {}
    assert PathValues("/stored/{pk}/").filled() is None
    assert read_values(Elsewhere, "pk") == []


@pytest.mark.parametrize(
    ("template", "example"),
    [
        ("/deep/{a}/{b}/{c}/{d}/{e}/", "/deep/1/1/1/1/1/"),
        ("/deep/{a}/{b}/{c}/{d}/{e}/{f}/", "/deep/{a}/{b}/{c}/{d}/{e}/{f}/"),  # no URL is like this
    ],
)
def test_of_a_path_of_many_parameters_only_equal_values_are_tried(template, example):
    assert PathValues(template).example == example


def test_values_are_as_json_and_paths_have_them():
    assert read_values(Product, "pk") == keys(Product)
    assert read_values(Product, "price") == [str(price) for price in keys(Product, "price")]
