"""What a browser has saved becomes cases of the project's endpoints."""

import json

import pytest

from gateway.config.routes import RouteConfig
from gateway.workbench.corpus import User, read_corpus, write_corpus
from gateway.workbench.record.har import UnreadableHar, corpus_of_har

ADA = User("staff", "17")
ORDERS = RouteConfig(name="orders", path="/api/orders/", methods=["POST"], service="orders")
CATALOG = RouteConfig(name="catalog", prefix="/api/products", service="catalog")


def entry(url, method="GET", *, status=200, headers=None, text="{}", media_type="application/json", **request):
    lines = [{"name": name, "value": value} for name, value in (headers or {"Accept": "*/*"}).items()]
    content = {"mimeType": media_type, "text": text}
    answer = [{"name": "Content-Type", "value": media_type}, {"name": "Date", "value": "now"}]
    return {
        "startedDateTime": "2026-11-30T12:00:00.000Z",
        "request": {"method": method, "url": url, "headers": lines, "cookies": [], **request},
        "response": {"status": status, "headers": answer, "content": content},
        "time": 12.5,
    }


@pytest.fixture
def har(tmp_path):
    def write(*entries):
        path = tmp_path / "shop.har"
        path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
        return path

    return write


def test_requests_to_endpoints_are_cases_by_who_it_was(har):
    path = har(entry("https://shop.example/api/products/?page=2"), entry("https://shop.example/not/of/the/project/"))
    corpus = corpus_of_har(path, ADA, routes=[ORDERS, CATALOG])
    (case,) = corpus
    assert (case.endpoint, case.query, case.user, case.route) == ("GET /api/products/", "page=2", ADA, "catalog")
    assert (case.answer.status, case.answer.body) == (200, b"{}")
    assert dict(case.answer.headers) == {"content-type": "application/json"}
    assert (corpus.about.source, corpus.about.requests, corpus.about.redacted) == ("har", 2, True)


def test_it_can_be_written_and_read(har, tmp_path):
    corpus = corpus_of_har(har(entry("https://shop.example/api/products/7/")), ADA)
    write_corpus(corpus, tmp_path / "c.jsonl")
    assert read_corpus(tmp_path / "c.jsonl") == corpus


def test_bodies_of_every_kind(har):
    url = "https://shop.example/api/orders/"
    json_body = {"mimeType": "application/json", "text": '{"note": "größer"}'}
    form = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "c&d"}]}
    path = har(entry(url, "POST", postData=json_body), entry(url, "POST", postData=form))
    one, other = corpus_of_har(path, ADA, routes=[ORDERS])
    assert (one.body.decode(), one.media_type, one.route) == ('{"note": "größer"}', "application/json", "orders")
    assert (other.body, other.media_type) == (b"a+b=c%26d", "application/x-www-form-urlencoded")


def test_bodies_in_base64_are_decoded(har):
    one = entry("https://shop.example/api/products/", text="eyJhIjogMX0=")
    one["response"]["content"]["encoding"] = "base64"
    other = entry("https://shop.example/api/products/1/", text="not base64!")
    other["response"]["content"]["encoding"] = "base64"
    assert [case.answer.body for case in corpus_of_har(har(one, other), ADA)] == [b'{"a": 1}', b""]


def test_a_request_whose_body_can_not_be_redacted_is_left_out(har):
    upload = {"mimeType": "application/x-proto", "text": "\u0000\u0001"}
    path = har(entry("https://shop.example/api/orders/", "POST", postData=upload))
    assert [*corpus_of_har(path, ADA)] == []
    assert [case.body for case in corpus_of_har(path, ADA, redact=False)] == [b"\x00\x01"]


def test_credentials_and_the_browsers_own_headers_are_left_out(har):
    headers = {
        ":authority": "x", "Cookie": "sessionid=1", "Authorization": "Bearer x", "X-CSRFToken": "t", "User-Agent": "M",
        "sec-ch-ua": "M", "Accept-Language": "el",
    }  # fmt: skip
    (case,) = corpus_of_har(har(entry("https://shop.example/api/products/", headers=headers)), ADA)
    assert case.headers == (("accept-language", "el"),)


def test_what_is_personal_is_replaced(har):
    body = {"mimeType": "application/json", "text": '{"email": "ada.lovelace@example.org"}'}
    url = "https://shop.example/api/orders/?email=ada.lovelace%40example.org"
    path = har(entry(url, "POST", postData=body, text='{"email": "ada.lovelace@example.org"}'))
    (case,) = corpus_of_har(path, ADA)
    assert b"lovelace" not in case.body + case.answer.body + case.query.encode()
    assert case.body == case.answer.body
    (plain,) = corpus_of_har(path, ADA, redact=False)
    assert plain.body == b'{"email": "ada.lovelace@example.org"}'


def test_of_the_same_request_there_is_one_case(har):
    assert len(corpus_of_har(har(*[entry("https://shop.example/api/products/")] * 3), ADA)) == 1


def test_one_host_can_be_chosen(har):
    path = har(entry("https://shop.example/api/products/"), entry("http://localhost:8000/api/products/1/"))
    assert [case.path for case in corpus_of_har(path, ADA, host="localhost:8000")] == ["/api/products/1/"]
    assert [case.path for case in corpus_of_har(path, ADA, host="shop.example")] == ["/api/products/"]


def test_what_was_not_answered_is_still_a_request(har):
    (case,) = corpus_of_har(har(entry("https://shop.example/api/products/", status=0)), ADA)
    assert case.answer is None


def test_what_is_no_web_request_is_left_out(har):
    assert not corpus_of_har(har(entry("data:text/plain,x"), entry("wss://shop.example/api/products/")), ADA).cases


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no log.entries"),
        ("[]", "it has no log.entries"),
        ('{"log": {}}', "it has no log.entries"),
        ('{"log": {"entries": [{}]}}', "0.request: Field required"),
    ],
)
def test_another_file_is_refused(tmp_path, text, said):
    path = tmp_path / "other.har"
    path.write_text(text)
    with pytest.raises(UnreadableHar) as raised:
        corpus_of_har(path, ADA)
    assert said in str(raised.value)
    assert "Save one in the browser's developer tools" in str(raised.value)
