"""Users of the copied database, found by the recorded kind and key, and their logins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any
from zlib import crc32

from django.apps import apps
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.core.exceptions import FieldError, ValidationError
from django.db import Error
from django.middleware.csrf import CSRF_SESSION_KEY

from gateway.workbench.corpus import User
from gateway.workbench.database import has_field
from gateway.workbench.replay.task import ANOTHER

__all__ = ["CSRF", "Login", "LoginError", "Users"]

CSRF = "gatewayreplay".ljust(
    32, "0"
)  # CSRF_SECRET_LENGTH characters of CSRF_ALLOWED_CHARS: valid as cookie and as header
CHOICE = 50  # users from which one is chosen
FLAGS = {"user": (False, False), "staff": (True, False), "superuser": (True, True)}


class LoginError(LookupError):
    """No user of the required kind can be logged in. The message says why."""


@dataclass(frozen=True)
class Login:
    """A user who is logged in, None if anonymous; `cookies` are a browser's."""

    user: Any
    cookies: dict[str, str]


class Users:
    """The users of the copied database. Must be used on one thread, without a running event loop."""

    def __init__(self) -> None:
        self._logins: dict[object, Login] = {}
        self._found: dict[tuple[User, str | None], Login] = {}
        self._made: dict[str, Any] = {}

    def login(self, user: User, acting: str | None = None) -> Login:
        """A login for a recorded user; `acting` ANOTHER: as another user of the same kind. Raises LoginError."""
        if (found := self._found.get((user, acting))) is None:
            found = self._found[user, acting] = self._login(self._chosen(user, acting))
        return found

    def _login(self, user: Any) -> Login:
        key = None if user is None else user.pk
        if key not in self._logins:
            self._logins[key] = Login(user, dict(_cookies(user)))
        return self._logins[key]

    def _chosen(self, user: User, acting: str | None) -> Any:
        if user.kind == "anonymous":
            return None
        if not apps.is_installed("django.contrib.auth"):
            raise LoginError("the project has no django.contrib.auth")
        known = None if user.ref is None else self._by_key(user.ref)
        if acting == ANOTHER:
            others = [other for other in self._of_kind(user.kind) if known is None or other.pk != known.pk]
            return others[0] if others else self._new(user.kind)
        if known is not None:
            return known
        choice = self._of_kind(user.kind)
        if not choice:
            return self._new(user.kind)
        return choice[0 if user.ref is None else crc32(user.ref.encode()) % len(choice)]

    def _by_key(self, key: str) -> Any:
        with suppress(ValueError, ValidationError, self._model.DoesNotExist, Error):
            return self._model._default_manager.get(pk=key)  # noqa: SLF001 - Django documents it
        return None

    def _of_kind(self, kind: str) -> list[Any]:
        staff, superuser = FLAGS[kind]
        wanted = {"is_active": True, "is_staff": staff, "is_superuser": superuser}
        try:
            return [*self._model._default_manager.filter(**self._of_fields(wanted)).order_by("pk")[:CHOICE]]  # noqa: SLF001 - as above
        except (FieldError, Error) as exc:
            raise LoginError(f"no {kind} of {self._model._meta.label} can be found: {exc}") from exc  # noqa: SLF001

    def _new(self, kind: str) -> Any:
        """A new user of this kind, in the copy."""
        if kind not in self._made:
            staff, superuser = FLAGS[kind]
            flags = {"is_active": True, "is_staff": staff, "is_superuser": superuser}
            name = {self._model.USERNAME_FIELD: self._valid(self._model.USERNAME_FIELD, kind)}
            required = {field: self._valid(field, kind) for field in self._model.REQUIRED_FIELDS}
            try:
                user = self._model(**(name | required | self._of_fields(flags)))
                user.set_unusable_password()
                user.save()
            except (TypeError, ValueError, ValidationError, Error) as exc:
                why = f"there is no {kind} in the database, and none can be made: {type(exc).__name__}: {exc}"
                raise LoginError(why) from exc
            self._made[kind] = user
        return self._made[kind]

    def _valid(self, field: str, kind: str) -> Any:
        mail = "email" in field or getattr(self._model, "EMAIL_FIELD", None) == field
        return f"gateway-replay-{kind}@example.com" if mail else f"gateway-replay-{kind}"

    def _of_fields(self, values: Mapping[str, object]) -> dict[str, object]:
        """Those `values` for which the model has a field."""
        return {name: value for name, value in values.items() if has_field(self._model, name)}

    @cached_property
    def _model(self) -> Any:
        return get_user_model()


def _cookies(user: Any) -> Iterator[tuple[str, str]]:
    """The cookies of a browser in which this user is logged in; None: nobody."""
    if not settings.CSRF_USE_SESSIONS:
        yield settings.CSRF_COOKIE_NAME, CSRF
    if user is not None and apps.is_installed("django.contrib.sessions"):
        session: Any = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = user._meta.pk.value_to_string(user)  # noqa: SLF001 - Django documents it
        session[BACKEND_SESSION_KEY] = _backend_of(user)
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session[CSRF_SESSION_KEY] = CSRF  # for CSRF_USE_SESSIONS
        session.save()
        yield settings.SESSION_COOKIE_NAME, session.session_key


def _backend_of(user: Any) -> str:
    """The first authentication backend that knows this user, as for a login. Some only refuse logins, and know nobody
    (django-axes). Raises LoginError when there is none."""
    for path in settings.AUTHENTICATION_BACKENDS:
        get_user = getattr(load_backend(path), "get_user", None)
        with suppress(Exception):  # a backend of the project
            if get_user is not None and get_user(user.pk) is not None:
                return str(path)
    raise LoginError(f"none of AUTHENTICATION_BACKENDS knows user {user.pk}: nobody can be logged in")
