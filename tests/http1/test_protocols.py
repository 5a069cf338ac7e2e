"""Each parser is loaded where it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway import http1
from gateway.http1 import protocol


@pytest.mark.parametrize(("name", "found"), [("httptools", "HttpTools"), ("h11", "H11"), ("zttp", "Zttp")])
def test_it_is_known_by_its_name_and_as_an_attribute_for_uvicorn(name, found):
    assert protocol(name) is getattr(http1, found)
    assert protocol(name).__name__ == found


def test_auto_is_httptools():
    assert protocol("auto") is http1.HttpTools


def test_auto_is_h11_where_there_is_no_httptools(monkeypatch):
    monkeypatch.setitem(sys.modules, "gateway.http1.httptools", None)
    assert protocol("auto") is http1.H11


def test_a_parser_that_is_not_installed_is_said_to_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "gateway.http1.zttp", None)
    with pytest.raises(ValueError, match=r"--http zttp: it isn't installed, .* pip install -U uvicorn zttp"):
        protocol("zttp")


def test_nothing_else_is_there():
    with pytest.raises(AttributeError, match=r"'gateway\.http1' has no attribute 'Http3'"):
        http1.Http3  # noqa: B018 - that is what fails


def test_no_other_parser_is_loaded():
    script = (
        "import sys; from gateway.http1 import protocol; protocol('httptools'); print({'h11', 'zttp'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
