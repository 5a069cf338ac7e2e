"""Whole bodies: each is redacted as what it is, and left out where nobody can tell what is in it."""

import io
from urllib.parse import parse_qs

import pytest
from django.http.multipartparser import MultiPartParser
from PIL import Image

from gateway.parity.pointer import compile_patterns
from gateway.parity.redact.bodies import FILES, redacted_body
from gateway.parity.redact.pseudonyms import Pseudonyms

FORM = "application/x-www-form-urlencoded"
UPLOAD = (
    b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@example.org\r\n'
    b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nA boat\r\n'
    b'--x\r\nContent-Disposition: form-data; name="photo"; filename="ada at home.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG secret\r\n--x--\r\n"
)


@pytest.fixture
def pseudonyms():
    return Pseudonyms(b"key", frozenset(), compile_patterns(()))


def test_json_stays_json(pseudonyms):
    made = redacted_body(b'{"email": "ada@example.org", "n": 1}', "application/vnd.api+json; charset=utf-8", pseudonyms)
    assert b"ada" not in made
    assert made.endswith(b', "n": 1}')


def test_what_says_that_it_is_json_and_is_not_is_a_text(pseudonyms):
    assert redacted_body(b"{email: ada@example.org", "application/json", pseudonyms).startswith(b"{email: ")


def test_a_form(pseudonyms):
    made = redacted_body(b"email=ada%40example.org&password=hunter2&page=2&address_id=5&q=a+b", FORM, pseudonyms)
    found = parse_qs(made.decode())
    assert found["email"] == [pseudonyms.mask("ada@example.org")]
    assert found["password"] != ["hunter2"]
    assert (found["page"], found["address_id"], found["q"]) == (["2"], ["5"], ["a b"])


def test_an_upload_is_one_that_django_reads_with_another_file(pseudonyms, settings):
    made = redacted_body(UPLOAD, "multipart/form-data; boundary=x", pseudonyms)
    meta = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": len(made)}
    from django.core.files.uploadhandler import MemoryFileUploadHandler

    post, files = MultiPartParser(meta, io.BytesIO(made), [MemoryFileUploadHandler()]).parse()
    assert post["email"] == pseudonyms.mask("ada@example.org")
    assert post["title"] == "A boat"
    assert files["photo"].name.endswith(".png")
    assert "ada" not in files["photo"].name
    assert Image.open(files["photo"]).size == (1, 1)


@pytest.mark.parametrize("media_type", FILES)
def test_the_files_that_stand_for_others_are_what_they_say(media_type):
    image = Image.open(io.BytesIO(FILES[media_type]))
    assert Image.MIME[image.format] == media_type
    image.load()


def test_a_page_keeps_its_markup(pseudonyms):
    page = b'<form><input name="email" value="ada@example.org"><p>ada@example.org</p></form>'
    made = redacted_body(page, "text/html; charset=utf-8", pseudonyms).decode()
    masked = pseudonyms.mask("ada@example.org")
    assert made == f'<form><input name="email" value="{masked}"><p>{masked}</p></form>'


def test_text_in_another_charset_comes_back_in_it(pseudonyms):
    assert redacted_body("größer".encode("latin-1"), "text/plain; charset=latin-1", pseudonyms) == b"gr\xf6\xdfer"


@pytest.mark.parametrize(
    ("content_type", "found"),
    [("text/plain; charset=klingon", "größer".encode()), ("text/plain; charset=ascii", "größer".encode())],
)
def test_text_that_is_not_in_its_charset_is_utf_8(pseudonyms, content_type, found):
    assert redacted_body(found, content_type, pseudonyms) == found


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\x00\x01", "application/octet-stream"),
        (b"data", ""),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"data", "multipart/form-data"),
        (UPLOAD[:-20], "multipart/form-data; boundary=x"),
        (UPLOAD.replace(b"name=", b"nom="), "multipart/form-data; boundary=x"),
    ],
)
def test_what_nobody_can_read_is_left_out(pseudonyms, body, content_type):
    assert redacted_body(body, content_type, pseudonyms) is None


def test_nothing_is_nothing(pseudonyms):
    assert redacted_body(b"", "application/octet-stream", pseudonyms) == b""
