"""The Django app `gateway.control`."""

from django.apps import AppConfig

__all__ = ["ControlConfig"]


class ControlConfig(AppConfig):
    """The gateway inside the Django project: `manage.py gateway …`."""

    name = "gateway.control"
    label = "gateway_control"
    verbose_name = "Gateway"
    default_auto_field = "django.db.models.BigAutoField"
