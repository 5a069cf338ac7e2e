"""The sockets that `gateway serve` opens, and its banner."""

import socket

import pytest

from gateway.server import banner
from gateway.server.listening import bind, bind_unix
from gateway.server.terminal import StartError


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
