"""What Django keeps to itself, as each function of `gateway.compat.django` takes it to be."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from io import BytesIO
from itertools import count
from unittest import mock

import django
import pytest
from django.conf import settings
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished
from django.db import connections
from django.db.transaction import Atomic, atomic, non_atomic_requests, on_commit
from django.dispatch import Signal
from django.http import HttpResponse, StreamingHttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.test import AsyncClient, RequestFactory, override_settings
from django.urls import Resolver404, ResolverMatch, clear_script_prefix, get_resolver, is_valid_path, path, resolve
from django.urls.base import set_script_prefix
from django.utils.functional import SimpleLazyObject
from django.views import View
from django.views.decorators.http import require_GET, require_http_methods

from gateway.compat.django import (
    allow_durable_inside,
    asgi_application_around,
    async_source,
    check_csrf,
    finish_as,
    forget_lazy,
    forget_non_atomic,
    forget_settings,
    function_path,
    has_files,
    loaded,
    loaded_as,
    methods_required,
    non_atomic_aliases,
    replace_resolve,
    replace_send,
    resolver_of,
    session_data,
    set_body,
    settings_in_force,
    take_body,
    unsaved,
    wsgi_application_around,
)


def view(request):
    return HttpResponse()


# -- handlers -------------------------------------------------------------------------------------


class Handler(BaseHandler):
    """A handler of one's own."""


def test_django_loads_what_is_made_of_each_entry_of_middleware(settings):
    def make(entry, middleware):
        made.append(entry)
        return lambda get_response: lambda request: HttpResponse(entry)

    made: list[str] = []
    handler = Handler()
    with loaded_as(make):
        handler.load_middleware()

    assert made == [*reversed(settings.MIDDLEWARE)]
    assert handler.get_response(RequestFactory().get("/")).content.decode() == settings.MIDDLEWARE[0]


@pytest.mark.parametrize("around", [wsgi_application_around, asgi_application_around])
def test_djangos_functions_give_the_handler_that_was_made_and_set_nothing_up_again(around, monkeypatch):
    monkeypatch.setattr(django, "setup", mock.Mock(side_effect=AssertionError("set up twice")))
    handler = Handler()

    assert around(lambda: handler) is handler


# -- requests and responses -----------------------------------------------------------------------


def test_a_body_is_read_to_its_end_whatever_length_the_client_said():
    environ = RequestFactory()._base_environ(REQUEST_METHOD="POST", CONTENT_LENGTH="2")
    request = WSGIRequest(environ)

    set_body(request, BytesIO(b"whole"))

    assert request.body == b"whole"


@pytest.mark.anyio
async def test_the_body_that_an_asynchronous_client_sends():
    async def answer(scope):
        bodies.extend([take_body(scope).read(), take_body(scope)])
        raise ConnectionError

    bodies: list[bytes | None] = []
    client = AsyncClient()
    client.handler = answer
    with pytest.raises(ConnectionError):
        await client.post("/", b"sent", content_type="text/plain")

    assert bodies == [b"sent", None]


def test_a_request_has_files_once_somebody_has_looked():
    request = RequestFactory().post("/", {"file": SimpleUploadedFile("a.txt", b"abc")})
    assert not has_files(request)

    assert request.FILES["file"].name == "a.txt"

    assert has_files(request)
    assert not has_files(None)


@pytest.mark.parametrize(("check", "status"), [(True, 403), (False, None)])
def test_whether_a_token_is_looked_for(check, status):
    request = RequestFactory().post("/")

    check_csrf(request, check=check)

    refusal = CsrfViewMiddleware(view).process_view(request, view, (), {})
    assert getattr(refusal, "status_code", None) == status


@pytest.mark.django_db  # a request begins with a look at the connections that are open
def test_request_finished_comes_from_the_handler_that_was_named():
    def note(sender, **_):
        senders.append(sender)

    senders: list[object] = []
    response = HttpResponse()
    finish_as(response, Handler)
    request_finished.connect(note)
    try:
        response.close()
    finally:
        request_finished.disconnect(note)

    assert senders == [Handler]


