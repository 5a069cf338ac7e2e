"""A whole third-party project, as `wagtail start` makes it: a CMS with its own admin, uploads and page tree."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from tests.thirdparty.project import BIN, DJANGO, GATEWAY, Project, Server

pytestmark = [pytest.mark.thirdparty, pytest.mark.server, pytest.mark.proof]

GATEWAY_TOML = '[legacy]\nsettings = "mysite.settings.dev"\n'

# What differs from one answer to the next, whoever gives it.
CHANGING = (
    (re.compile(rb"\b[A-Za-z0-9]{64}\b"), b"CSRF"),
    (re.compile(rb"/admin/editing-sessions/[\w/]+"), b"SESSION"),
    (re.compile(rb"127\.0\.0\.1:\d+"), b"HOST"),
    (re.compile(rb"\b\d+(\xc2\xa0|\s|&nbsp;)(second|minute)s?\b( ago)?"), b"AGO"),
)

# The servers' own, and the gateway's two.
SERVERS_OWN = {"server", "date", "connection", "transfer-encoding", "content-length", "x-served-by", "x-request-id"}

PUBLIC = (
    "/",
    "/search/?query=welcome",
    "/admin/",
    "/admin/login/",
    "/django-admin/",
    "/nowhere/",
    "/documents/1/a.pdf",
)
STAFF = (
    "/admin/",
    "/admin/pages/",
    "/admin/pages/3/",
    "/admin/pages/3/edit/",
    "/admin/images/",
    "/admin/documents/",
    "/admin/users/",
    "/admin/reports/site-history/",
    "/admin/jsi18n/",
    "/admin/api/main/pages/?child_of=1",
    "/django-admin/",
)
STATIC = ("/static/wagtailadmin/css/core.css", "/static/admin/css/base.css", "/static/css/mysite.css")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A migrated site with an administrator."""
    folder = tmp_path_factory.mktemp("wagtail") / "mysite"
    project = Project(folder, str(BIN / "wagtail"), "start", "mysite", ".")
    project.manage("migrate", "--verbosity", "0")
    project.add_superuser()
    (folder / "gateway.toml").write_text(GATEWAY_TOML)
    return project


@pytest.fixture(scope="module")
def gateway(project: Project) -> Iterator[Server]:
    """The site behind the gateway, with somebody logged in."""
    with project.serve(*GATEWAY) as server:
        assert server.log_in("/admin/login/").headers["location"] == "/admin/"
        yield server


@pytest.fixture(scope="module")
def django(project: Project) -> Iterator[Server]:
    """The same site on Django's own server, with the same person logged in."""
    with project.serve(*DJANGO) as server:
        assert server.log_in("/admin/login/").headers["location"] == "/admin/"
        yield server


def compared(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body without what changes from one answer to the next."""
    body = answer.content
    for pattern, name in CHANGING:
        body = pattern.sub(name, body)
    headers = {name: value for name, value in answer.headers.items() if name not in {*SERVERS_OWN, "set-cookie"}}
    if "expires" in headers:
        headers["expires"] = "some time"
    cookies = sorted(line.partition("=")[0] for line in answer.headers.get_list("set-cookie"))
    return answer.status_code, headers | {"cookies": ", ".join(cookies)}, body


def asked_by_nobody(server: Server, path: str) -> httpx.Response:
    with httpx.Client(base_url=server.client.base_url, timeout=server.client.timeout) as stranger:
        return stranger.get(path)


@pytest.mark.parametrize("path", PUBLIC)
def test_strangers_see_what_django_shows_them(gateway: Server, django: Server, path: str) -> None:
    assert compared(asked_by_nobody(gateway, path)) == compared(asked_by_nobody(django, path))


@pytest.mark.parametrize("path", STAFF)
def test_staff_see_what_django_shows_them(gateway: Server, django: Server, path: str) -> None:
    answer = gateway.client.get(path)
    assert answer.status_code == 200
    assert compared(answer) == compared(django.client.get(path))


@pytest.mark.parametrize("path", STATIC)
def test_static_files_are_the_same(gateway: Server, django: Server, path: str) -> None:
    answer, expected = gateway.client.get(path), django.client.get(path)
    assert (answer.status_code, answer.content) == (expected.status_code, expected.content)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == expected.headers["content-type"].partition(";")[0]


def test_a_page_is_edited_and_published(gateway: Server, django: Server) -> None:
    answer = gateway.submit("/admin/pages/3/edit/", title="Καλημέρα", **{"action-publish": "action-publish"})
    assert answer.status_code == 302
    shown = gateway.client.get("/")
    assert "Καλημέρα" in shown.text
    assert compared(shown) == compared(django.client.get("/"))


def test_an_image_is_uploaded_and_its_file_is_served(gateway: Server, django: Server) -> None:
    picture = io.BytesIO()
    Image.effect_noise((400, 300), 50).save(picture, "PNG")
    sent = {"file": ("noise.png", picture.getvalue(), "image/png")}
    answer = gateway.submit("/admin/images/add/", files=sent, title="Noise")
    assert (answer.status_code, answer.headers["location"]) == (302, "/admin/images/")
    listed = gateway.client.get("/admin/images/").text
    (thumbnail,) = set(re.findall(r"/media/images/noise[^\"]*\.png", listed))
    shown, expected = gateway.client.get(thumbnail), django.client.get(thumbnail)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert shown.content == expected.content
    original = gateway.client.get("/media/original_images/noise.png")
    assert original.content == picture.getvalue()


def test_a_session_of_one_server_is_one_of_the_other(gateway: Server, django: Server) -> None:
    """Both use the project's own sessions: one logged in here is logged in there."""
    cookies = {"sessionid": gateway.client.cookies["sessionid"]}
    with httpx.Client(base_url=django.client.base_url, cookies=cookies) as same_person:
        assert same_person.get("/admin/pages/").status_code == 200
