"""The shop as it is: the same below every path that a service is to take over."""

from django.urls import path
from rest_framework import serializers
from rest_framework.generics import CreateAPIView, ListAPIView, RetrieveAPIView
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.planted.models import Book, Visit


class BookSerializer(serializers.ModelSerializer):
    author = serializers.CharField(source="author.name", read_only=True)

    class Meta:
        model = Book
        fields = ["id", "title", "price", "author"]


class VisitSerializer(serializers.ModelSerializer):
    said = serializers.CharField(max_length=10)

    class Meta:
        model = Visit
        fields = ["said"]


class Books(ListAPIView):
    queryset = Book.objects.select_related("author").order_by("pk")
    serializer_class = BookSerializer


class OneBook(RetrieveAPIView):
    queryset = Book.objects.select_related("author")
    serializer_class = BookSerializer


class Visits(CreateAPIView):
    permission_classes = [IsAuthenticated]
    serializer_class = VisitSerializer


class Sales(APIView):
    permission_classes = [IsAdminUser]

    def get(self, request, **kwargs):
        return Response({"sold": Book.objects.count()})


urlpatterns = [
    path("<stage>/<bug>/books/", Books.as_view()),
    path("<stage>/<bug>/books/<int:pk>/", OneBook.as_view()),
    path("<stage>/<bug>/visits/", Visits.as_view()),
    path("<stage>/<bug>/sales/", Sales.as_view()),
]
