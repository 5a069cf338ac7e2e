"""What is written."""

from django.db import models


class Note(models.Model):
    """One successful request; whoever sent it knows the key."""

    key = models.CharField(max_length=40, unique=True)