@pytest.mark.anyio
async def test_the_iterator_of_an_asynchronous_stream_can_be_closed():
    async def parts():
        try:
            yield b"a"
            yield b"b"
        finally:
            ended.append(True)

    ended: list[bool] = []
    response = StreamingHttpResponse(parts())
    async for _ in response:
        break
    await async_source(response).aclose()

    assert ended == [True]


# -- lazy objects and settings --------------------------------------------------------------------


def test_what_a_lazy_object_stands_for_once_somebody_has_asked():
    lazy = SimpleLazyObject(lambda: "loaded")
    assert loaded(lazy) is None

    assert lazy == "loaded"

    assert loaded(lazy) == "loaded"
    assert type(loaded(lazy)) is str
    assert loaded("not lazy") == "not lazy"


def test_a_lazy_object_that_is_forgotten_is_made_again():
    lazy = SimpleLazyObject(partial(next, count(1)))
    assert (lazy == 1, lazy == 1) == (True, True)

    forget_lazy(lazy)

    assert lazy == 2


def test_a_setting_that_is_forgotten_is_worked_out_again():
    with override_settings(MEDIA_URL="media/"):
        try:
            assert settings.MEDIA_URL == "/media/"
            set_script_prefix("/below/")
            assert settings.MEDIA_URL == "/media/"

            forget_settings("MEDIA_URL", "A_SETTING_THAT_NOBODY_HAS_ASKED_FOR")

            assert settings.MEDIA_URL == "/below/media/"
        finally:
            clear_script_prefix()
            forget_settings("MEDIA_URL")


def test_the_settings_in_force_are_the_projects_with_what_overrides_and_deletes_them():
    before = settings_in_force()
    with override_settings(ROOT_URLCONF="outer", OUTER=1), override_settings(OUTER=2):
        del settings.ROOT_URLCONF
        with mock.patch.object(settings, "USE_TZ", "patched"):
            inside = settings_in_force()

    assert before["ROOT_URLCONF"] == settings.ROOT_URLCONF
    assert "ROOT_URLCONF" not in inside
    assert (inside["OUTER"], inside["USE_TZ"]) == (2, "patched")
    assert settings_in_force() == before


def test_the_settings_in_force_are_as_whoever_asks_finds_them():
    worked_out = {"MEDIA_URL", "STATIC_URL"}  # with the path that the site is served under
    found = {name: value for name, value in settings_in_force().items() if name not in worked_out}

    assert found == {name: getattr(settings, name, value) for name, value in found.items()}  # some are withheld
    assert {"DATABASES", "INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF"} <= set(found)


# -- views and URLs -------------------------------------------------------------------------------


class Page(View):
    """A class-based view."""


@pytest.mark.parametrize(("function", "name"), [(view, "view"), (Page.as_view(), "Page")])
def test_the_name_of_the_view_that_a_path_leads_to(function, name):
    assert function_path(resolve("/here/", (path("here/", function),))) == f"{__name__}.{name}"


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


@pytest.mark.usefixtures("atomic_requests")
def test_django_makes_no_view_atomic_that_is_marked_until_the_mark_is_forgotten():
    def marked(request):
        raise NotImplementedError

    non_atomic_requests(using="default")(marked)
    assert non_atomic_aliases(marked) == {"default"}
    assert Handler().make_view_atomic(marked) is marked

    forget_non_atomic(marked)

    assert non_atomic_aliases(marked) == set()
    assert Handler().make_view_atomic(marked) is not marked


async def async_view(request):
    return HttpResponse()


@pytest.mark.parametrize("around", [view, async_view])
def test_the_methods_that_a_decorator_lets_through(around):
    assert methods_required(around) is None
    assert methods_required(require_GET(around)) == ["GET"]
    assert methods_required(require_http_methods(["PUT", "POST"])(around)) == ["PUT", "POST"]


def test_whoever_resolves_a_path_asks_what_was_put_in_the_resolvers_place():
    def answering(found, original):
        def resolve_here(path):
            with suppress(Resolver404):
                return original(path)
            return found

        return resolve_here

    urlconf = (path("here/", view),)
    first = ResolverMatch(view, (), {})
    replace_resolve(urlconf, partial(answering, first))
    replace_resolve(urlconf, partial(answering, ResolverMatch(async_view, (), {})))

    assert resolve("/elsewhere/", urlconf) is first
    assert resolve("/here/", urlconf).route == "here/"
    assert is_valid_path("/elsewhere/", urlconf)


