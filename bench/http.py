"""Just enough of HTTP/1.1 for a load generator: one response at a time, length known or chunked."""

from dataclasses import dataclass


class MalformedResponseError(ValueError):
    """The bytes are not an HTTP/1.1 response this module understands."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response: status code, decoded body, and whether the connection may be used again."""

    status: int
    body: bytes
    keep_alive: bool


def parse(data: bytes) -> Response | None:
    """Return the response that `data` holds, or None while it is incomplete.

    Raises `MalformedResponseError` for what is no HTTP/1.1 response, has neither a length nor chunks, or
    is followed by bytes nobody asked for (RFC 9112, section 6.3).
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    if not data.startswith(b"HTTP/1.1 "):
        raise MalformedResponseError(f"starts with {data[:20]!r}; expected HTTP/1.1")
    status = int(data[9:12])
    head = data[: end + 2].lower()
    keep_alive = b"\r\nconnection: close\r\n" not in head
    start = end + 4
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        stop = start + int(head[at + 17 : head.index(b"\r\n", at + 17)])
        body = data[start:stop]
    elif b"\r\ntransfer-encoding: chunked\r\n" in head:
        decoded = _chunks(data, start)
        if decoded is None:
            return None
        body, stop = decoded
    else:
        raise MalformedResponseError("neither Content-Length nor chunks")
    if len(data) < stop:
        return None
    if len(data) > stop:
        raise MalformedResponseError(f"{len(data) - stop} bytes after the end of the body")
    return Response(status, body, keep_alive)


def _chunks(data: bytes, start: int) -> tuple[bytes, int] | None:
    """Return the joined chunks and where they end, or None while they are incomplete."""
    parts: list[bytes] = []
    while True:
        line = data.find(b"\r\n", start)
        if line < 0:
            return None
        size = int(data[start:line].split(b";", 1)[0], 16)
        start = line + 2
        if size == 0:
            return (b"".join(parts), start + 2) if data[start : start + 2] == b"\r\n" else None
        parts.append(data[start : start + size])
        start += size + 2
