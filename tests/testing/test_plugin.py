"""The pytest plugin and the runner, in projects of somebody else's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow  # each runs a suite of its own

# Plugins that other tests of this repository have installed, and no suite here uses: importing them took half the time.
UNUSED = " ".join(f"-p no:{name}" for name in ("ddtrace", "django_webtest", "schemathesis", "hypothesispytest"))

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
    for name in ("DJANGO_SETTINGS_MODULE", "GATEWAY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", UNUSED)
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
    result = elsewhere.runpytest_subprocess(
        "-p", "no:django", "-p", "no:anyio", "-p", "no:hypothesispytest", "-p", "no:schemathesis"
    )
    result.assert_outcomes(passed=1)


def test_a_project_without_a_configuration_has_no_routes(mysite, run):
    (mysite.path / "gateway.toml").unlink()
    mysite.makepyfile(
        test_own="def test_it(gateway_client, db): assert gateway_client.get('/api/things/').served_by == 'legacy'"
    )
    run("test_own.py").assert_outcomes(passed=1)
    result = run("test_suite.py", "--through-gateway")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(
        ["12 requests went through the gateway: legacy answered 12.", "There is no gateway.toml here, so Django*"]
    )


def test_a_configuration_that_does_not_hold_is_told_before_any_test(mysite, run):
    (mysite.path / "gateway.toml").write_text(TOML.replace("prefix", "prefixes"))
    result = run("test_suite.py", "--through-gateway")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*routes[[]things[]].prefixes*unknown key*"])


# What a suite has that configures its settings by itself, as most packages' do.
CONFIGURED = {
    "conftest": """
        import mysite.settings
        from django.conf import settings

        def pytest_configure():
            names = [name for name in dir(mysite.settings) if name.isupper()]
            settings.configure(**{name: getattr(mysite.settings, name) for name in names})
        """,
}


@pytest.mark.parametrize("file", [None, TOML])
def test_a_suite_that_configures_its_settings_is_run(mysite, file):
    if file is None:
        (mysite.path / "gateway.toml").unlink()
    mysite.makepyfile(**CONFIGURED)
    result = mysite.runpytest_subprocess("-Werror", "-rP", "test_suite.py", "--through-gateway")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines([f"SERVED BY {'legacy' if file is None else 'service'} 1"])


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
    result.stdout.fnmatch_lines(
        ["SERVED BY service 1", "12 requests went through the gateway: legacy answered 11, things answered 1."]
    )


def test_the_processes_of_xdist_are_counted_too(run):
    result = run("test_suite.py", "--through-gateway", "-n2", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["12 requests went through the gateway: legacy answered 11, things answered 1."])


NOBODY_ASKS = "def test_it(): pass"


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        (NOBODY_ASKS, ["--through-gateway"], 1),
        (NOBODY_ASKS, ["--through-gateway", "--collect-only"], 0),
    ],
)
def test_a_run_that_says_nothing_about_the_gateway_fails(mysite, run, text, options, status):
    mysite.makepyfile(test_none=text)
    assert run("test_none.py", *options).ret == status


def test_the_stage_can_be_chosen(run):
    result = run("test_suite.py", "-k", "who_serves", "--through-gateway", "--gateway-stage=legacy")
    result.assert_outcomes(passed=1, deselected=8)
    result.stdout.fnmatch_lines(["SERVED BY legacy 1", "1 request went through the gateway: legacy answered 1."])


def test_a_stage_or_a_route_that_there_is_not_is_told(run):
    result = run("test_suite.py", "--through-gateway", "--gateway-stage=thing=live")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--through-gateway: there is no route 'thing'; there are: things"])


@pytest.fixture
def moved(mysite):
    """The file has the route at legacy, and the database of the settings that it names at live."""
    (mysite.path / "gateway.toml").write_text(TOML.replace("[[routes]]", '[[routes]]\nstage = "legacy"'))
    (mysite.path / "mysite/production.py").write_text(
        "from mysite.settings import *\n"
        "INSTALLED_APPS = [*INSTALLED_APPS, 'gateway.control']\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'real.sqlite3'}}\n"
    )
    live = ["gateway", "promote", "things", "--to", "live", "--who", "ada", "--anyway", "--why", "a test"]
    for command in (["django", "migrate", "-v0"], live):
        module, *arguments = command
        code = (
            "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.production'; sys.path.insert(0, '');"
            + ("from gateway.cli import main" if module == "gateway" else "from django.core.management import")
            + ("; main()" if module == "gateway" else " execute_from_command_line as main; main(sys.argv)")
        )
        subprocess.run([sys.executable, "-c", code, *arguments], cwd=mysite.path, check=True, capture_output=True)
    return mysite


def test_a_route_that_is_live_in_the_database_alone_is_told(moved, run):
    result = run("test_suite.py", "--through-gateway")
    result.stdout.fnmatch_lines(
        ["SERVED BY legacy 1", "things was tested at legacy, but the database has it at live.*"]
    )


def test_the_stages_of_the_database_can_be_taken(moved, run):
    result = run("test_suite.py", "--through-gateway", "--gateway-stage=database")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["SERVED BY service 1", "Stages: database."])
    result.stdout.no_fnmatch_line("*but the database*")


def test_a_database_that_can_not_be_asked_stops_a_run_that_needs_it(run):
    result = run("test_suite.py", "--through-gateway", "--gateway-stage=database")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*mysite.production*not in a test*"])


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
    assert "12 requests went through the gateway: legacy answered 11, things answered 1." in said


RUNNER = """
from django.test.runner import DiscoverRunner

