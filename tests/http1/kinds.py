"""Requests that an attacker may send, by category: what is sent, and the status that it gets.

`{p}` in a target is the upstream's prefix, `{session}` a member of staff's session. Every request is the last on its
connection, unless it says otherwise: what is answered twice was read as two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

OK, BAD = 200, 400
HOST = "Host: localhost"
CLOSE = "Connection: close"


@dataclass(frozen=True)
class Kind:
    """One request. `answers`: how many there are. `finished`: the client sends no more after it."""

    name: str
    sent: bytes
    status: int
    answers: int = 1
    finished: bool = False
    refused_by: frozenset[str] = frozenset()  # upstreams for which it is a bad request all the same

    def __repr__(self) -> str:
        return self.name


def request(
    *lines: str | bytes, target: str | bytes = "{p}/x", method: str = "GET", version: str = "HTTP/1.1",
    host: str | None = HOST, close: str | None = CLOSE, body: str | bytes = b"",
) -> bytes:  # fmt: skip
    """The bytes of a request."""
    first = method.encode("latin-1") + b" " + _bytes(target) + b" " + version.encode("latin-1")
    fields = [line for line in (host, *lines, close) if line is not None]
    return b"\r\n".join([first, *map(_bytes, fields), b"", _bytes(body)])


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def post(*lines: str, body: str | bytes = b"hello", **more) -> bytes:
    return request(*lines, method="POST", body=body, **more)


def chunked(body: str | bytes, *lines: str, **more) -> bytes:
    return post("Transfer-Encoding: chunked", *lines, body=body, **more)


def kinds() -> list[Kind]:
    """All of them."""
    found = [kind for category in CATEGORIES for kind in category()]
    assert len({kind.name for kind in found}) == len(found)
    return found


def table(category: str, build, rows: dict, status: int, **more) -> Iterator[Kind]:
    """Kinds that get the same status; a row is its name and what it is built from."""
    for name, arguments in rows.items():
        yield Kind(
            f"{category}: {name}", build(*arguments if isinstance(arguments, tuple) else (arguments,)), status, **more
        )


def each(values) -> dict:
    return {(repr(value) if len(value) < 60 else f"{value[:20]!r}… ({len(value)})"): value for value in values}


def methods() -> Iterator[Kind]:
    def build(method):
        return request(method=method)

    yield from table("method", build, each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]), OK)
    yield from table("method", build, each(["PROPFIND", "PURGE"]), OK)
    odd = ["get", "Get", "gET", "post", "FOO", "G3T", "GE T", "", "GET\t", "GET,", "G\x00T", "\x80GET", "GET/", "(GET)"]
    odd += ["CONNECT", "PRI", "SOURCE", "QUERY", "M-SEARCH", "DESCRIBE", "X" * 300, "GETGET", "\x16\x03\x01"]
    yield from table("method", build, each(odd), BAD)


def versions() -> Iterator[Kind]:
    def build(version):
        return request(version=version)

    yield from table("version", build, each(["HTTP/1.0", "HTTP/1.1"]), OK)
    odd = ["HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/1", "HTTP/1.10", "HTTP/11"]
    odd += [
        "http/1.1",
        "HTTP /1.1",
        "HTTP/1.1 ",
        "HTTP/1.1\t",
        "HTTPS/1.1",
        "HTTP/01.1",
        "HTTP/1,1",
        "ICE/1.0",
        "",
        "HTTP/1.1x",
    ]
    yield from table("version", build, each(odd), BAD)
    yield Kind("version: none", b"GET {p}/x\r\n\r\n", BAD)
    for version in ("HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0"):
        two = request("Cookie: a=1", "Cookie: sessionid={session}", version=version)
        yield Kind(f"version: two Cookie lines in {version}", two, BAD)
        yield Kind(f"version: two Host lines in {version}", request(HOST, version=version), BAD)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    yield Kind("version: HTTP/2 without asking", preface, BAD)


def targets() -> Iterator[Kind]:
    def build(target):
        return request(target=target)

    good = [
        "{p}/",
        "{p}/x?y",
        "{p}/x?",
        "{p}/x??",
        "{p}/x?y?z=/..",
        "{p}/x%20y",
        "{p}/%CE%BE",
        "{p}/%E9",
        "{p}/%FF%FE",
        "{p}/%",
        "{p}/%zz",
    ]
    good += ["{p}/%u0041", "{p}/x;y=1", "{p}/x,y", "{p}/|", '{p}/"', "{p}/<x>", "{p}/^", "{p}/`", "{p}/{x}", "{p}/[x]"]
    good += [
        "{p}/x:80",
        "{p}/x@y",
        "{p}/http://x",
        "{p}/x?{y}|\\",
        "{p}/x.",
        "{p}/~",
        "{p}/x?%00",
        "{p}/x?%0d%0aX:y",
        "{p}/" + "x" * 2000,
    ]
    good += ["{p}/x?" + "y" * 8000, "{p}/" + "%20" * 3000, "{p}/" + "x" * 15000]
    yield from table("target", build, each(good), OK)
    odd = [
        "{p}/x#y",
        "{p}/#",
        "{p}/x?y#z",
        "{p}/x y",
        "{p}/\xce\xbe",
        "{p}/\xff",
        "{p}/x?\xe9",
        "{p}/\x7f",
        "{p}/x\ty",
        "{p}/\x00",
        "{p}/\x0b",
    ]
    odd += ["*", "localhost", "localhost:80", "x/y", "?x", "", "#", "\\{p}\\x", "///\x01"]
    yield from table("target", build, each(dict.fromkeys(odd)), BAD)
    yield Kind("target: OPTIONS *", request(target="*", method="OPTIONS"), BAD)
    yield Kind("target: CONNECT", request(target="localhost:80", method="CONNECT"), BAD)
    long = ["{p}/" + "x" * 17000, "{p}/x?" + "y" * 20000, "{p}/" + "x" * 70000, "{p}/" + "%2e" * 30000]
    yield from table("target", build, each(long), 414)
    # Where a route leads, what a proxy or a framework may read in another way is refused unless it leads there too.
    several = ["{p}//x", "{p}/x%2fy", "{p}/x%252fy", "{p}/x%00", "{p}/%0d%0a", "{p}/x\\y"]
    yield from table("target", build, each(several), OK)
    yield from table("target", build, each(["{p}/x/../y", "{p}/./x"]), OK, refused_by={"far"})
    yield from table("target", build, each(["{p}/%2e%2e/x", "{p}/../x"]), OK, refused_by={"plain", "bridged", "far"})
    yield Kind("target: absolute", request(target="http://localhost{p}/x?y"), OK)
    yield Kind("target: absolute, in capitals", request(target="HTTP://LOCALHOST{p}/x"), OK)
    yield Kind("target: absolute, for https", request(target="https://localhost{p}/x"), OK)
    yield Kind(
        "target: absolute, no Host in 1.0", request(target="http://localhost{p}/x", host=None, version="HTTP/1.0"), OK
    )
    yield Kind("target: absolute, no Host in 1.1", request(target="http://localhost{p}/x", host=None), BAD)
    other = [
        "http://evil.example{p}/x",
        "http://localhost:80{p}/x",
        "http://user@localhost{p}/x",
        "http:///{p}/x",
        "http://",
        "http:",
    ]
    other += [
        "http://localhost\\@evil{p}/x",
        "ftp://localhost{p}/x",
        "http://[::1{p}/x",
        "ws://localhost{p}/x",
        "http://localhost#{p}",
    ]
    yield from table("target", build, each(other), BAD)


def hosts() -> Iterator[Kind]:
    def build(host):
        return request(host=f"Host: {host}")

    good = [
        "localhost",
        "localhost:80",
        "localhost:8000",
        "LOCALHOST",
        "127.0.0.1",
        "localhost ",
        "\tlocalhost",
        "localhost.",
    ]
    yield from table("host", build, each(good), OK)
    odd = ["", "localhost:abc", "evil.example", "localhost, evil.example", "localhost evil.example", "localhost@evil"]
    odd += [
        "localhost/x",
        "localhost#x",
        "localhost?x",
        "user:pw@localhost",
        "\xe9",
        "[::1",
        "localhost:80:80",
        "http://localhost",
        "-",
        "*",
    ]
    yield from table("host", build, each(odd), BAD)
    yield Kind("host: none in 1.1", request(host=None), BAD)
    yield Kind("host: none in 1.0", request(host=None, version="HTTP/1.0"), OK)
    yield Kind("host: twice the same", request(HOST), BAD)
    yield Kind("host: another one", request("Host: evil.example"), BAD)
    yield Kind("host: another one, in lower case", request("host: evil.example"), BAD)
    yield Kind("host: one before a space", request("Host : evil.example"), BAD)
    yield Kind("host: one folded", request("X-One: a", " Host: evil.example"), BAD)
    yield Kind("host: with an underscore", request("Http_Host: evil.example", "X_Host: evil"), OK)


def lengths() -> Iterator[Kind]:
    def build(length):
        return post(f"Content-Length: {length}")

    yield from table("length", build, each(["5", " 5", "5 ", "\t5\t", "005", "0000000005"]), OK)
    odd = [
        "",
        "+5",
        "-5",
        "0x5",
        "5 5",
        "5,5",
        "5, 5",
        "5,6",
        "5.0",
        "5;",
        "5\x0b",
        "\x0b5",
        "1e1",
        "\xb2",
        "9" * 20,
        "five",
        "5_0",
        '"5"',
        "5\x00",
    ]
    yield from table("length", build, each(odd), BAD)
    yield Kind("length: none, for a POST", post(body=b""), OK)
    yield Kind("length: 0", post("Content-Length: 0", body=b""), OK)
    yield Kind("length: of a GET", request("Content-Length: 5", body=b"hello"), OK)
    yield Kind("length: of a HEAD", request("Content-Length: 5", body=b"hello", method="HEAD"), OK)
    yield Kind("length: twice the same", post("Content-Length: 5", "Content-Length: 5"), BAD)
    yield Kind("length: two", post("Content-Length: 5", "Content-Length: 6"), BAD)
    yield Kind("length: two, in another case", post("Content-Length: 5", "content-length: 50"), BAD)
    yield Kind("length: before a space", post("Content-Length : 5"), BAD)
    yield Kind("length: folded", post("Content-Length:", " 5"), BAD)
    yield Kind("length: with an underscore", request("Content_Length: 500", method="POST"), OK)
    yield Kind("length: no space", post("content-length:5"), OK)
    hidden = b"GET {p}/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield Kind("length: less than was sent, and closed", post("Content-Length: 5", body=b"hello" + hidden), OK)
    yield Kind("length: more than is sent", post("Content-Length: 50"), 0, answers=0, finished=True)


def codings() -> Iterator[Kind]:
    whole = "5\r\nhello\r\n0\r\n\r\n"

    def build(coding):
        return post(f"Transfer-Encoding: {coding}", body=whole)

    yield from table("coding", build, each(["chunked", "Chunked", "CHUNKED", "chunked ", "\tchunked"]), OK)
    odd = [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked,",
        ",chunked",
        "xchunked",
        "chunkedx",
    ]
    odd += [
        "\x0bchunked",
        "chunked\x0b",
        "chunked;q=1",
        '"chunked"',
        "'chunked'",
        "chunked\x00",
        "chun ked",
        "cow",
        "identity, chunked",
        "chunked\xa0",
        "\xff",
    ]
    yield from table("coding", build, each(odd), BAD)
    yield Kind("coding: twice", chunked(whole, "Transfer-Encoding: chunked"), BAD)
    yield Kind("coding: and another", chunked(whole, "Transfer-Encoding: identity"), BAD)
    yield Kind(
        "coding: and another before it", post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", body=whole), BAD
    )
    yield Kind("coding: then a length", chunked(whole, "Content-Length: 15"), BAD)
    yield Kind("coding: after a length", post("Content-Length: 5", "Transfer-Encoding: chunked", body=whole), BAD)
    yield Kind("coding: beside the length 0", post("Content-Length: 0", "Transfer-Encoding: chunked", body=whole), BAD)
    yield Kind("coding: in HTTP/1.0", chunked(whole, version="HTTP/1.0"), BAD)
    yield Kind("coding: before a space", post("Transfer-Encoding : chunked", body=whole), BAD)
    yield Kind("coding: folded", post("Transfer-Encoding:", " chunked", body=whole), BAD)
    yield Kind("coding: after a bare line feed", post("X-One: a\nTransfer-Encoding: chunked", body=whole), BAD)
    yield Kind("coding: after a bare return", post("X-One: a\rTransfer-Encoding: chunked", body=whole), BAD)
    yield Kind("coding: with an underscore", post("Transfer_Encoding: chunked", "Content-Length: 5"), OK)
    yield Kind("coding: of a GET", request("Transfer-Encoding: chunked", body=whole), OK)
    yield Kind("coding: TE", request("TE: trailers, chunked"), OK)
    hidden = "GET {p}/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield Kind("coding: CL.TE", post("Content-Length: 6", "Transfer-Encoding: chunked", body="0\r\n\r\n" + hidden), BAD)
    yield Kind(
        "coding: TE.CL",
        post("Transfer-Encoding: chunked", "Content-Length: 4", body="5c\r\n" + hidden + "\r\n0\r\n\r\n"),
        BAD,
    )
    yield Kind("coding: TE.TE", chunked("0\r\n\r\n" + hidden, "Transfer-encoding: cow"), BAD)
    yield Kind("coding: TE.0", post("Transfer-Encoding: identity", body=hidden), BAD)


def chunks() -> Iterator[Kind]:
    def build(line, rest="hello\r\n0\r\n\r\n"):
        return chunked(line + rest)

    good = [
        "5\r\n",
        "05\r\n",
        "5;a=b\r\n",
        '5;a="b;c"\r\n',
        "5 ;a\r\n",
        "5;" + "a" * 200 + "\r\n",
        "5;\xe9\r\n",
        "000000000005\r\n",
    ]
    yield from table("chunk", build, each(good), OK)
    odd = [
        "0x5\r\n",
        "+5\r\n",
        "-5\r\n",
        " 5\r\n",
        "5 \r\n",
        "5\n",
        "5\r",
        "5;a\n",
        "\r\n",
        "g\r\n",
        "5;\x00\r\n",
        "5;\r\r\n",
        "5_\r\n",
        "5,5\r\n",
        "5.\r\n",
    ]
    odd += ["0" * 20 + "5\r\n", "FFFFFFFFFFFFFFFF1\r\n", "5;" + "a" * 300 + "\r\n", ";a\r\n", "5\t\r\n", "\xb2\r\n"]
    yield from table("chunk", build, each(odd), BAD)
    yield Kind("chunk: longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), BAD)
    yield Kind("chunk: shorter than its size", chunked("6\r\nhello\r\n0\r\n\r\n"), BAD)
    yield Kind("chunk: no line end", chunked("5\r\nhello0\r\n\r\n"), BAD)
    yield Kind("chunk: a bare line feed after it", chunked("5\r\nhello\n0\r\n\r\n"), BAD)
    yield Kind("chunk: many", chunked("1\r\nh\r\n" * 500 + "00\r\n\r\n"), OK)
    yield Kind("chunk: none", chunked("0\r\n\r\n"), OK)
    yield Kind("chunk: never ends", chunked("5\r\nhello\r\n"), 0, answers=0, finished=True)
    yield Kind("chunk: no end of its trailers", chunked("5\r\nhello\r\n0\r\n"), 0, answers=0, finished=True)
    yield Kind("chunk: far too long a size", chunked("5" * 5000), BAD)

    def trailing(*lines):
        return chunked("5\r\nhello\r\n0\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n")

    names = [
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil.example",
        "Cookie: sessionid={session}",
    ]
    names += [
        "X-Remote-User: root",
        "X-Forwarded-User: root",
        "Host: evil.example",
        "Content-Length: 50",
        "Transfer-Encoding: chunked",
        "X-One: trailing",
        "Expect: 100-continue",
    ]
    yield from table("trailer", trailing, each(names), OK)
    yield from table(
        "trailer",
        trailing,
        each([" folded", "no colon", ": empty", "a b: c", "X-One: \x00", "X-One: a\nb", "X-One : a"]),
        BAD,
    )
    yield Kind(
        "trailer: announced", chunked("5\r\nhello\r\n0\r\nCookie: sessionid={session}\r\n\r\n", "Trailer: Cookie"), OK
    )
    yield Kind("trailer: too many", trailing(*(f"X-{number}: 1" for number in range(300))), 431)
    yield Kind("trailer: too long", trailing("X-One: " + "a" * 70000), 431)


def lines() -> Iterator[Kind]:
    good = [
        "X-One:a",
        "X-One:\ta\t",
        "X-One: a b",
        "X-One:",
        "X-One:  ",
        "x-one: \xe9",
        "X-One: \xff\xfe",
        "X-One: =?utf-8?b?eA==?=",
        "!#$%&'*+-.^`|~9: a",
    ]
    good += [
        "X_One: a",
        "X-One_: a",
        "X-" + "n" * 5000 + ": a",
        "X-One: " + "a" * 15000,
        "X-One: ,,,",
        'X-One: "a\\"b',
        "X-One: a:b",
        "X-One: \x80",
    ]
    yield from table("line", request, each(good), OK)
    odd = [
        " X-One: a",
        "\tX-One: a",
        "X-One : a",
        "X-One\t: a",
        ": a",
        "X-One",
        "",
        "X One: a",
        "X-One: a\x00b",
        "X\x00One: a",
        "X-One: a\rb",
        "X-One: a\nb",
        "X-One: \x01",
        "X-One: \x7f",
    ]
    odd += [
        "X-\xe9: a",
        "X-One(): a",
        "X-One: a\r\n b",
        "X-One: a\r\n\tb",
        "X-One: a\n",
        "X-One: a\r",
        "\x0bX-One: a",
        "X-One: a\x0b",
        "X@One: a",
        "{X}: a",
        "X-One; a",
        "/: a",
    ]
    odd.remove("")
    yield from table("line", request, each(odd), BAD)
    yield Kind("line: ends with bare line feeds", request().replace(b"\r\n", b"\n"), BAD)
    yield Kind("line: one ends with a bare line feed", request("X-One: a").replace(b"a\r\n", b"a\n"), BAD)
    yield Kind("line: the first ends with a bare line feed", request().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"), BAD)
    yield Kind("line: the head ends with a bare line feed", request()[:-2] + b"\n", BAD)
    yield Kind("line: an empty one before the request", b"\r\n" + request(), OK)
    yield Kind("line: a bare line feed before the request", b"\n" + request(), BAD)
    yield Kind("line: a space before the request", b" " + request(), BAD)
    yield Kind("line: two spaces after the method", request(method="GET "), BAD)
    yield Kind("line: ninety", request(*(f"X-{number}: 1" for number in range(90))), OK)
    yield Kind("line: more than a hundred", request(*(f"X-{number}: 1" for number in range(98))), 431)
    yield Kind("line: 20 KB", request("X-One: " + "a" * 20000), 431)
    yield Kind("line: two hundred", request(*(f"X-{number}: 1" for number in range(200))), 431)
    yield Kind("line: ten thousand", request(*(f"X-{number}: 1" for number in range(10000))), 431)
    yield Kind("line: 70 KB", request("X-One: " + "a" * 70000), 431)
    yield Kind("line: a name of 70 KB", request("X" * 70000 + ": a"), 431)
    yield Kind("line: a megabyte, never ending", request("X-One: " + "a" * 10**6)[:-4], 431)
    yield Kind("line: twice", request("X-One: a", "X-One: b"), OK)
    yield Kind("line: the head never ends", request()[:-2], 0, answers=0, finished=True)
    yield Kind("line: 99", request(*(f"X-{number}: 1" for number in range(97))), OK)
    yield Kind(
        "line: a header of 15 KB, four times", request(*(f"X-{number}: " + "a" * 14500 for number in range(4))), OK
    )
    yield Kind("line: nothing at all", b"", 0, answers=0, finished=True)
    yield Kind("line: TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50, BAD)


def cookies() -> Iterator[Kind]:
    rows = [
        "sessionid={session}",
        "a=1; sessionid={session}",
        "sessionid=wrong; sessionid={session}",
        "sessionid={session}; sessionid=wrong",
        'sessionid="{session}"',
    ]
    rows += [
        "sessionid = {session}",
        "SESSIONID={session}",
        "sessionid={session};",
        ";sessionid={session}",
        "sessionid={session}, a=1",
        "$Version=1; sessionid={session}",
    ]
    rows += [
        "sessionid",
        "=",
        "=x; sessionid={session}",
        "a=\xe9; sessionid={session}",
        "sessionid=%00",
        "sessionid=" + "x" * 5000,
        "a=" + "b" * 15000,
        "sessionid={session}\xa0",
        "a;b;c",
        "sessionid=\x80",
        '"; sessionid={session}; "',
    ]
    yield from table("cookie", request, {f"{name}": f"Cookie: {row}" for name, row in each(rows).items()}, OK)
    yield Kind("cookie: two lines", request("Cookie: a=1", "Cookie: sessionid={session}"), BAD)
    yield Kind("cookie: two equal lines", request("Cookie: sessionid={session}", "Cookie: sessionid={session}"), BAD)
    yield Kind("cookie: another one in lower case", request("Cookie: a=1", "cookie: sessionid={session}"), BAD)
    yield Kind("cookie: another one with an underscore", request("Cookie: a=1", "Http_Cookie: sessionid={session}"), OK)


def connections() -> Iterator[Kind]:
    def build(*more):
        return request(*more, close=None) + request(target="{p}/second")

    both = {"answers": 2}
    yield Kind("connection: nothing said", build(), OK, **both)
    yield Kind("connection: keep-alive", build("Connection: keep-alive"), OK, **both)
    yield Kind("connection: an option of its own", build("Connection: X-One", "X-One: a"), OK, **both)
    yield Kind(
        "connection: takes headers away",
        build("Connection: cookie, host, authorization", "Cookie: sessionid={session}"),
        OK,
        **both,
    )
    yield Kind("connection: close", build("Connection: close"), OK)
    yield Kind("connection: Close", build("Connection: Close"), OK)
    yield Kind("connection: close and keep-alive", build("Connection: keep-alive, close"), OK)
    yield Kind("connection: close, in two lines", build("Connection: close", "Connection: keep-alive"), OK)
    yield Kind("connection: close, in the other order", build("Connection: keep-alive", "Connection: close"), OK)
    yield Kind("connection: HTTP/1.0", request(version="HTTP/1.0", close=None), OK)
    yield Kind(
        "connection: HTTP/1.0, keep-alive", request("Connection: keep-alive", version="HTTP/1.0", close=None), OK
    )
    yield Kind("connection: Proxy-Connection", build("Proxy-Connection: close"), OK, **both)
    yield Kind(
        "upgrade: to h2c",
        build("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
        OK,
        **both,
    )
    yield Kind("upgrade: to h2c, with a body", post("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 5"), OK)
    yield Kind(
        "upgrade: to h2c, in chunks", chunked("5\r\nhello\r\n0\r\n\r\n", "Connection: Upgrade", "Upgrade: h2c"), OK
    )
    yield Kind("upgrade: to nothing", build("Connection: Upgrade"), OK, **both)
    yield Kind("upgrade: unsaid in Connection", build("Upgrade: websocket"), OK, **both)
    yield Kind("upgrade: to TLS", build("Connection: Upgrade", "Upgrade: TLS/1.0"), OK, **both)
    yield Kind("upgrade: to one of two", build("Connection: Upgrade", "Upgrade: websocket, h2c"), OK, **both)
    yield Kind(
        "upgrade: to a socket, by a POST", post("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5"), OK
    )
    yield Kind(
        "upgrade: to a socket, in HTTP/1.0",
        request("Connection: Upgrade", "Upgrade: websocket", version="HTTP/1.0", close=None),
        OK,
    )
    yield Kind(
        "upgrade: to a socket, with a body",
        request("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5", body="hello"),
        OK,
    )
    yield Kind(
        "upgrade: to a socket, without its key", request("Connection: Upgrade", "Upgrade: websocket", close=None), BAD
    )
    yield Kind("expect: 100-continue", post("Expect: 100-continue", "Content-Length: 5"), OK)
    yield Kind("expect: 100-Continue", post("Expect: 100-Continue", "Content-Length: 5"), OK)
    yield Kind("expect: 100-continue, in chunks", chunked("5\r\nhello\r\n0\r\n\r\n", "Expect: 100-continue"), OK)
    yield Kind("expect: 100-continue, without a body", build("Expect: 100-continue"), OK, **both)
    yield Kind(
        "expect: 100-continue, in HTTP/1.0", post("Expect: 100-continue", "Content-Length: 5", version="HTTP/1.0"), OK
    )
    yield Kind("expect: something else", post("Expect: 200-ok", "Content-Length: 5"), OK)
    yield Kind("expect: twice", post("Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5"), OK)
    many = b"".join(request(target=f"{{p}}/{number}", close=None) for number in range(20))
    yield Kind("pipeline: twenty", many + request(), OK, answers=21)
    yield Kind("pipeline: after a body", post("Content-Length: 5", close=None) + request(), OK, answers=2)
    yield Kind("pipeline: after chunks", chunked("5\r\nhello\r\n0\r\n\r\n", close=None) + request(), OK, answers=2)
    yield Kind(
        "pipeline: an empty line between", post("Content-Length: 5", close=None) + b"\r\n" + request(), OK, answers=2
    )
    yield Kind("pipeline: something that is none", request(close=None) + b"nonsense\r\n\r\n", OK, answers=2)
    yield Kind(
        "pipeline: two Cookie lines in the second",
        request(close=None) + request("Cookie: a", "Cookie: b"),
        OK,
        answers=2,
    )


ADDRESSES = {
    "1.2.3.4": "1.2.3.4",
    "6.6.6.6, 1.2.3.4": "1.2.3.4",
    "6.6.6.6,1.2.3.4": "1.2.3.4",
    "127.0.0.1, 1.2.3.4": "1.2.3.4",
    "1.2.3.4, 127.0.0.1": "1.2.3.4",
    "6.6.6.6, 1.2.3.4, 127.0.0.1": "1.2.3.4",
    "1.2.3.4:80": "1.2.3.4",
    "2001:db8::1": "2001:db8::1",
    "[2001:db8::1]": "2001:db8::1",
    "[2001:db8::1]:443": "2001:db8::1",
    "::ffff:1.2.3.4": "::ffff:1.2.3.4",
    "127.0.0.1": "127.0.0.1",
    "": "127.0.0.1",
    " , ": "127.0.0.1",
    "1.2.3.4, ": "127.0.0.1",
    "6.6.6.6, unknown": "127.0.0.1",
    "6.6.6.6, _hidden": "127.0.0.1",
    "<script>": "127.0.0.1",
    "1.2.3": "127.0.0.1",
    "01.2.3.4": "127.0.0.1",
    "1.2.3.4.5": "127.0.0.1",
    "1.2.3.4:port": "1.2.3.4",
    "[1.2.3.4": "127.0.0.1",
    "localhost": "127.0.0.1",
    "\xe9": "127.0.0.1",
    "6.6.6.6, " * 400 + "1.2.3.4": "1.2.3.4",
}  # what X-Forwarded-For says → whom the request came from, where that is believed
SCHEMES = {
    "https": "https", "http": "http", "HTTPS": "https", "wss": "https", "ws": "http", "https, http": "http",
    "http, https": "https", "": "http", "ftp": "http", "https://": "http", "https;": "http", "\xe9": "http",
}  # fmt: skip
# The same for X-Forwarded-Proto


def proxies() -> Iterator[Kind]:
    for name, value in each(ADDRESSES).items():
        yield Kind(f"client: {name}", request(f"X-Forwarded-For: {value}"), OK)
    yield Kind("client: in two lines", request("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1.2.3.4"), OK)
    yield Kind("client: in a line with an underscore", request("X_Forwarded_For: 6.6.6.6"), OK)
    yield Kind(
        "client: by other names",
        request("X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6", "Client-IP: 6.6.6.6", "True-Client-IP: 6.6.6.6"),
        OK,
    )
    taken_away = request("Connection: X-Forwarded-For, close", "X-Forwarded-For: 1.2.3.4", close=None)
    yield Kind("client: taken away by Connection", taken_away + request(target="{p}/second"), OK)
    for name, value in each(SCHEMES).items():
        yield Kind(f"scheme: {name}", request(f"X-Forwarded-Proto: {value}"), OK)
    yield Kind("scheme: in two lines", request("X-Forwarded-Proto: http", "X-Forwarded-Proto: https"), OK)
    yield Kind(
        "scheme: by other names",
        request("X-Forwarded-Ssl: on", "Front-End-Https: on", "X-Forwarded-Scheme: https", "Forwarded: proto=https"),
        OK,
    )
    yield Kind(
        "user: by headers",
        request("X-Remote-User: root", "X-Forwarded-User: root", "Remote-User: root", "X_Remote_User: root"),
        OK,
    )
    hosts = {
        "another": ("X-Forwarded-Host: evil.example",),
        "one of ours": ("X-Forwarded-Host: testserver",),
        "two": ("X-Forwarded-Host: testserver, evil.example",),
    }
    hosts |= {
        "none": ("X-Forwarded-Host:",),
        "in two lines": ("X-Forwarded-Host: testserver", "X-Forwarded-Host: testserver"),
    }
    hosts |= {
        "a port": ("X-Forwarded-Port: 4444",),
        "no port": ("X-Forwarded-Port: x",),
        "an underscore": ("X_Forwarded_Host: evil.example",),
    }
    yield from table("forwarded host", request, hosts, OK)
    yield Kind(
        "forwarded host: none in 1.0, but a port", request("X-Forwarded-Port: 4444", host=None, version="HTTP/1.0"), OK
    )
    yield Kind(
        "forwarded host: a prefix",
        request("X-Forwarded-Prefix: /evil", "X-Script-Name: /evil", "Script-Name: /evil"),
        OK,
    )


CATEGORIES = (methods, versions, targets, hosts, lengths, codings, chunks, lines, cookies, connections, proxies)
