"""Who asks in a replay: users of the copied database, logged in as the project logs them in."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.conf import settings as active
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.backends import ModelBackend

from gateway.workbench.corpus import User
from gateway.workbench.replay.users import LoginError, Users

pytestmark = pytest.mark.django_db

MODEL = "django.contrib.auth.backends.ModelBackend"


class Refusing:
    """As AxesStandaloneBackend of django-axes: it only refuses logins."""

    def authenticate(self, request, **credentials):
        raise NotImplementedError


class Staff(ModelBackend):
    def get_user(self, user_id):
        found = super().get_user(user_id)
        return found if found is not None and found.is_staff else None


class Broken(ModelBackend):
    def get_user(self, user_id):
        raise RuntimeError("the directory is away")


def backend_of(kind):
    cookies = Users().login(User(kind)).cookies
    session = import_module(active.SESSION_ENGINE).SessionStore(cookies[active.SESSION_COOKIE_NAME])
    return session[BACKEND_SESSION_KEY]


def named(*kinds):
    return [f"{__name__}.{kind.__name__}" for kind in kinds]


@pytest.mark.parametrize("before", [Refusing, Broken, Staff])
def test_a_user_is_logged_in_by_the_first_backend_that_knows_them(settings, before):
    settings.AUTHENTICATION_BACKENDS = [*named(before), MODEL]
    assert backend_of("user") == MODEL


def test_another_user_may_be_by_another_backend(settings):
    settings.AUTHENTICATION_BACKENDS = [*named(Staff), MODEL]
    assert backend_of("staff") == named(Staff)[0]


def test_where_no_backend_knows_anybody_nobody_is_logged_in(settings):
    settings.AUTHENTICATION_BACKENDS = named(Refusing, Broken)
    with pytest.raises(LoginError, match="AUTHENTICATION_BACKENDS"):
        Users().login(User("user"))
