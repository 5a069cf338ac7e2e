"""The pytest plugin and the runner, in projects of somebody else's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow  # each runs a suite of its own

TOML = """
[legacy]
settings = "mysite.production"

[services.things]
app = "things:app"

[[routes]]
name = "things"
prefix = "/api/things"
service = "things"
"""

FILES = {
    "gateway": {".toml": TOML},
    "mysite/settings": {
        ".py": """
        SECRET_KEY = "for tests only"
        INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
        MIDDLEWARE = [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ]
        ROOT_URLCONF = "mysite.urls"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        """
    },
    "mysite/production": {".py": "raise RuntimeError('not in a test')"},
    "mysite/urls": {
        ".py": """
        from django.contrib.auth.models import Group
        from django.http import HttpResponse
        from django.urls import path

        def groups(request):
            return HttpResponse(f"legacy {Group.objects.count()}")

        async def groups_async(request):
            return HttpResponse(f"legacy {await Group.objects.acount()}")

        def create(request):
            Group.objects.create(name="made")
            return HttpResponse("made")

        urlpatterns = [
            path("groups/", groups), path("groups/async/", groups_async),
            path("create/", create), path("api/things/", groups),
        ]
        """
    },
    "things": {
        ".py": """
        from django.contrib.auth.models import Group
        from fastapi import FastAPI
        from fastapi.responses import PlainTextResponse

        app = FastAPI()

        @app.get("/api/things/", response_class=PlainTextResponse)
        def things():
            return f"service {Group.objects.count()}"
        """
    },
    "test_suite": {
        ".py": """
        from django.contrib.auth.models import Group
        from django.test import SimpleTestCase, TestCase, TransactionTestCase
        from django.test.testcases import DatabaseOperationForbidden

        class SimpleTests(SimpleTestCase):
            def test_there_is_no_database_here(self):
                with self.assertRaises(DatabaseOperationForbidden):
                    self.client.get("/groups/")

        class Tests(TestCase):
            @classmethod
            def setUpTestData(cls):
                Group.objects.create(name="class")

            def test_rows_of_the_class_and_of_the_test_are_seen(self):
                Group.objects.create(name="test")
                for path in ("/groups/", "/groups/async/"):
                    self.assertEqual(self.client.get(path).content, b"legacy 2")

            def test_what_is_written_is_rolled_back(self):
                self.client.post("/create/")
                self.assertEqual(Group.objects.count(), 2)

            def test_what_is_written_is_rolled_back_again(self):
                self.client.post("/create/")
                self.assertEqual(Group.objects.count(), 2)

            def test_callbacks_are_captured(self):
                with self.captureOnCommitCallbacks() as callbacks:
                    self.client.get("/groups/")
                self.assertEqual(callbacks, [])

            def test_queries_are_counted(self):
                with self.assertNumQueries(1):
                    self.client.get("/groups/")

            async def test_async_tests_see_them_too(self):
                await Group.objects.acreate(name="async")
                for path in ("/groups/", "/groups/async/"):
                    self.assertEqual((await self.async_client.get(path)).content, b"legacy 2")

            def test_who_serves_what_was_moved(self):
                print("SERVED BY", self.client.get("/api/things/").content.decode())

        class TransactionTests(TransactionTestCase):
            def test_rows_are_committed(self):
                Group.objects.create(name="test")
                self.client.post("/create/")
                self.assertEqual(self.client.get("/groups/").content, b"legacy 2")
        """
    },
    "manage": {
        ".py": """
        import multiprocessing, os, sys
        from django.core.management import execute_from_command_line

        if __name__ == "__main__":
            multiprocessing.set_start_method(os.environ.get("START", "fork"))
            os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
            execute_from_command_line(sys.argv)
        """
    },
}


@pytest.fixture
def elsewhere(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of its own, and nothing of this repository's settings."""
    for name in ("DJANGO_SETTINGS_MODULE", "GATEWAY_CONFIG", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    return pytester


@pytest.fixture
def mysite(elsewhere: pytest.Pytester) -> pytest.Pytester:
    """A project with a suite that knows nothing of the gateway, and a service that took an endpoint over."""
    elsewhere.mkpydir("mysite")
    for name, kinds in FILES.items():
        for kind, text in kinds.items():
            if "/" in name:
                import textwrap

                (elsewhere.path / f"{name}{kind}").write_text(textwrap.dedent(text))
            else:
                elsewhere.makefile(kind, **{name: text})
    return elsewhere


@pytest.fixture
def run(mysite: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run its suite, with the settings that it has for tests."""

    def run(*arguments: str) -> pytest.RunResult:
        return mysite.runpytest_subprocess("--ds=mysite.settings", "-Werror", "-rP", *arguments)

    return run


def manage(mysite: pytest.Pytester, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-Werror", "manage.py", *arguments], cwd=mysite.path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


# -- harmless -----------------------------------------------------------------------------------


def test_a_project_without_django_notices_nothing(elsewhere):
    elsewhere.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            assert "gateway.testing.plugin" in sys.modules
            loaded = {"django", "fastapi", "starlette", "httpx", "pydantic", "greenlet", "anyio"} & set(sys.modules)
            assert loaded == set()
        """
    )
    result = elsewhere.runpytest_subprocess("-p", "no:django", "-p", "no:anyio", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)


def test_a_project_without_a_configuration_is_told_so_where_it_asks(mysite):
    (mysite.path / "gateway.toml").unlink()
    mysite.makepyfile("def test_it(gateway_client): pass\ndef test_else(): pass")
    result = mysite.runpytest_subprocess(
        "--ds=mysite.settings", "test_a_project_without_a_configuration_is_told_so_where_it_asks.py"
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*gateway.toml: not found here; `gateway init` writes one*"])


def test_a_suite_without_a_configuration_is_not_run(mysite, run):
    (mysite.path / "gateway.toml").unlink()
    result = run("test_suite.py", "--through-gateway")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--through-gateway: no gateway.toml here; --gateway-config names one"])


# -- fixtures -----------------------------------------------------------------------------------


def test_the_fixtures_work_in_any_project(mysite, run):
    mysite.makepyfile(
        test_own="""
        import pytest
        from django.contrib.auth.models import Group

        @pytest.mark.django_db
        def test_both_see_the_rows(gateway_client, override_route):
            Group.objects.create(name="one")
            assert gateway_client.get("/api/things/").content == b"service 1"
            override_route("things", stage="legacy")
            assert gateway_client.get("/api/things/").content == b"legacy 1"

        def test_the_order_of_fixtures_does_not_matter(gateway_http_sync, db):
            Group.objects.create(name="one")
            assert gateway_http_sync.get("/api/things/").text == "service 1"

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_async_tests_share_the_transaction(gateway_http, record_upstream, db):
            seen = record_upstream("things")
            await Group.objects.acreate(name="one")
            assert (await gateway_http.get("/api/things/")).text == "service 1"
            assert [one.status for one in seen] == [200]

        @pytest.mark.django_db
        def test_and_it_is_rolled_back(gateway_client):
            assert gateway_client.get("/groups/").content == b"legacy 0"
        """
    )
    run("test_own.py").assert_outcomes(passed=4)


def test_classes_of_tests_need_no_fixtures(mysite, run):
    mysite.makepyfile(
        test_classes="""
        from django.contrib.auth.models import Group
        from django.test import TestCase
        from gateway.testing import GatewayClient, override_route, record

        class Tests(TestCase):
            client_class = GatewayClient

            @override_route("things", "legacy")
            def test_the_old_view_still_works(self):
                self.assertEqual(self.client.get("/api/things/").served_by, "legacy")

            def test_the_service_is_asked_once(self):
                Group.objects.create(name="one")
                with record("things") as seen:
                    self.assertEqual(self.client.get("/api/things/").content, b"service 1")
                self.assertEqual([one.path for one in seen], ["/api/things/"])
        """
    )
    run("test_classes.py").assert_outcomes(passed=2)
    manage(mysite, "test", "test_classes")


# -- a suite that knows nothing of the gateway ---------------------------------------------------


def test_without_the_option_the_suite_asks_django(run):
    result = run("test_suite.py")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["SERVED BY legacy 1"])


def test_with_the_option_the_suite_asks_the_gateway(run):
    result = run("test_suite.py", "--through-gateway")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["SERVED BY service 1"])


