"""What a FastAPI service uses of Django: the project's middleware, user, session, ORM.

Django's own objects are run, none is imitated. `gateway.bridge.bridge` puts a service inside the
project's MIDDLEWARE; the names below are for the service's own code.
"""

from gateway.bridge.auth import (
    CurrentUser,
    DjangoRequest,
    Messages,
    OptionalUser,
    Session,
    StaffUser,
    csrf_exempt,
    require_perm,
)
from gateway.bridge.calling import django_view
from gateway.bridge.orm import atomic, in_django
from gateway.bridge.rollback import all_in_transaction

__all__ = [
    "CurrentUser",
    "DjangoRequest",
    "Messages",
    "OptionalUser",
    "Session",
    "StaffUser",
    "all_in_transaction",
    "atomic",
    "csrf_exempt",
    "django_view",
    "in_django",
    "require_perm",
]
