"""A proxy's word for who is asking: the same for every view of a project, as under its own server."""

from __future__ import annotations

import django
import pytest

from gateway.config.problems import ConfigError
from gateway.legacy.remote_user import unset_header
from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
PROXY_USER = "tests.project.middleware.ProxyUser"
SYNC_PROXY_USER = "tests.project.middleware.SyncProxyUser"
REMOTE_USER = "django.contrib.auth.middleware.RemoteUserMiddleware"
ASYNC_ONLY = "tests.project.middleware.async_only"
STAMP = "tests.project.middleware.stamp"
VIEWS = ["/who/", "/async/who/", "/b/who/", "/b/user/sync/"]
WSGI, ASGI = {"WSGI_APPLICATION": "mysite.wsgi.application"}, {"ASGI_APPLICATION": "mysite.asgi.application"}


@pytest.fixture
def site(bridged, settings):
    """Build the gateway for a project with this chain, and with these applications in its settings."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]

    def build(chain, applications):
        for name in ("WSGI_APPLICATION", "ASGI_APPLICATION"):
            setattr(settings, name, applications.get(name))
        return bridged(chain)

    return build


async def users(gateway, header):
    """Whom each kind of view takes a caller for who sends `header`."""
    async with running(gateway) as app:
        answers = [await ask(app, view, headers={header: "ada"}) for view in VIEWS]
    return [answer.json()["user"] if answer.status == 200 else "" for answer in answers]


NEW = django.VERSION >= (6, 1)
EVERYBODY, NOBODY = ["ada"] * 4, [""] * 4


@pytest.mark.parametrize(
    ("chain", "applications", "header", "expected"),
    [
        # As the project's WSGI server would have it, whichever chain a view or an endpoint has here.
        ([*MIDDLEWARE, PROXY_USER], WSGI, "X-Proxy-User", EVERYBODY),
        ([*MIDDLEWARE, PROXY_USER], {}, "X-Proxy-User", EVERYBODY),
        ([*MIDDLEWARE, PROXY_USER], WSGI, "Http-X-Proxy-User", NOBODY),
        ([ASYNC_ONLY, *MIDDLEWARE, PROXY_USER], WSGI, "X-Proxy-User", EVERYBODY),
        ([ASYNC_ONLY, *MIDDLEWARE, PROXY_USER], WSGI, "Http-X-Proxy-User", NOBODY),
        ([*MIDDLEWARE, SYNC_PROXY_USER], WSGI | ASGI, "X-Proxy-User", EVERYBODY),
        ([*MIDDLEWARE, REMOTE_USER], WSGI, "Remote-User", NOBODY),
        ([ASYNC_ONLY, *MIDDLEWARE, REMOTE_USER], WSGI, "Remote-User", NOBODY),
        # As its ASGI server would; since Django 6.1 a header of the project's own is the same there.
        ([*MIDDLEWARE, PROXY_USER], ASGI, "X-Proxy-User", EVERYBODY if NEW else NOBODY),
        ([*MIDDLEWARE, PROXY_USER], ASGI, "Http-X-Proxy-User", NOBODY if NEW else EVERYBODY),
        ([*MIDDLEWARE, REMOTE_USER], ASGI, "Remote-User", EVERYBODY),
        ([*MIDDLEWARE, REMOTE_USER, STAMP], ASGI, "Remote-User", EVERYBODY if NEW else NOBODY),
        # There too it is synchronous, before one that is only that.
        ([*MIDDLEWARE, PROXY_USER, STAMP], ASGI, "X-Proxy-User", EVERYBODY),
        ([*MIDDLEWARE, PROXY_USER, STAMP], WSGI | ASGI, "X-Proxy-User", EVERYBODY),
    ],
)
async def test_every_view_has_the_reading_of_the_projects_own_server(site, chain, applications, header, expected):
    assert await users(site(chain, applications), header) == expected


async def test_where_the_settings_name_both_servers_the_gateway_asks_which(site):
    with pytest.raises(ConfigError) as caught:
        site([*MIDDLEWARE, REMOTE_USER], WSGI | ASGI)
    said = str(caught.value)
    assert 'META["REMOTE_USER"] under WSGI and META["HTTP_REMOTE_USER"] under ASGI' in said
    assert 'asgi = "…" in [legacy]' in said


@pytest.mark.parametrize("target", VIEWS)
@pytest.mark.parametrize("name", ["Remote-User", "Remote_User", "REMOTE_USER", "Wsgi.Remote-User", "X-Remote-User"])
async def test_no_header_of_a_client_is_the_servers_own_variable(site, target, name):
    async with running(site([*MIDDLEWARE, REMOTE_USER], WSGI)) as app:
        answer = await ask(app, target, headers={name: "ada"})
    assert answer.status == 401 or answer.json()["user"] == ""


@pytest.mark.parametrize(
    ("entry", "expected"), [(PROXY_USER, None), (REMOTE_USER, (REMOTE_USER, "REMOTE_USER")), (STAMP, None)]
)
async def test_a_variable_that_only_a_web_server_sets_is_told(settings, entry, expected):
    settings.MIDDLEWARE = [*MIDDLEWARE, entry]
    assert unset_header() == expected
