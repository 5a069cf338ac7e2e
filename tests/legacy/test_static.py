"""Static files of the project, with no web server in front."""

from __future__ import annotations

import gzip

import pytest

from gateway.legacy.static import build_static
from gateway.legacy.upstream import DjangoUpstream
from tests.support.asgi import Connection, ask, running, scope

pytestmark = pytest.mark.anyio
CSS = "/static/admin/css/base.css"


@pytest.fixture
def site(project, tmp_path):
    """A project in production that collected nothing."""
    project.STATIC_ROOT = None
    project.STATIC_URL = "/static/"
    project.MEDIA_ROOT = tmp_path / "media"
    project.MEDIA_URL = "/media/"
    project.MEDIA_ROOT.mkdir()
    (project.MEDIA_ROOT / "photo.txt").write_text("photo")
    return project


async def served(target, method="GET", **more):
    async with running(DjangoUpstream(threads=1)) as upstream:
        return await ask(upstream.entry, target, method, **more)


async def test_the_admin_has_its_styles_where_nothing_was_collected(site):
    found = await served(CSS)
    assert (found.status, found["content-type"]) == (200, 'text/css; charset="utf-8"')
    assert b"font-family" in found.body


async def test_collected_files_are_served_from_static_root(site, tmp_path):
    site.STATIC_ROOT = tmp_path / "collected"
    site.STATIC_ROOT.mkdir()
    (site.STATIC_ROOT / "site.css").write_text("collected")
    found = await served("/static/site.css")
    assert (found.status, found.text) == (200, "collected")


async def test_a_static_root_that_does_not_exist_yet_is_no_obstacle(site, tmp_path):
    site.STATIC_ROOT = tmp_path / "to come"
    assert (await served(CSS)).status == 200


async def test_files_are_found_in_development_as_soon_as_they_are_there(site):
    site.DEBUG = True
    assert (await served(CSS)).status == 200


async def test_head_has_the_length_and_no_body(site):
    found = await served(CSS, "HEAD")
    assert (found.status, found.body) == (200, b"")
    assert int(found["content-length"]) > 1000


async def test_a_file_the_client_has_is_not_sent_again(site):
    modified = (await served(CSS))["last-modified"]
    found = await served(CSS, headers={"If-Modified-Since": modified})
    assert (found.status, found.body, found.complete) == (304, b"", True)


async def test_an_encoding_that_any_line_accepts_is_used(site, tmp_path):
    site.STATIC_ROOT = tmp_path / "collected"
    site.STATIC_ROOT.mkdir()
    (site.STATIC_ROOT / "site.css").write_text("collected" * 100)
    (site.STATIC_ROOT / "site.css.gz").write_bytes(gzip.compress(b"collected" * 100))
    lines = [(b"accept-encoding", b"gzip"), (b"accept-encoding", b"identity")]
    assert (await served("/static/site.css", headers=lines))["content-encoding"] == "gzip"


async def test_a_range_is_served(site):
    found = await served(CSS, headers={"Range": "bytes=0-9"})
    assert (found.status, len(found.body)) == (206, 10)


async def test_a_static_file_takes_no_post(site):
    found = await served(CSS, "POST")
    assert (found.status, found.complete) == (405, True)


async def test_a_file_that_is_not_there_is_left_to_django(site):
    assert (await served("/static/nothing.css")).status == 404


@pytest.mark.parametrize("target", ["/static/../settings.py", "/static/..%2fsettings.py", "/static/%2e%2e/settings.py"])
@pytest.mark.parametrize("debug", [True, False])
async def test_nothing_outside_is_served(site, target, debug):
    site.DEBUG = debug
    assert (await served(target)).status == 404


async def test_below_a_root_path_files_are_served_too(site):
    assert (await served(CSS, root_path="/shop")).status == 200


async def test_a_static_url_of_another_path_is_used(site):
    site.STATIC_URL = "/assets/"
    assert (await served("/assets/admin/css/base.css")).status == 200


async def test_media_is_served_in_development(site):
    site.DEBUG = True
    found = await served("/media/photo.txt")
    assert (found.status, found.text) == (200, "photo")


async def test_media_takes_no_post(site):
    site.DEBUG = True
    assert (await served("/media/photo.txt", "POST")).status == 405


async def test_what_is_not_in_media_root_is_left_to_django(site):
    site.DEBUG, site.MEDIA_URL = True, "/nested/"
    assert (await served("/nested/json/")).json() == {"hello": "world"}


async def test_media_is_not_served_in_production(site):
    assert (await served("/media/photo.txt")).status == 404


@pytest.mark.parametrize(
    "target",
    [
        "/media/",
        "/media/nothing.txt",
        "/media/a%00",
        "/media//etc/passwd",
        "/media/../settings.py",
        "/media/%2e%2e/settings.py",
    ],
)
async def test_media_that_is_not_there_is_not_found(site, target):
    site.DEBUG = True
    assert (await served(target)).status == 404


async def test_a_client_that_leaves_in_the_middle_of_a_file_leaves_nothing_open(site):
    async with running(DjangoUpstream(threads=1)) as upstream:
        connection = Connection(upstream.entry, scope(CSS))
        connection.stop_reading()
        connection.body()
        connection.leave()
        connection.read_on()
        await connection.done()


# -- projects that do it themselves -------------------------------------------------------------


@pytest.mark.parametrize("middleware", ["whitenoise.middleware.WhiteNoiseMiddleware"])
def test_a_project_that_serves_its_files_itself_keeps_its_way(site, middleware):
    site.MIDDLEWARE = [*site.MIDDLEWARE, middleware]
    assert build_static() is None


@pytest.mark.parametrize("url", ["https://cdn.example/static/", "//cdn.example/static/", None])
def test_files_that_are_elsewhere_are_not_served_here(site, url):
    site.STATIC_URL = url
    assert build_static() is None


def test_a_project_without_staticfiles_has_none(site):
    site.INSTALLED_APPS = [app for app in site.INSTALLED_APPS if app != "django.contrib.staticfiles"]
    assert build_static() is None


async def test_static_files_can_be_turned_off(site):
    async with running(DjangoUpstream(threads=1, static=False)) as upstream:
        assert (await ask(upstream.entry, CSS)).status == 404
