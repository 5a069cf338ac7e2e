"""A project in one file: no users, no sessions, no content types, no admin, no database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import environment

pytestmark = pytest.mark.thirdparty

SITE = """
from django.http import JsonResponse
from django.urls import path

SECRET_KEY = "for tests only"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = __name__
DATABASES = {}
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "site_of_one_file.visitor"]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": [], "UNAUTHENTICATED_USER": None}


def visitor(get_response):
    def middleware(request):
        request.user = "somebody of the project's own"
        return get_response(request)

    return middleware


def hello(request):
    return JsonResponse({"hello": "legacy"})


urlpatterns = [path("hello/", hello)]
"""
SERVICES = """
from fastapi import FastAPI
from fastapi.routing import APIRoute
from gateway.bridge import DjangoRequest, OptionalUser  # which annotates with a class of Django's
from gateway.bridge.drf import DRFRoute
from gateway.bridge.drf.credentials import DRFUser
from gateway.bridge.django_json import DjangoRoute


def service(name, *, route=APIRoute, inside=True):
    app = FastAPI()
    app.router.route_class = route

    if inside:

        @app.get(f"/{name}/")
        def get(request: DjangoRequest):
            return {"user": str(request.user)}
    else:

        @app.get(f"/{name}/")
        def get():
            return {}

    @app.post(f"/{name}/")
    async def post():
        return {"posted": name}

    return app


chain, entries, none = service("chain"), service("entries"), service("none", inside=False)
pages, drf = service("pages", route=DjangoRoute), service("drf", route=DRFRoute)
"""
TOML = """
[legacy]
settings = "site_of_one_file"
"""
KINDS = {
    "chain": "",
    "entries": 'middleware = ["site_of_one_file.visitor"]',
    "pages": 'answers = "django"',
    "drf": 'answers = "drf"',
    "none": 'middleware = "none"',
}
ASKED = """
from gateway.testing import running
import gateway.testing

for name in gateway.testing.__all__:
    getattr(gateway.testing, name)
gateway.testing.configure("gateway.toml")
client = gateway.testing.GatewayClient(headers={"Cookie": "sessionid=of-somebody"})
for path in PATHS:
    for method in ("get", "post"):
        answer = getattr(client, method)(f"/{path}/")
        print(path, method, answer.status_code, answer.served_by)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one-file")
    (folder / "site_of_one_file.py").write_text(SITE)
    (folder / "services_of_it.py").write_text(SERVICES)
    tables = [
        f'[services.{name}]\napp = "services_of_it:{name}"\n{keys}\n'
        f'[[routes]]\nname = "{name}"\nprefix = "/{name}"\nservice = "{name}"\nstage = "canary"\nweight = 100\n'
        for name, keys in KINDS.items()
    ]
    (folder / "gateway.toml").write_text(TOML + "\n".join(tables))
    return folder


def run(folder: Path, *arguments: str) -> str:
    env = environment(PYTHONPATH=f"{folder}:{Path(__file__).parents[2]}", DJANGO_SETTINGS_MODULE="site_of_one_file")
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_check_says_that_everything_holds(folder):
    assert "gateway.toml holds." in run(folder, "-c", "from gateway.cli import main; main()", "check")


def test_every_kind_of_service_answers_and_the_clients_work(folder):
    paths = ("hello", *KINDS)
    found = run(folder, "-c", f"PATHS = {paths!r}\nimport django; django.setup()\n{ASKED}").splitlines()
    expected = [f"hello {method} 200 legacy" for method in ("get", "post")]
    expected += [f"{name} {method} 200 {name}" for name in KINDS for method in ("get", "post")]
    assert found == expected