class OwnRunner(DiscoverRunner):
    def __init__(self, *args, color="", **kwargs):
        super().__init__(*args, **kwargs)
        print("OWN", color)

    @classmethod
    def add_arguments(cls, parser):
        super().add_arguments(parser)
        parser.add_argument("--color")

class OtherRunner:
    def __init__(self, **options):
        print("OTHER")

    def run_tests(self, test_labels):
        from django.test import Client
        from django.test.utils import setup_test_environment
        setup_test_environment()
        return int(Client().get("/api/things/").status_code != 404)  # nothing but what Django asks of a runner
"""


@pytest.fixture
def own_runner(mysite):
    (mysite.path / "own.py").write_text(RUNNER)
    with (mysite.path / "mysite/settings.py").open("a") as file:
        file.write("import os\nTEST_RUNNER = os.environ.get('RUNNER', 'own.OwnRunner')\n")
    return mysite


def test_the_projects_own_runner_stays(own_runner):
    runner = "--testrunner=gateway.testing.runner.GatewayRunner"
    said = manage(own_runner, "test", runner, "--color=red", "--keepdb", "--tag=none", "--gateway-allow-none")
    assert ("OWN red" in said, "Ran 0 tests" in said) == (True, True)
    said = manage(own_runner, "test", runner, "--color=blue", "--gateway-stage=legacy", "--parallel=2")
    assert ("OWN blue" in said, "SERVED BY legacy 1" in said) == (True, True)
    assert "12 requests went through the gateway: legacy answered 12." in said


@pytest.mark.parametrize("runner", ["own.OtherRunner", "gateway.testing.runner.GatewayRunner", "derived.Derived"])
def test_any_runner_can_be_led_through(own_runner, monkeypatch, runner):
    monkeypatch.setenv("RUNNER", runner)
    (own_runner.path / "derived.py").write_text(
        "from gateway.testing.runner import GatewayRunnerMixin\nfrom own import OwnRunner\n"
        "class Derived(GatewayRunnerMixin, OwnRunner): pass"
    )
    if runner == "own.OtherRunner":  # it makes no database
        (own_runner.path / "things.py").write_text(
            "import fastapi\napp = fastapi.FastAPI()\n@app.get('/api/things/')"
            "\ndef no(): raise fastapi.HTTPException(404)"
        )
    options = [] if runner.startswith("derived") else ["--testrunner=gateway.testing.runner.GatewayRunner"]
    assert "things answered 1." in manage(own_runner, "test", *options)


def test_a_run_of_manage_py_that_says_nothing_about_the_gateway_fails(mysite):
    (mysite.path / "test_suite.py").write_text(
        "from django.test import SimpleTestCase\nclass Tests(SimpleTestCase):\n    def test_it(self): pass"
    )
    command = [sys.executable, "manage.py", "test", "--testrunner=gateway.testing.runner.GatewayRunner"]
    done = subprocess.run(command, cwd=mysite.path, capture_output=True, text=True)
    assert (done.returncode, "No request of these tests went through the gateway" in done.stderr) == (1, True)