def test_the_configuration_can_be_named(mysite, run):
    (mysite.path / "other.toml").write_text(TOML.replace("[[routes]]", '[[routes]]\nstage = "legacy"'))
    result = run("test_suite.py", "--through-gateway", "--gateway-config=other.toml")
    result.stdout.fnmatch_lines(["SERVED BY legacy 1"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_the_projects_own_application_is_asked(mysite, run, kind):
    text = TOML.replace("[services.things]", f'{kind} = "mysite.{kind}:application"\n[services.things]')
    if kind == "wsgi":  # the gateway then has no middleware to run
        text = text.replace('app = "things:app"', 'app = "things:app"\nmiddleware = "none"')
    (mysite.path / "gateway.toml").write_text(text)
    (mysite.path / "mysite" / f"{kind}.py").write_text(
        f"from django.core.{kind} import get_{kind}_application as get\napplication = get()"
    )
    result = run("test_suite.py", "--through-gateway")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["SERVED BY service 1"])


@pytest.mark.slow
def test_a_suite_of_manage_py_asks_django(mysite):
    assert "SERVED BY legacy 1" in manage(mysite, "test")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "start"), [((), "fork"), (("--parallel=2",), "fork"), (("--parallel=2",), "spawn")]
)
def test_with_the_runner_it_asks_the_gateway(mysite, monkeypatch, arguments, start):
    monkeypatch.setenv("START", start)
    said = manage(mysite, "test", "--testrunner=gateway.testing.runner.GatewayRunner", *arguments)
    assert "SERVED BY service 1" in said
    assert "Ran 9 tests" in said