def test_a_resolver_with_some_of_its_patterns():
    urlconf = (path("one/", view), path("two/", view))
    whole = get_resolver(urlconf)
    replace_resolve(urlconf, lambda _: lambda path: pytest.fail("the copy has a way of its own"))

    part = resolver_of(whole, [urlconf[0]])

    assert part.resolve("/one/").route == "one/"
    with pytest.raises(Resolver404):
        part.resolve("/two/")
    assert whole.url_patterns == urlconf


# -- databases ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_durable_block_can_stand_inside_of_one_that_allows_it():
    def durable_inside(block):
        with block, atomic(durable=True):
            return True

    allowing = Atomic("default", savepoint=True, durable=False)
    allow_durable_inside(allowing)

    assert durable_inside(allowing)
    with pytest.raises(RuntimeError, match="durable"):
        durable_inside(Atomic("default", savepoint=True, durable=False))


@pytest.mark.django_db(transaction=True)
def test_what_a_connection_tells_of_its_transactions():
    """No manual names these either, of which legacy/connections.py and shield/databases.py make use."""

    def told():
        return connection.in_atomic_block, len(connection.savepoint_ids), len(connection.run_on_commit)

    connection = connections["default"]
    found = [told()]
    with atomic():
        found.append(told())
        with atomic():
            on_commit(lambda: None)
            found.append(told())
        with atomic(savepoint=False):
            found.append(told())
    found.append(told())

    assert found == [(False, 0, 0), (True, 0, 0), (True, 1, 1), (True, 1, 1), (False, 0, 0)]


@pytest.mark.django_db(transaction=True)
def test_what_stands_first_of_a_connections_wrappers_hears_of_each_statement():
    def hear(execute, sql, params, many, context):
        heard.append((sql, context["connection"] is connection))
        return execute(sql, params, many, context)

    heard: list[tuple[str, bool]] = []
    connection = connections["default"]
    connection.execute_wrappers.insert(0, hear)
    try:
        connection.cursor().execute("SELECT 1")
    finally:
        connection.execute_wrappers.remove(hear)

    assert heard == [("SELECT 1", True)]


def test_what_is_in_a_session_without_having_looked():
    session = SessionStore()
    assert session_data(session) == {}
    session["name"] = 1
    session.accessed = False
    assert session_data(session) == {"name": 1}
    assert not session.accessed


class TestAnUnsavedSession:
    @pytest.fixture
    def request_with_session(self, settings, rf):
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
        settings.SESSION_SAVE_EVERY_REQUEST = True
        request = rf.get("/")
        request.session = SessionStore()
        request.session["key"] = "value"
        return request

    def sent(self, request):
        return SessionMiddleware(lambda _: HttpResponse()).process_response(request, HttpResponse()).cookies

    def test_is_not_sent_again(self, request_with_session):
        assert "sessionid" in self.sent(request_with_session)
        request_with_session.session = unsaved(request_with_session.session)
        assert not self.sent(request_with_session)

    def test_is_read_as_before_and_may_be_written(self, request_with_session):
        session = unsaved(request_with_session.session)
        session["other"] = 1
        assert (session["key"], session.get("other"), "other" in session) == ("value", 1, True)
        del session["other"]
        assert "other" not in session


# -- signals --------------------------------------------------------------------------------------


def test_a_signal_is_replaced_while_all_its_receivers_are_known():
    signal, called = Signal(), []

    def known(**_):
        called.append("known")

    def other(**_):
        called.append("other")

    signal.connect(known)
    replace_send(signal, View, {known: lambda: called.append("instead")})
    assert signal.send(sender=View) == []
    signal.connect(other)
    assert [receiver for receiver, _ in signal.send(sender=View)] == [known, other]
    signal.disconnect(other)
    signal.connect(other, sender=HttpResponse)  # which doesn't concern the sender
    signal.send(sender=View)
    signal.send(sender=HttpResponse)
    signal.disconnect(known)
    signal.send(sender=View)
    assert called == ["instead", "known", "other", "instead", "known", "other"]
