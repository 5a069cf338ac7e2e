"""Who asks in a replay: users of the copied database, logged in as the project logs them in."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.conf import settings as active
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.db import connection

from gateway.workbench.corpus import User
from gateway.workbench.replay.users import CSRF, LoginError, Users

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


def test_a_project_that_keeps_the_csrf_token_in_the_session_gets_it_there(settings):
    settings.CSRF_USE_SESSIONS = True
    cookies = Users().login(User("user")).cookies
    assert [*cookies] == [settings.SESSION_COOKIE_NAME]
    session = import_module(active.SESSION_ENGINE).SessionStore(cookies[settings.SESSION_COOKIE_NAME])
    assert session["_csrftoken"] == CSRF


def test_a_user_who_was_made_once_is_made_no_more():
    users = Users()
    get_user_model().objects.all().delete()
    assert users.login(User("staff")).user == users.login(User("staff", "staff-3f2a91")).user
    assert [user.is_staff for user in get_user_model().objects.all()] == [True]


def test_a_project_without_users_logs_nobody_in(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "django.contrib.auth"]
    assert Users().login(User()).user is None
    with pytest.raises(LoginError, match=r"no django\.contrib\.auth"):
        Users().login(User("user"))


def test_what_the_project_says_of_a_user_that_can_not_be_made_is_the_reason(monkeypatch):
    def refused(*_, **__):
        raise ValidationError("a user needs a company")

    get_user_model().objects.all().delete()
    monkeypatch.setattr(get_user_model(), "save", refused)
    with pytest.raises(LoginError, match="there is no staff in the database, and none can be made: ValidationError"):
        Users().login(User("staff"))


def test_a_table_of_users_that_can_not_be_read_is_the_reason():
    connection.cursor().execute("ALTER TABLE accounts_user RENAME TO gone")
    with pytest.raises(LoginError, match=r"no user of accounts\.User can be found"):
        Users().login(User("user"))


def test_where_no_backend_knows_anybody_nobody_is_logged_in(settings):
    settings.AUTHENTICATION_BACKENDS = named(Refusing, Broken)
    with pytest.raises(LoginError, match="AUTHENTICATION_BACKENDS"):
        Users().login(User("user"))
