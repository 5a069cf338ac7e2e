"""The user in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.utils.translation import gettext_lazy as _

from .models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # generic for type checkers only
    """Django's own user admin, with the shop's fields."""

    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (_("Delivery"), {"fields": ("address",)}))
    add_fieldsets = (*DjangoUserAdmin.add_fieldsets, (None, {"classes": ("wide",), "fields": ("email",)}))
