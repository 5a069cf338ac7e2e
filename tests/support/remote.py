"""A server at the other end of `url`: bare sockets in a thread, so that a test decides what it does and when."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable

PATIENCE = 20.0


class Peer:
    """One connection that the gateway opened."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self._socket = connection
        self.received = b""

    def until(self, marker: bytes) -> bytes:
        """What was received, once it contains `marker`."""
        while marker not in self.received:
            data = self._socket.recv(2**16)
            if not data:
                raise ConnectionError(f"closed before {marker!r}: {self.received!r}")
            self.received += data
        return self.received

    def head(self) -> tuple[str, dict[str, str]]:
        """The request line and the headers."""
        lines = self.until(b"\r\n\r\n").partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        return lines[0], dict(line.lower().split(": ", 1) for line in lines[1:])

    def body(self, size: int) -> bytes:
        """The first `size` bytes after the headers."""
        while len(found := self.until(b"\r\n\r\n").partition(b"\r\n\r\n")[2]) < size:
            self.received += self._socket.recv(2**16)
        return found

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self, body: bytes = b"", *lines: str, status: str = "200 OK") -> None:
        """A whole answer."""
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *lines]
        self.send("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def is_left(self) -> bool:
        """Wait until the other side closes; False when it does not."""
        try:
            while self._socket.recv(2**16):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def close(self) -> None:
        self._socket.close()


class Remote:
    """A listening server. `peers` has the connections as they come; `behave` answers each on a thread of its own."""

    def __init__(self, behave: Callable[[Peer], None] | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._behave = behave
        self._open: list[Peer] = []
        self.peers: queue.Queue[Peer] = queue.Queue()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            peer = Peer(connection)
            self._open.append(peer)
            self.peers.put(peer)
            if self._behave is not None:
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: Peer) -> None:
        assert self._behave is not None
        try:
            self._behave(peer)
        except OSError:
            pass  # the gateway closed the connection
        finally:
            peer.close()

    def peer(self) -> Peer:
        """The next connection."""
        return self.peers.get(timeout=PATIENCE)

    def close(self) -> None:
        # Closing alone would leave `accept` waiting.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(PATIENCE)
        for peer in self._open:
            peer.close()
