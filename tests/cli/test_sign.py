"""`gateway sign`."""

import re
import time

import pytest

from gateway.cli.sign import seconds_in
from gateway.rollout.affinity import Signer

LISTENS = 'always = ["signed-header"]'


@pytest.fixture
def sign(invoke, rollout):
    """Run `gateway sign …` where the route "catalog" listens."""

    def signed(*arguments: str, **config: str):
        rollout(LISTENS, **config)
        return invoke("sign", *arguments)

    return signed


def value(result) -> bytes:
    return result.stdout.strip().partition(": ")[2].encode()


@pytest.mark.parametrize("side", ["service", "legacy"])
def test_prints_a_header_that_asks_for_a_side(sign, settings, side):
    result = sign("catalog", "--side", side)
    assert Signer([settings.SECRET_KEY]).side("catalog", value(result), time.time()) == side


def test_prints_one_line_that_can_be_given_to_curl(sign):
    assert re.fullmatch(
        r"X-Gateway-Upstream: service\.\d+\.[0-9a-f]{32}\n", sign("catalog", "--side", "service").stdout
    )


def test_the_header_is_called_as_the_configuration_says(sign):
    result = sign("catalog", "--side", "service", common='header = "X-Side"')
    assert result.stdout.startswith("X-Side: ")


@pytest.mark.parametrize(("arguments", "seconds"), [([], 3600), (["--valid", "30m"], 1800)])
def test_it_holds_for_a_while(sign, settings, arguments, seconds):
    signer, signed = Signer([settings.SECRET_KEY]), value(sign("catalog", "--side", "service", *arguments))
    assert signer.side("catalog", signed, time.time() + seconds - 60) == "service"
    assert signer.side("catalog", signed, time.time() + seconds + 1) is None


def test_says_until_when_beside_the_header(sign):
    assert re.fullmatch(r"It holds until [\d-]+ [\d:]+ UTC\.\n", sign("catalog", "--side", "service").stderr)


def test_signs_with_the_secret_of_now_not_with_an_old_one(sign, settings):
    settings.SECRET_KEY_FALLBACKS = ["old"]
    assert Signer(["old"]).side("catalog", value(sign("catalog", "--side", "service")), time.time()) is None


def test_refuses_a_route_that_does_not_listen(invoke, rollout):
    path = rollout()
    result = invoke("sign", "catalog", "--side", "service")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f'write always = ["signed-header"] there, in {path}' in result.stderr


def test_names_the_routes_there_are(sign):
    result = sign("catalogue", "--side", "service")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no route 'catalogue'" in result.stderr
    assert "there are catalog" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--side", "both"], ["--side", "service", "--valid", "soon"]])
def test_wrong_usage_is_status_2(sign, arguments):
    assert sign("catalog", *arguments).exit_code == 2


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("7d", 604800)])
def test_reads_times(text, seconds):
    assert seconds_in(text) == seconds


def test_imports_no_service(sign, rollout, invoke):
    path = rollout(LISTENS)
    path.write_text(path.read_text().replace("tests.cli.services:catalog", "tests.cli.nowhere:catalog"))
    assert invoke("sign", "catalog", "--side", "service").exit_code == 0


@pytest.mark.server
def test_without_django_there_is_nothing_to_sign_with(gateway, project):
    (project / "gateway.toml").write_text(
        '[legacy]\nwsgi = "plain:app"\n[services.s]\nurl = "http://127.0.0.1:9"\n'
        '[[routes]]\nname = "r"\npath = "/"\nservice = "s"\nclaim = "all"\nalways = ["signed-header"]\n'
    )
    result = gateway("sign", "r", "--side", "service")
    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no SECRET_KEY to sign with" in result.stderr
