"""What a request says, read in one way only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.request import BadRequest, read_request
from tests.support.asgi import scope

REQUEST_ID = b"x-request-id"


def info(target: str = "/", method: str = "GET", *, configured_root: str = "", **more):
    return read_request(scope(target, method, **more), configured_root, REQUEST_ID)


# -- what has two readings ----------------------------------------------------------------------


def test_two_host_lines_are_refused():
    with pytest.raises(BadRequest, match="more than one Host"):
        info(headers=[(b"host", b"a"), (b"host", b"b")])


def test_two_equal_host_lines_are_refused_too():
    with pytest.raises(BadRequest, match="more than one Host"):
        info(headers=[(b"host", b"a"), (b"host", b"a")])


def without_host(version: str):
    asked = scope(http_version=version)
    asked["headers"] = [(b"accept", b"*/*")]
    return read_request(asked, "", REQUEST_ID)


def test_http_1_1_without_a_host_line_is_refused():
    with pytest.raises(BadRequest, match="no Host"):
        without_host("1.1")


@pytest.mark.parametrize("version", ["1.0", "2", "3"])
def test_other_versions_need_none(version):
    assert without_host(version).path == "/"


def test_two_cookie_lines_are_refused():
    with pytest.raises(BadRequest, match="more than one Cookie"):
        info(headers=[(b"cookie", b"sessionid=A"), (b"cookie", b"sessionid=B")])


@pytest.mark.parametrize("version", ["2", "3"])
def test_the_cookie_lines_of_http_2_are_one_header_for_all_who_read_it(version):
    lines = [(b"host", b"a"), (b"cookie", b"a=1"), (b"accept", b"x"), (b"cookie", b"b=2; c=3"), (b"accept", b"y")]
    asked = scope(headers=lines, http_version=version)
    found = read_request(asked, "", REQUEST_ID)
    others = [line for line in lines if line[0] != b"cookie"]
    assert (found.headers[b"cookie"], asked["headers"]) == (
        b"a=1; b=2; c=3",
        [*others, (b"cookie", b"a=1; b=2; c=3")],
    )


def test_other_headers_may_be_repeated():
    assert info(headers=[(b"accept", b"text/html"), (b"accept", b"text/plain")]).path == "/"


@pytest.mark.parametrize("target", ["*", "host:443", "ftp://host/x", "http:///x", "x/y"])
def test_a_target_that_is_neither_path_nor_url_is_refused(target):
    with pytest.raises(BadRequest, match="not a path"):
        info(target)


# -- the path -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/a/b/", "/a/b/"),
        ("/a%20b", "/a b"),
        ("/%CE%BE", "/ξ"),
        ("/a?b=/c", "/a"),
        ("http://testserver/a/b", "/a/b"),
        ("http://testserver", "/"),
        ("https://elsewhere/a%20b?c=d", "/a b"),
    ],
)
def test_the_path_is_decoded_and_without_host_or_query(target, path):
    assert info(target).path == path


@pytest.mark.parametrize(
    ("target", "ambiguous"),
    [
        ("/plain/path/", False),
        ("/a%20b", False),
        ("/dots.in.names", False),
        ("//double", True),
        ("/a//b", True),
        ("/a/../b", True),
        ("/a/./b", True),
        ("/.hidden", True),
        ("/a%2Fb", True),
        ("/a%2fb", True),
        ("/a%0A", True),
        ("/a%00b", True),
        ("/a%5Cb", True),
        ("/a%252Fb", True),
        ("/a%7F", True),
    ],
)
def test_paths_that_others_may_read_differently_are_ambiguous(target, ambiguous):
    assert info(target).ambiguous is ambiguous


@pytest.mark.parametrize(
    ("target", "reading"),
    [
        ("/a//b", "/a/b"),
        ("/a/./b", "/a/b"),
        ("/a/x/../b", "/a/b"),
        ("/../a", "/a"),
        ("/a/b/..", "/a/"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%252Fb", "/a/b"),
        ("/a%0A", "/a"),
        ("/a%5Cb", "/a/b"),
        ("/a/%2E%2E/b", "/b"),
        ("/a/%252E%252E/b", "/b"),
    ],
)
def test_other_readings_of_an_ambiguous_path(target, reading):
    asked = scope(target)
    assert reading in list(read_request(asked, "", REQUEST_ID).alternative_paths(asked["raw_path"]))


@given(st.text("ab/.%2F\\é\n ", max_size=12).map(lambda text: "/" + text))
def test_reading_a_canonical_path_again_changes_nothing(path):
    first = read_request(scope() | {"path": path, "raw_path": path.encode()}, "", REQUEST_ID)
    again = read_request(scope() | {"path": first.path, "raw_path": first.path.encode()}, "", REQUEST_ID)
    assert again.path == first.path


targets = st.lists(st.sampled_from(["a", "/", ".", "%2F", "%2f", "%0A", "%25", "%5C", "\\", "2F", "%20"])).map(
    lambda parts: "/" + "".join(parts)
)


@given(targets)
def test_a_path_that_is_not_ambiguous_has_no_other_reading(target):
    found = info(target)
    others = set(found.alternative_paths(target.encode())) - {found.path}
    assert found.ambiguous or not others


# -- the root -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verbatim", [False, True], ids=["proxy strips", "proxy leaves it"])
@pytest.mark.parametrize(
    ("server", "configured"), [("/shop", ""), ("", "/shop"), ("/shop", "/shop")], ids=["server", "configured", "both"]
)
def test_the_path_is_relative_to_the_root_whoever_knows_it(verbatim, server, configured):
    found = info("/shop/a/b" if verbatim else "/a/b", root_path=server, configured_root=configured)
    assert (found.root, found.path) == ("/shop", "/a/b")


@pytest.mark.parametrize("target", ["/shop", "/shop/"])
def test_the_root_itself_is_the_path_slash(target):
    assert info(target, configured_root="/shop").path == "/"


def test_a_root_ends_where_a_segment_ends():
    assert info("/djangofoo", configured_root="/django").path == "/djangofoo"


def test_a_root_is_taken_off_no_more_often_than_it_was_put_on():
    assert info("/shop/shop/shop/a", root_path="/shop").path == "/shop/shop/a"


def test_a_configured_root_is_taken_off_once():
    assert info("/shop/shop/a", configured_root="/shop").path == "/shop/a"


def test_without_a_root_nothing_is_taken_off():
    found = info("/shop/a")
    assert (found.root, found.path) == ("", "/shop/a")


def test_an_absolute_target_is_relative_to_the_root_too():
    found = read_request(
        scope(root_path="/shop") | {"path": "/shophttp://testserver/a", "raw_path": b"/shophttp://testserver/a"},
        "",
        REQUEST_ID,
    )
    assert found.path == "/a"


# -- methods ------------------------------------------------------------------------------------


def test_a_socket_has_a_method_of_its_own():
    assert info("/x", kind="websocket").method == "WEBSOCKET"


@pytest.mark.parametrize(
    ("method", "headers", "wanted"),
    [
        ("GET", {}, "GET"),
        ("OPTIONS", {}, "OPTIONS"),
        ("OPTIONS", {"Origin": "https://a"}, "OPTIONS"),
        ("OPTIONS", {"Origin": "https://a", "Access-Control-Request-Method": "PUT"}, "PUT"),
        ("OPTIONS", {"Origin": "https://a", "Access-Control-Request-Method": "put"}, "PUT"),
        ("OPTIONS", {"Access-Control-Request-Method": "PUT"}, "OPTIONS"),
        ("GET", {"Origin": "https://a", "Access-Control-Request-Method": "PUT"}, "GET"),
    ],
)
def test_a_preflight_is_routed_as_the_request_it_announces(method, headers, wanted):
    assert info("/x", method, headers=headers).routing_method == wanted


# -- headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "noticed"), [("X-Plain", False), ("X_Odd", True)])
def test_underscores_in_header_names_are_noticed(name, noticed):
    assert info(headers={name: "1"}).underscored is noticed


@pytest.mark.parametrize("given_id", ["a", "0f3c", "req-1_2".replace("_", "."), "a/b+c=d:e", "x" * 128])
def test_a_well_formed_request_id_is_accepted(given_id):
    assert info(headers={"X-Request-ID": given_id}).request_id == given_id.encode()


@pytest.mark.parametrize("given_id", ["", " ", "-a", "a b", "a\x00", "é", "x" * 129, "a\r\nb", "<script>", "a\n"])
def test_any_other_request_id_is_not(given_id):
    assert info(headers={"X-Request-ID": given_id}).request_id is None


def test_without_a_header_for_it_no_request_id_is_read():
    asked = scope(headers={"X-Request-ID": "abc"})
    assert read_request(asked, "", None).request_id is None


def test_facts_show_what_was_asked():
    assert repr(info("/shop/a", "POST", configured_root="/shop")) == "RequestInfo(POST /shop/a)"


def test_facts_show_a_path_with_a_line_end_in_one_line():
    assert "\n" not in repr(info("/a%0Ab"))
