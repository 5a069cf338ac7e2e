"""One call of a hook: what a webhook gets, what a function gets, and what comes of it."""

import contextlib
import hmac
import json
import socket
import threading
from base64 import b64decode, b64encode

import pytest

from gateway.config.hooks import BEFORE
from gateway.control.hooks import Refuse
from gateway.control.hooks import webhook as webhooks
from gateway.control.hooks.sending import HookCall
from gateway.control.hooks.signature import signed_headers
from tests.control.hooks.conftest import EVENT, MOVE, PAYLOAD, SECRET, answers, called, calls, make_hook
from tests.support.receiver import Answer, receiving
from tests.support.server import eventually

ASKED = EVENT | {"type": BEFORE, "data": MOVE}


@pytest.fixture
def webhook(receiver):
    return lambda **table: make_hook(url=f"{receiver.url}/in?key=1", **table)


def outcome(hook, payload=PAYLOAD):
    return HookCall(hook, payload).wait()


# -- webhooks ------------------------------------------------------------------------------------


def test_a_webhook_gets_the_event_as_json(receiver, webhook):
    assert (outcome(webhook()).problem, outcome(webhook()).status) == ("", 200)
    request = receiver.got[0]
    assert (request.path, request.headers["content-type"]) == ("/in?key=1", "application/json")
    assert request.json == PAYLOAD


def test_it_is_signed_over_its_id_its_time_and_its_body(receiver, webhook):
    outcome(webhook(secret=SECRET))
    request = receiver.got[0]
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    digest = hmac.digest(b64decode(SECRET.removeprefix("whsec_")), signed, "sha256")
    assert request.headers["webhook-id"] == "e1"
    assert request.headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"


def test_while_its_secret_is_replaced_it_is_signed_with_both(receiver, webhook):
    secrets = [f"whsec_{b64encode(letter * 32).decode()}" for letter in (b"n", b"o")]
    outcome(webhook(secret=secrets))
    request = receiver.got[0]
    for secret, signature in zip(secrets, request.headers["webhook-signature"].split(" "), strict=True):
        assert (
            signed_headers("e1", int(request.headers["webhook-timestamp"]), request.body, [key(secret)])[
                "webhook-signature"
            ]
            == signature
        )


def key(secret):
    return b64decode(secret.removeprefix("whsec_"))


def test_without_a_secret_it_is_not_signed(receiver, webhook):
    outcome(webhook())
    assert "webhook-signature" not in receiver.got[0].headers


def test_slack_gets_a_text_in_which_nothing_is_a_link_or_a_mention(receiver, webhook):
    data = MOVE | {"why": "<!channel> see <https://evil.example|here> & [now](www.evil.example) @all"}
    outcome(webhook(format="slack"), EVENT | {"data": data})
    text = (
        "ana promoted catalog from legacy to shadow: &lt;!channel&gt; see &lt;https:|//evil.example|here&gt; &amp; "
        "[now]|(www.|evil.example) @|all"
    )
    assert receiver.got[0].json["text"].replace("\u200b", "|") == text


@pytest.mark.parametrize("status", [400, 403, 404, 410, 429, 500, 503])
def test_another_status_is_a_problem_with_the_beginning_of_the_answer(receiver, webhook, status):
    receiver.answer = lambda _: Answer(status, b"not\x1b[2J now\n" + b"x" * 1000)
    found = outcome(webhook())
    assert (found.status, found.reason) == (status, None)
    assert found.problem.startswith(f"answered {status}: not[2J now xxx")
    assert len(found.problem) < 330


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("Fri, 01 Jan 2027 00:10:00 GMT", 600),
        ("Thu, 31 Dec 2026 00:00:00 GMT", 0),
        ("9" * 400, 9_999_999_999),
        ("-5", None),
        ("soon", None),
        ("Fri, 01 Jan 99999 00:00:00 GMT", None),
        ("", None),
    ],
)
def test_it_may_say_when_to_call_again(receiver, webhook, clock, status, header, seconds):
    receiver.answer = lambda _: Answer(status, headers={"Retry-After": header})
    assert HookCall(webhook(), PAYLOAD, clock).wait().again == seconds


