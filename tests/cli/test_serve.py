"""`gateway serve`, on real sockets."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.console import GATEWAY, Serving, run
from tests.support.server import environment

pytestmark = pytest.mark.server

TOML = '[legacy]\nsettings = "mysite.settings"\n'
SERVICE = """
[services.catalog]
app = "tests.cli.services:catalog"
middleware = "none"

[[routes]]
name = "catalog"
prefix = "/api"
service = "catalog"
"""
BROKEN = """
[gateway]
served_by = "X Served By"

[legacy]
settings = "mysite.setings"

[services.gone]
app = "nowhere:app"
middleware = "none"
"""


@pytest.fixture
def toml(project: Path) -> Path:
    """A gateway.toml with a service, beside manage.py."""
    path = project / "gateway.toml"
    path.write_text(TOML + SERVICE)
    return path


@pytest.fixture
def taken() -> int:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


# -- as a new user ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["DEBUG", "no DEBUG"])
def newcomer(request, tmp_path_factory):
    """startproject, `gateway init`, `gateway check`, `gateway serve`; nothing else is touched but DEBUG."""
    folder = tmp_path_factory.mktemp("newcomer")
    django_admin = Path(GATEWAY).with_name("django-admin")
    subprocess.run([django_admin, "startproject", "mysite", "."], cwd=folder, check=True)
    settings = folder / "mysite" / "settings.py"
    if request.param == "no DEBUG":
        text = settings.read_text().replace("DEBUG = True", "DEBUG = False")
        settings.write_text(text.replace("ALLOWED_HOSTS = []", 'ALLOWED_HOSTS = ["127.0.0.1"]'))
    assert run(folder, "init").returncode == 0
    assert run(folder, "check").returncode == 0
    serving = Serving(folder)
    yield serving
    serving.stop()


@pytest.mark.parametrize("path", ["/admin/login/", "/static/admin/css/base.css"])
def test_a_new_project_has_its_admin_and_its_style(newcomer, path):
    status, headers = newcomer.get(path)
    assert (status, headers["x-served-by"]) == (200, "legacy")


# -- what it refuses ----------------------------------------------------------------------------------


def test_every_problem_is_printed_before_the_port_is_opened(gateway, project, taken):
    (project / "gateway.toml").write_text(BROKEN)
    result = gateway("serve", "--port", str(taken))  # opening this port would be the first problem
    assert result.returncode == 3
    keys = [line.split(" = ")[0] for line in result.stderr.splitlines()[1:]]
    assert keys == ["  - gateway.served_by", "  - legacy.settings", "  - services.gone.app"]


def test_no_traceback_reaches_the_user(gateway, project):
    (project / "gateway.toml").write_text(BROKEN)
    assert "Traceback" not in gateway("serve", "--workers", "2").stderr


def test_a_port_in_use_is_one_line(gateway, toml, taken):
    result = gateway("serve", "--port", str(taken))
    assert result.returncode == 3
    assert result.stderr == f"127.0.0.1:{taken} is in use; choose another with --port\n"


def test_a_host_of_another_machine_is_one_line(gateway, toml):
    result = gateway("serve", "--host", "192.0.2.1")
    assert (result.returncode, result.stderr.count("\n")) == (3, 1)
    assert result.stderr.startswith("can't listen on 192.0.2.1:8000: ")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_service_that_does_not_start_is_status_3(gateway, project, workers):
    (project / "gateway.toml").write_text(TOML + SERVICE.replace("tests.cli.services:catalog", "failing:app"))
    code = "from starlette.applications import Starlette\nfrom starlette.routing import Route\n"
    code += "def lifespan(app): raise OSError('no disk')\n"
    code += "app = Starlette(routes=[Route('/api/', print)], lifespan=lifespan)\n"
    (project / "failing.py").write_text(code)
    result = gateway("serve", "--port", "0", "--workers", workers)
    assert result.returncode == 3
    assert "service 'catalog' failed to start" in result.stderr


def test_reload_and_workers_exclude_each_other(gateway, toml):
    assert gateway("serve", "--reload", "--workers", "2").returncode == 2


@pytest.mark.parametrize("root_path", ["shop", "/"])
def test_refuses_what_is_no_root_path(gateway, toml, root_path):
    assert gateway("serve", "--root-path", root_path).returncode == 2


def test_refuses_two_different_root_paths(gateway, toml):
    toml.write_text('[gateway]\nroot_path = "/shop"\n' + toml.read_text())
    result = gateway("serve", "--root-path", "/other")
    assert result.returncode == 3
    assert "--root-path is '/other', but the project or its configuration says '/shop'" in result.stderr


# -- what it prints -----------------------------------------------------------------------------------


def test_says_where_and_what_it_serves(serving, toml):
    lines = serving("--no-access-log").log.splitlines()
    assert re.fullmatch(r"gateway [\d.]+ on http://127.0.0.1:\d+ \(Ctrl\+C stops it\)", lines[0])
    assert lines[1:5] == [
        "  legacy      mysite.settings, 40 threads",
        "  services    catalog",
        '  middleware  catalog: none of 7 applied (middleware = "none")',
        "  routes      catalog live",
    ]


def test_logs_who_answered(serving, toml):
    server = serving()
    server.get("/api/products/")
    server.get("/admin/login/")
    server.stop()
    requests = [line.rpartition(" ")[0] for line in server.log.splitlines() if " GET " in line]
    assert requests == ["INFO:     GET /api/products/ 200 catalog", "INFO:     GET /admin/login/ 200 legacy"]


@pytest.mark.parametrize("arguments", [["--no-access-log"], ["--log-level", "warning"]])
def test_logs_no_requests_when_told_so(project, toml, arguments):
    process = subprocess.Popen(
        [GATEWAY, "serve", "--port", "0", *arguments],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        url = process.stderr.readline().split()[3]
        _until_served(url + "/api/products/")
        process.terminate()
        assert " GET " not in process.stdout.read()


def _until_served(url: str) -> None:
    from urllib.request import urlopen

    for _ in range(200):
        try:
            urlopen(url).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{url} is not served")


def test_a_project_that_disables_loggers_keeps_the_log_lines(serving, project, toml):
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'LOGGING = {"version": 1, "disable_existing_loggers": True}\n')
    server = serving()
    server.get("/api/products/")
    server.stop()
    assert "GET /api/products/ 200 catalog" in server.log


def test_a_project_may_log_requests_its_own_way(serving, project, toml):
    logging = """LOGGING = {
        "version": 1,
        "formatters": {"short": {"format": "%(upstream)s|%(path)s|%(status)s"}},
        "handlers": {"short": {"class": "logging.StreamHandler", "formatter": "short"}},
        "loggers": {"gateway.access": {"handlers": ["short"], "level": "INFO", "propagate": False}},
    }"""
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + logging)
    server = serving()
    server.get("/api/products/")
    server.stop()
    assert "\ncatalog|/api/products/|200\n" in server.log
    assert "GET /api/products/" not in server.log


def test_no_colours_but_on_a_terminal(serving, toml):
    assert "\x1b" not in serving().log


# -- how it runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(serving, toml, number):
    server = serving()
    assert server.stop(number) == 0
    assert "Application shutdown complete" in server.log


def test_workers(serving, toml):
    server = serving("--workers", "2")
    server.wait_for("Application startup complete", times=2)
    assert server.get("/api/products/")[1]["x-served-by"] == "catalog"
    assert "2 workers × 40 threads" in server.log
    assert server.stop() == 0


def test_workers_find_a_configuration_elsewhere(serving, project, toml):
    toml.rename(project / "other.toml")
    server = serving("--workers", "2", "--config", "other.toml", "--root-path", "/shop/")
    assert server.get("/shop/api/products/")[0] == 200
    assert server.get("/admin/login/")[0] == 200


def test_a_root_path_is_part_of_every_url(serving, toml):
    server = serving("--root-path", "/shop")
    assert server.get("/static/admin/css/base.css")[0] == 200
    assert 'href="/shop/static/admin/css/base.css"' in _body(server.url + "/admin/login/")


def test_a_root_path_in_the_configuration_does_the_same(serving, toml):
    toml.write_text('[gateway]\nroot_path = "/shop"\n' + toml.read_text())
    server = serving("--workers", "2")
    assert server.get("/shop/static/admin/css/base.css")[0] == 200
    assert 'href="/shop/static/admin/css/base.css"' in _body(server.url + "/shop/admin/login/")


def _body(url: str) -> str:
    from urllib.request import urlopen

    with urlopen(url) as response:
        return response.read().decode()


def test_reload_watches_the_configuration(serving, toml):
    server = serving("--reload")
    toml.write_text('[gateway]\nserved_by = "X-Who"\n' + toml.read_text())
    server.wait_for("Application startup complete", times=2)
    assert server.get("/api/products/")[1]["x-who"] == "catalog"
    assert server.stop() == 0


def test_reload_survives_a_broken_configuration(serving, toml):
    server, good = serving("--reload"), toml.read_text()
    toml.write_text(BROKEN)
    server.wait_for("gateway.served_by = 'X Served By'")
    time.sleep(0.5)  # uvicorn looks four times a second
    toml.write_text(good)
    server.wait_for("Application startup complete", times=2)
    assert server.get("/api/products/")[0] == 200


def test_a_unix_socket(serving, project, toml):
    server = serving("--uds", "gateway.sock")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(project / "gateway.sock"))
        client.sendall(b"GET /api/products/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert server.stop() == 0
    assert not (project / "gateway.sock").exists()


def test_a_client_behind_a_unix_socket_is_whom_the_proxy_names(serving, project, toml):
    with (project / "mysite" / "urls.py").open("a") as urls:
        urls.write("from django.http import HttpResponse\n")
        urls.write("urlpatterns += [path('who/', lambda request: HttpResponse(request.META['REMOTE_ADDR']))]\n")
    serving("--uds", "gateway.sock", "--forwarded-allow-ips", "*")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(project / "gateway.sock"))
        client.sendall(b"GET /who/ HTTP/1.0\r\nHost: localhost\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\n\r\n")
        assert client.makefile("rb").read().endswith(b"\r\n\r\n1.2.3.4")


@pytest.mark.parametrize("parser", ["h11", "httptools", "zttp"])
def test_every_parser_serves(serving, toml, parser):
    server = serving("--http", parser)
    assert server.get("/api/products/")[0] == 200


def test_proxies_that_are_no_addresses_are_one_line(gateway, toml):
    result = gateway("serve", "--port", "0", "--forwarded-allow-ips", "nginx")
    assert (result.returncode, result.stderr.count("\n")) == (3, 1)
    assert "'nginx' is no address or network" in result.stderr


def test_the_configuration_may_be_in_pyproject(serving, project):
    (project / "pyproject.toml").write_text('[tool.gateway.legacy]\nsettings = "mysite.settings"\n')
    assert serving("--workers", "2").get("/admin/login/")[0] == 200


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_costs_little_more_memory_than_uvicorn_alone(serving, project, toml):
    plain = [sys.executable, "-m", "uvicorn", "gateway.asgi:app", "--port", "0"]
    process = subprocess.Popen(plain, cwd=project, env=environment(), stderr=subprocess.PIPE, text=True)
    with process:
        while "startup complete" not in process.stderr.readline():
            assert process.poll() is None
        alone = _resident(process.pid)
        process.terminate()
        process.stderr.read()
    server = serving()
    assert _resident(server.pid) - alone < 6_000  # typer, and what stops a server well


def _resident(pid: int) -> int:
    """Kilobytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


