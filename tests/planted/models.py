"""What the shop sells, and who came to look and what they said."""

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=40)
    api_key = models.CharField(max_length=40)

    class Meta:
        app_label = "planted"


class Book(models.Model):
    title = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=6, decimal_places=2)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)

    class Meta:
        app_label = "planted"


class Visit(models.Model):
    said = models.CharField(max_length=40)

    class Meta:
        app_label = "planted"
