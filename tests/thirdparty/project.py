"""Django projects made by their own commands, and servers for them, each in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self

import httpx

BIN = Path(sys.executable).parent
PATIENCE = 120.0  # seconds; only a failing test waits that long
READY = re.compile(r"http://127\.0\.0\.1:(\d+)")

GATEWAY = (str(BIN / "gateway"), "serve", "--port", "0")
DJANGO = (sys.executable, "manage.py", "runserver", "--noreload", "127.0.0.1:0")


class Project:
    """A project in `folder`, which a command such as `django-admin startproject` has filled."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.folder = folder
        folder.mkdir()
        self.run(*command)

    def run(self, *command: str, **variables: str) -> str:
        """Run a command in the project's folder, and return what it printed."""
        done = subprocess.run(
            command, cwd=self.folder, env=_environment(variables), capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *arguments: str, **variables: str) -> str:
        """Run `manage.py` with `arguments`."""
        return self.run(sys.executable, "manage.py", *arguments, **variables)

    def add_superuser(self) -> None:
        """Make the user "boss", with the password "boss", as the documentation of createsuperuser has it."""
        self.manage(
            "createsuperuser",
            "--noinput",
            DJANGO_SUPERUSER_USERNAME="boss",
            DJANGO_SUPERUSER_PASSWORD="boss",
            DJANGO_SUPERUSER_EMAIL="boss@example.com",
        )

    def files(self) -> dict[str, str]:
        """A digest of every file, by its path."""
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.folder)): sha256(path.read_bytes()).hexdigest() for path in found}

    def serve(self, *command: str, **variables: str) -> Server:
        """Start a server; use what it returns in a `with` statement."""
        return Server(self.folder, command, variables)


class Server:
    """A server of a project. `client` is a browser that follows no redirects."""

    def __init__(self, folder: Path, command: tuple[str, ...], variables: dict[str, str]) -> None:
        self._log = (folder.parent / f"{folder.name}-{time.monotonic_ns()}.log").open("w+b")
        self._process = subprocess.Popen(
            command, cwd=folder, env=_environment(variables), stdout=self._log, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> Self:
        try:
            self.client = httpx.Client(base_url=self._address(), timeout=PATIENCE)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._end()

    @property
    def log(self) -> str:
        """What the server has printed."""
        return Path(self._log.name).read_text(errors="replace")

    def _address(self) -> str:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            if found := READY.search(self.log):
                try:
                    httpx.get(f"{found[0]}/favicon.ico", timeout=PATIENCE)
                except httpx.ConnectError:
                    pass
                else:
                    return found[0]
            time.sleep(0.05)
        raise AssertionError(f"the server does not serve:\n{self.log}")

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    # -- as a browser ---------------------------------------------------------------------------

    def log_in(self, path: str) -> httpx.Response:
        """Fill the login form at `path` in for "boss", and send it; whoever was logged in is forgotten."""
        self.client.cookies.clear()
        return self.submit(path, username="boss", password="boss")

    def submit(self, path: str, *, files: dict[str, Any] | None = None, **changes: str) -> httpx.Response:
        """Open the page at `path`, change fields of its form, and send it where it says."""
        page = self.client.get(path)
        assert page.status_code == 200, page
        form = Form.of(page.text)
        return self.client.post(
            form.action or path, data=form.fields | changes, files=files, headers={"Referer": str(page.url)}
        )


class Form(HTMLParser):
    """The form of a page that is sent with POST and has the most fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, Any] = {}
        self._in_form = False
        self._name: str | None = None
        self._of_select: str | None = None

    @classmethod
    def of(cls, html: str) -> Form:
        best = cls()
        for found in re.findall(r"<form\b.*?</form>", html, re.DOTALL | re.IGNORECASE):
            form = cls()
            form.feed(found)
            if "csrfmiddlewaretoken" in form.fields and len(form.fields) > len(best.fields):
                best = form
        assert best.fields, "the page has no form"
        return best

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name")
        if tag == "form":
            self.action = given.get("action") or ""
        elif tag == "input" and name and given.get("type") not in ("submit", "file", "button"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.fields[name] = given.get("value") or ""
        elif tag == "textarea" and name:
            self._name = name
            self.fields[name] = ""
        elif tag == "select":
            self._of_select = name
        elif tag == "option" and self._of_select and ("selected" in given or self._of_select not in self.fields):
            self.fields[self._of_select] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._name = None
        elif tag == "select":
            self._of_select = None

    def handle_data(self, data: str) -> None:
        if self._name:
            self.fields[self._name] += data


def _environment(more: dict[str, str]) -> dict[str, str]:
    """This process's environment, without the demo's settings; nothing is compiled into the project's folder.

    Wagtail writes sets into its pages, so both servers have to hash alike.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "GATEWAY_", "PYTEST_"))}
    own = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        # Wagtail writes CSS classes in the order of a set: two servers of Django's own would differ otherwise.
        "PYTHONHASHSEED": "0",
        "NO_PROXY": "*",
    }
    return kept | own | more