def test_a_time_for_the_next_call_is_in_no_other_answer(receiver, webhook):
    receiver.answer = lambda _: Answer(500, headers={"Retry-After": "120"})
    assert outcome(webhook()).again is None


def test_a_redirect_is_not_followed(receiver, webhook):
    receiver.answer = lambda _: Answer(302, location=f"{receiver.url}/elsewhere")
    assert outcome(webhook()).problem == "answered 302; redirects are not followed"
    assert [request.path for request in receiver.got] == ["/in?key=1"]


def test_a_refused_connection_is_a_problem():
    with receiving() as gone:
        url = gone.url
    found = outcome(make_hook(url=f"{url}/key"))
    assert found.problem.startswith("can't be reached: ")
    assert "key" not in found.problem


def test_it_takes_no_longer_than_its_timeout_however_slowly_it_answers(receiver, webhook):
    over = threading.Event()
    receiver.answer = lambda _: over.wait() and Answer()
    found = outcome(webhook(timeout=0.05))
    over.set()
    assert (found.problem, found.ok) == ("did not answer in 0.05 s", False)


def test_nor_if_its_headers_come_letter_by_letter():
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip():
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):  # whoever asked has left
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not over.wait(0.01):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        attempt = HookCall(make_hook(url=f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=0.1), PAYLOAD)
        assert attempt.wait().problem == "did not answer in 0.1 s"
        assert eventually(lambda: not attempt.running)
        over.set()
        thread.join()


def test_an_endless_answer_is_read_to_a_limit(receiver, webhook, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_ANSWER", 10)
    receiver.answer = lambda _: Answer(500, b"abcdefghijkl" * 100_000)
    assert outcome(webhook()).problem == "answered 500: abcdefghij"


def test_a_password_in_the_url_is_sent_as_one(receiver):
    outcome(make_hook(url=f"http://ana:k%40y@127.0.0.1:{receiver.port}/"))
    assert b64decode(receiver.got[0].headers["authorization"].removeprefix("Basic ")) == b"ana:k@y"


def test_it_goes_through_the_proxy_of_the_environment(receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", receiver.url.removeprefix("http://"))
    assert outcome(make_hook(url="http://hooks.example/in")).ok
    assert receiver.got[0].path == "http://hooks.example/in"


def test_but_not_to_those_that_no_proxy_names(receiver, webhook, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert outcome(webhook()).ok


@pytest.mark.parametrize("kind", ["promote", BEFORE])
def test_what_it_answers_is_kept_without_the_keys_in_its_url(receiver, kind):
    """A server may say which path it does not know; and a key may stand where what it says is cut."""
    hook = make_hook(
        url=f"http://t0ken:pass%40word@127.0.0.1:{receiver.port}/services/T000000B/k%C3%A9y-of-it?sig=abcdefgh"
    )
    keys = ["T000000B", "k%C3%A9y-of-it", "kéy-of-it", "abcdefgh", "t0ken", "pass%40word", "pass@word"]
    said = f"no {' '.join(keys)}" + " x" * 120 + "T000000B" * 10
    receiver.answer = lambda _: Answer(403, json.dumps({"reason": said}, ensure_ascii=False).encode())
    found = outcome(hook, ASKED | {"type": kind})
    shown = found.reason or found.problem
    assert "no … … … … … … … x" in shown
    assert [key for key in [*keys, "T0000"] if key in shown] == []


def test_no_log_has_its_url(receiver, webhook, caplog):
    caplog.set_level("INFO")
    outcome(webhook())
    assert "key=1" not in caplog.text


# -- a webhook that is asked -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 409, 422])
def test_it_refuses_with_a_reason(receiver, webhook, status):
    receiver.answer = lambda _: Answer(status, json.dumps({"reason": "freeze\nuntil Monday"}).encode())
    found = outcome(webhook(), ASKED)
    assert (found.ok, found.reason) == (True, "freeze until Monday")


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"reason": 1}', b"[" * 60_000])
def test_or_without_one(receiver, webhook, body):
    receiver.answer = lambda _: Answer(403, body)
    assert outcome(webhook(), ASKED).reason == "answered 403 without a reason"


@pytest.mark.parametrize("status", [200, 204])
def test_it_allows_with_any_success(receiver, webhook, status):
    receiver.answer = lambda _: Answer(status)
    found = outcome(webhook(), ASKED)
    assert (found.ok, found.reason) == (True, None)


def test_anything_else_is_no_answer(receiver, webhook):
    receiver.answer = lambda _: Answer(500)
    found = outcome(webhook(), ASKED)
    assert (found.ok, found.reason) == (False, None)


# -- functions -----------------------------------------------------------------------------------


def test_a_function_gets_an_event_of_its_own():
    assert outcome(called()).ok
    assert calls == [PAYLOAD]
    assert calls[0] is not PAYLOAD


def test_what_it_returns_for_an_event_is_nothing():
    answers.append("anything")
    assert outcome(called()).reason is None


def test_what_it_raises_is_a_problem():
    answers.append(RuntimeError("no\nnetwork"))
    assert outcome(called()).problem == "raised RuntimeError: no network"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), SystemExit(1)])
