"""The section "Migration" stands in the index of every AdminSite, for whoever may see it, and overrides no template."""

import os
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.test import Client
from django.urls import include, path

import gateway.control
from gateway.admin.permissions import allowed
from gateway.control.admin import register
from gateway.control.models import Route

pytestmark = pytest.mark.django_db

SECTION = "/admin/gateway_control/route/"
PAGES = [
    f"{SECTION}{page}"
    for page in ("", "news/", "endpoints/", "endpoints/one/", "explain/", "catalog/change/", "catalog/change/news/")
]


class OwnSite(admin.AdminSite):
    site_header = "Back office"


own_site = OwnSite(name="office")
register(own_site)
urlpatterns = [path("office/", own_site.urls), path("", include("legacy.urls"))]


def test_permissions_are_djangos():
    names = Permission.objects.filter(content_type__model="route").values_list("codename", flat=True)
    assert {*names} == {"view_route", "operate_route", "accept_differences", "override_evidence", "record_requests"}


def test_it_stands_in_the_index(staff, toml):
    page = staff("view_route").get("/admin/").content.decode()
    assert "/admin/gateway_control/route/" in page


def test_nobody_can_add_or_delete_there(admin_client, toml):
    page = admin_client.get("/admin/").content.decode()
    assert "/admin/gateway_control/route/add/" not in page


def test_whoever_lacks_the_permission_does_not_see_it(staff, toml):
    page = staff("operate_route", "override_evidence").get("/admin/").content.decode()
    assert "gateway_control" not in page


@pytest.mark.parametrize("url", PAGES)
def test_whoever_lacks_the_permission_is_refused(staff, toml, url):
    assert staff("operate_route").get(url).status_code == 403


@pytest.mark.parametrize("url", PAGES)
def test_whoever_is_not_logged_in_is_asked_to(db, toml, url):
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize("url", PAGES)
def test_every_page_opens(staff, toml, url):
    assert staff("view_route").get(url).status_code == 200


@pytest.mark.urls("tests.admin.test_section")
def test_it_stands_in_a_site_of_ones_own(admin_client, toml):
    assert "/office/gateway_control/route/" in admin_client.get("/office/").content.decode()
    page = admin_client.get("/office/gateway_control/route/").content.decode()
    assert "Back office" in page
    assert 'href="/office/gateway_control/route/endpoints/"' in page
    assert "/admin/gateway_control" not in page


def test_a_name_that_the_file_does_not_have_is_not_found(admin_client, toml):
    assert admin_client.get("/admin/gateway_control/route/nothing/change/").status_code == 404


@pytest.mark.parametrize("url", PAGES)
def test_a_file_that_cannot_be_read_is_said(admin_client, toml, monkeypatch, tmp_path, url):
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path / "missing.toml"))
    response = admin_client.get(url)
    assert response.status_code == 503
    assert "missing.toml" in response.content.decode()


@pytest.mark.parametrize("url", [SECTION, f"{SECTION}catalog/change/"])
def test_a_database_that_cannot_be_asked_is_said(admin_client, toml, monkeypatch, url):
    def away(*_, **__):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("gateway.control.reports.worker_rows", away)
    response = admin_client.get(url)
    assert response.status_code == 503
    assert "the server closed the connection" in response.content.decode()


def test_no_template_of_a_project_is_overridden():
    folder = Path(gateway.control.__file__).parent / "templates"
    assert [path.name for path in folder.iterdir()] == ["gateway_admin"]


def test_the_model_has_no_table():
    assert Route._meta.managed is False


def test_a_user_model_without_permissions_sees_nothing():
    assert not any(astuple(allowed(SimpleNamespace())))


@pytest.mark.long
def test_a_command_of_the_project_does_not_load_the_pages():
    script = "import django, sys; django.setup(); print([name for name in sys.modules if name.startswith('gateway.')])"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "legacy.settings"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert "gateway.admin.section" in done.stdout
    assert not {"gateway.admin.pages", "gateway.config"} & {*done.stdout.split("'")}
