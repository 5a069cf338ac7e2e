"""The sockets that `gateway serve` opens, and its banner."""

import socket
import sys
from types import SimpleNamespace

import pytest

from gateway.server import banner
from gateway.server.listening import bind, bind_unix
from gateway.server.terminal import StartError
from gateway.server.uvicorn import loop_factory


@pytest.fixture
def opened():
    """Closes the sockets that are put into it."""
    sockets = []
    yield sockets
    for sock in sockets:
        sock.close()


def test_every_address_of_a_host_gets_the_same_port(opened):
    opened += bind("localhost", 0)
    assert len({sock.getsockname()[1] for sock in opened}) == 1


def test_nothing_is_accepted_before_the_server_runs(opened):
    opened += bind("127.0.0.1", 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(opened[0].getsockname())


def addresses(monkeypatch, *found):
    """Let a host have these addresses."""
    families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in found]
    rest = [(one, 0, 0, 0) if ":" in one else (one, 0) for one in found]
    infos = [(family, socket.SOCK_STREAM, 6, "", one) for family, one in zip(families, rest, strict=True)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: infos)


NOT_HERE = ["192.0.2.1", "2001:db8::1"]  # of no machine: RFC 5737, RFC 3849


@pytest.mark.parametrize("away", NOT_HERE)
def test_an_address_that_this_machine_has_not_is_left_out(opened, monkeypatch, away):
    addresses(monkeypatch, away, "127.0.0.1")
    opened += bind("both.example", 0)
    assert [sock.getsockname()[0] for sock in opened] == ["127.0.0.1"]


def test_a_host_of_another_machine_is_named(monkeypatch):
    addresses(monkeypatch, *NOT_HERE)
    with pytest.raises(StartError, match=r"--host both\.example: none of its addresses is one of this machine"):
        bind("both.example", 0)


def test_one_address_that_this_machine_has_not_is_named(monkeypatch):
    addresses(monkeypatch, NOT_HERE[0])
    with pytest.raises(StartError, match=r"one\.example:0"):
        bind("one.example", 0)


def test_an_unknown_host_is_named():
    with pytest.raises(StartError, match=r"--host no\.such\.host\.invalid: "):
        bind("no.such.host.invalid", 0)


def test_a_unix_socket_that_nobody_serves_is_replaced(opened, tmp_path):
    opened += bind_unix(tmp_path / "socket")
    opened[0].close()
    opened += bind_unix(tmp_path / "socket")


def test_a_unix_socket_in_use_is_left_alone(opened, tmp_path):
    opened += bind_unix(tmp_path / "socket")
    opened[0].listen()
    with pytest.raises(StartError, match="socket is in use; choose another with --uds"):
        bind_unix(tmp_path / "socket")


def test_a_file_is_never_replaced(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StartError, match="there is something else, which is no socket"):
        bind_unix(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_tells_what_the_database_is_asked_for():
    assert banner.database_line(100, 2, 40) == "2 × 40 threads may open 80 connections; PostgreSQL takes 100"


def test_warns_of_more_threads_than_connections():
    assert banner.database_line(100, 3, 40).startswith("WARNING: 3 × 40 threads may open 120 connections;")


def test_asks_only_postgresql():
    assert banner.connection_limit() is None


class Refusing:
    """A PostgreSQL that doesn't answer."""

    vendor = "postgresql"

    def cursor(self):
        raise OSError("connection refused")

    def close(self):
        pass


def test_a_database_that_is_away_does_not_hold_up_the_start(monkeypatch):
    from django import db

    connections = {"default": Refusing()}
    monkeypatch.setattr(db, "connections", type("Connections", (dict,), {"settings": {"default": {}}})(connections))
    monkeypatch.setattr(db, "connection", Refusing())
    assert banner.connection_limit() is None


# -- the event loop -------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [None, SimpleNamespace(new_event_loop=lambda: "a loop")], ids=["missing", "there"])
def test_the_loop_is_uvloops_if_that_is_installed(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "uvloop", module)
    made = loop_factory()
    assert (made and made()) == (module and "a loop")