def test_whatever_ends_its_thread_is_a_problem_at_once(error):
    answers.append(error)
    found = HookCall(called(timeout=30.0), PAYLOAD)
    assert eventually(lambda: found.outcome is not None)
    assert type(error).__name__ in found.outcome.problem


def test_one_that_is_gone_is_a_problem():
    assert (
        outcome(make_hook(call="tests.nowhere:call")).problem == "can't be imported: there is no module 'tests.nowhere'"
    )


@pytest.mark.parametrize("answer", ["change freeze", Refuse("change freeze")])
def test_before_a_promotion_it_returns_or_raises_a_reason(answer):
    answers.append(answer)
    assert outcome(called(), ASKED).reason == "change freeze"


@pytest.mark.parametrize("answer", [True, False, 1, "", " "])
def test_or_none_and_nothing_else(answer):
    answers.append(answer)
    assert "None allows, a text with a reason refuses" in outcome(called(), ASKED).problem
    assert outcome(called(), ASKED).ok


def test_one_that_hangs_is_left_behind():
    over = threading.Event()
    answers.append(Waiting(over))
    attempt = HookCall(make_hook(call=f"{__name__}:hang", timeout=0.05), PAYLOAD)
    assert attempt.wait().problem == "did not answer in 0.05 s"
    assert attempt.running
    over.set()


@pytest.mark.parametrize("payload", [PAYLOAD, ASKED])
def test_one_of_which_three_calls_hang_is_called_no_more_until_one_ends(payload):
    """Else the ramp, which asks again each minute, would leave a thread behind each time."""
    overs = [threading.Event() for _ in range(3)]
    hook = make_hook(call=f"{__name__}:hang", timeout=0.01)
    calls = []
    for over in overs:
        answers.append(Waiting(over))
        calls.append(HookCall(hook, payload))
        assert calls[-1].wait().problem == "did not answer in 0.01 s"
    refused = HookCall(hook, payload)
    assert refused.wait().problem == "is not called: 3 of its calls have not ended"
    assert (refused.running, refused.outcome.ok) == (False, False)
    overs[0].set()
    assert eventually(lambda: not calls[0].running)
    answers.append(Waiting(overs[0]))
    assert HookCall(hook, payload).wait().ok
    for over in overs:
        over.set()


def test_without_a_thread_for_it_that_is_said(monkeypatch):
    def none(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    assert outcome(called()).problem == "can't be called: can't start new thread"


class Waiting:
    def __init__(self, over):
        self.over = over


def hang(event):
    answers.pop().over.wait()