# -- --reload -----------------------------------------------------------------------------------------


@pytest.fixture
def page(project: Path) -> Path:
    """A template in the project's folder, which / shows."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace("'DIRS': []", "'DIRS': [BASE_DIR / 'pages', BASE_DIR / 'more']"))
    urls = "from django.urls import path\nfrom django.views.generic import TemplateView\n"
    urls += "urlpatterns = [path('', TemplateView.as_view(template_name='page.html'))]\n"
    (project / "mysite" / "urls.py").write_text(urls)
    template = project / "more" / "page.html"
    for folder in ("more", "pages"):
        (project / folder).mkdir()
    template.write_text("old")
    return template


def _shows(url: str, text: str) -> None:
    deadline = time.monotonic() + 30
    while (shown := _body(url + "/")) != text:
        assert time.monotonic() < deadline, shown
        time.sleep(0.05)


def test_reload_takes_templates_in_without_a_restart(serving, project, toml, page):
    server = serving("--reload")
    assert _body(server.url + "/") == "old"
    time.sleep(1)  # Django's reloader takes a first look
    page.write_text("new")
    _shows(server.url, "new")
    (project / "pages" / "page.html").write_text("found before the other")
    _shows(server.url, "found before the other")
    (project / "pages" / "page.html").unlink()
    _shows(server.url, "new")
    assert server.log.count("Application startup complete") == 1


def test_reload_restarts_for_the_environment_file(serving, project, toml):
    server = serving("--reload")
    (project / ".env").write_text("DEBUG=1\n")
    server.wait_for("Application startup complete", times=2)
