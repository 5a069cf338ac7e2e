"""The project's user."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A customer or a member of staff."""

    email = models.EmailField(_("e-mail address"), unique=True)
    address = models.TextField(_("address"), blank=True, help_text=_("Where your orders are sent."))
