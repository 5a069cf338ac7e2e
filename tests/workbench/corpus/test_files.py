"""A corpus in a file: what was written is read again, and what is broken is named."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.workbench.corpus import (
    VERSION,
    About,
    BrokenCorpus,
    Case,
    Corpus,
    NewerCorpus,
    Outbound,
    RecordedResponse,
    Statements,
    User,
    read_corpus,
    write_corpus,
)
from gateway.workbench.corpus.case import case_of, case_to_json

ORDER = Case(
    template="/api/orders/",
    method="POST",
    path="/api/orders/",
    query="dry=1&q=caf%C3%A9",
    headers=(("content-type", "application/json; charset=utf-8"), ("accept", "application/json")),
    body='{"note": "größer\u2028"}'.encode(),
    user=User("staff", "17"),
    answer=RecordedResponse(201, (("content-type", "image/png"),), b"\x89PNG\r\n", "legacy"),
    sql=Statements(3, ("shop_product",), ("shop_order",)),
    route="orders",
    seen=12,
    at=datetime(2026, 11, 30, 12, 5, tzinfo=UTC),
    reached="3f2a91",
    outbound=(Outbound("GET", "https://rates.example/eur", answer=RecordedResponse(200, (), b"1.08")),),
)
READ = Case(template="/api/products/{pk}/", method="GET", path="/api/products/1/")
ABOUT = About(datetime(2026, 11, 30, 12, tzinfo=UTC), "ada", "traffic", True, ("orders",), 4000, "")


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "orders.jsonl"
    write_corpus(Corpus((ORDER, READ), ABOUT), path)
    return path


def test_what_was_written_is_read_again(written):
    assert read_corpus(written) == Corpus((ORDER, READ), ABOUT)


def test_each_case_is_one_line_and_the_first_says_what_it_is(written):
    first, *cases = written.read_text().splitlines()
    assert json.loads(first)["format"] == "gateway-corpus"
    assert json.loads(first)["version"] == VERSION
    assert [json.loads(line)["path"] for line in cases] == ["/api/orders/", "/api/products/1/"]


def test_a_body_is_text_where_it_is_utf_8_and_base64_where_not(written):
    order = json.loads(written.read_text().splitlines()[1])
    assert order["body"] == {"text": '{"note": "größer\u2028"}'}
    assert order["answer"]["body"] == {"base64": "iVBORw0K"}
    assert json.loads(written.read_text().splitlines()[2])["body"] is None


def test_what_a_case_says_of_itself():
    assert ORDER.media_type == "application/json"
    assert READ.media_type is None
    assert ORDER.target == "/api/orders/?dry=1&q=caf%C3%A9"
    assert READ.target == "/api/products/1/"
    assert ORDER.endpoint == "POST /api/orders/"


def test_a_key_names_the_request_and_not_its_answer():
    document = case_to_json(ORDER)
    assert case_of(json.dumps(document | {"answer": None, "seen": 1, "sql": None})).key == ORDER.key
    assert case_of(json.dumps(document | {"body": {"text": "{}"}})).key != ORDER.key
    assert case_of(json.dumps(document | {"user": {"kind": "staff", "ref": "18"}})).key != ORDER.key


def test_a_corpus_of_some_cases(written):
    assert read_corpus(written).only(lambda case: case.method == "GET").cases == (READ,)


@given(st.binary(), st.text(st.characters(codec="utf-8")), st.text(st.characters(max_codepoint=255)))
def test_every_case_comes_back(body, path, header):
    case = Case(
        template="/t/", method="PUT", path=path, body=body, headers=(("x-any", header),), answer=RecordedResponse(204)
    )
    line = json.dumps(case_to_json(case))
    assert case_of(line) == case


def test_names_that_a_later_release_added_are_left_out(written):
    first, order, _ = written.read_text().splitlines()
    added = json.dumps(json.loads(first) | {"tags": ["x"]}), json.dumps(json.loads(order) | {"weather": "rain"})
    written.write_text("\n".join(added))
    assert read_corpus(written).cases == (ORDER,)


def test_blank_lines_are_none(written):
    written.write_text(written.read_text() + "\n\n")
    assert len(read_corpus(written)) == 2


# -- what can't be read ------------------------------------------------------------------------------


def test_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text('{"format": "gateway-corpus", "version": 2}\n')
    with pytest.raises(NewerCorpus, match="version 2 of the format, and this release reads up to 1: upgrade"):
        read_corpus(path)


@pytest.mark.parametrize(
    "first", ["", "[]", "{}", "nonsense", '{"format": "har", "version": 1}', "[" * 100_000], ids=lambda line: line[:20]
)
def test_another_file_is_no_corpus(tmp_path, first):
    path = tmp_path / "other.jsonl"
    path.write_text(first)
    with pytest.raises(BrokenCorpus, match=r'other\.jsonl: this is no corpus: its first line is {"format": "gateway-'):
        read_corpus(path)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"version": "1"}, "version: a whole number from 1 on, not '1'"),
        ({"version": True}, "version: a whole number from 1 on, not True"),
        ({"version": 1, "source": "dreams"}, "source: Input should be 'traffic', 'har' or 'generated'"),
        ({"version": 1, "routes": 5}, "routes: Input should be a valid array"),
        ({"version": 1, "recorded": "2026-11-30T12:00:00"}, "recorded: Input should have timezone info"),
    ],
)
def test_a_broken_first_line_says_what_is_wrong(tmp_path, about, said):
    path = tmp_path / "broken.jsonl"
    path.write_text(json.dumps({"format": "gateway-corpus"} | about))
    with pytest.raises(BrokenCorpus) as raised:
        read_corpus(path)
    assert str(raised.value).startswith(f"{path}, line 1: ")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"template": None}, "template: Input should be a valid string"),
        ({"answer": {"status": 999}}, "answer.status: Input should be less than or equal to 599"),
        ({"user": {"kind": "king"}}, "user.kind: Input should be 'anonymous', 'user', 'staff' or 'superuser'"),
        ({"body": "text"}, 'body: a body is null, {"text": "…"} or {"base64": "…"}'),
        ({"body": {"base64": "%"}}, "body: "),
        ({"headers": [["a"]]}, "headers.0.1: Field required"),
        ({"seen": 0}, "seen: Input should be greater than or equal to 1"),
    ],
)
def test_a_broken_case_is_named_with_its_line_and_key(written, change, said):
    first, order, read = written.read_text().splitlines()
    written.write_text("\n".join([first, read, json.dumps(json.loads(order) | change)]))
    with pytest.raises(BrokenCorpus) as raised:
        read_corpus(written)
    assert f"{written}, line 3: {said}" in str(raised.value)
    assert "correct the line, or delete it" in str(raised.value)


def test_a_line_that_is_cut_off_is_named(written):
    written.write_text(written.read_text()[:-30])
    with pytest.raises(BrokenCorpus, match=r"line 3: the line: Invalid JSON"):
        read_corpus(written)


def test_bytes_that_are_no_text_are_no_corpus(tmp_path):
    path = tmp_path / "bytes.jsonl"
    path.write_bytes(b"\x89PNG")
    with pytest.raises(BrokenCorpus, match="it isn't UTF-8"):
        read_corpus(path)


def test_many_faults_of_a_line_are_counted(written):
    written.write_text(written.read_text().splitlines()[0] + '\n{"seen": 0, "sql": 1, "user": 2}\n')
    with pytest.raises(BrokenCorpus, match="and 3 more"):
        read_corpus(written)


# -- writing -----------------------------------------------------------------------------------------


def test_a_failure_leaves_the_file_as_it_was(written):
    before = written.read_text()
    broken = Corpus((ORDER, Case(template="/t/", method="GET", path="\ud800")))
    with pytest.raises(UnicodeEncodeError):
        write_corpus(broken, written)
    assert written.read_text() == before
    assert list(written.parent.iterdir()) == [written]


def test_only_its_owner_reads_a_new_one(written):
    assert written.stat().st_mode & 0o777 == 0o600
    written.chmod(0o640)
    write_corpus(Corpus(), written)
    assert written.stat().st_mode & 0o777 == 0o640
