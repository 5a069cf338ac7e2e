"""How Starlette reads a form, and what its templates of paths mean."""

from __future__ import annotations

import pytest
from starlette.convertors import CONVERTOR_TYPES, StringConvertor, register_url_convertor
from starlette.datastructures import FormData

from gateway.compat.starlette import FormRequest, convertor_patterns, path_pattern


class Counted(FormRequest):
    times = 0

    def form_read(self, form: FormData) -> FormData:
        self.times += 1
        return FormData([*form.multi_items(), ("read", str(self.times))])


def form_request(body: bytes) -> Counted:
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    return Counted({"type": "http", "method": "POST", "headers": headers}, receive)


UPLOAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nabc\r\n--x--\r\n'


@pytest.mark.anyio
async def test_a_form_is_what_was_made_of_it_once_and_closes_what_was_uploaded():
    request = form_request(UPLOAD)

    async with request.form() as form:
        again = await request.form()
        assert (form["read"], again["read"], again is form) == ("1", "1", True)
        assert await form["file"].read() == b"abc"

    assert form["file"].file.closed


class Hexadecimal(StringConvertor):
    regex = "[0-9a-f]+"


def test_a_convertor_that_somebody_registers_is_known(monkeypatch):
    monkeypatch.setitem(CONVERTOR_TYPES, "hexadecimal", StringConvertor())

    register_url_convertor("hexadecimal", Hexadecimal())

    assert convertor_patterns()["hexadecimal"] == "[0-9a-f]+"


def test_what_a_path_of_a_template_says():
    pattern, convertors = path_pattern("/items/{pk:int}/{name}")

    found = pattern.match("/items/7/seven").groupdict()

    assert {name: convertors[name].convert(value) for name, value in found.items()} == {"pk": 7, "name": "seven"}
    assert pattern.match("/items/seven/7") is None
