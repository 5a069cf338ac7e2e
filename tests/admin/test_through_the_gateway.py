"""The pages as the gateway serves them: looking for news is in no count, and a strict policy lets them through."""

import re

import pytest
from csp.constants import NONCE, NONE, SELF
from django.conf import settings as project_settings

from gateway.stats.traffic import Traffic
from legacy.accounts.models import User
from tests.support.asgi import ask, running

URL = "/admin/gateway_control/route/"


@pytest.mark.anyio
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
async def test_only_what_somebody_asked_for_is_counted(served, client):
    await User.objects.acreate_superuser("root", password="root")
    await client.alogin(username="root", password="root")
    cookie = [("cookie", f"{project_settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}")]
    served.counters.traffic = Traffic()
    async with running(served):
        for target in (f"{URL}news/", f"{URL}products/change/news/", URL):
            answer = await ask(served, target, headers=cookie)
            assert answer.status == 200
    assert [*served.counters.traffic] == [("legacy", "GET", "admin/gateway_control/route/")]


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["", "catalog/change/", "explain/"])
def test_under_a_policy_with_a_nonce_the_script_carries_it(admin_client, toml, settings, page):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "csp.middleware.CSPMiddleware"]
    policy = {"default-src": [NONE], "script-src": [NONCE], "style-src": [SELF], "connect-src": [SELF]}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy}
    response = admin_client.get(f"{URL}{page}")
    nonce = re.search(r"'nonce-([^']+)'", response["Content-Security-Policy"])
    assert nonce is not None
    assert re.search(rf'live\.js" defer nonce="{re.escape(nonce[1])}"', response.content.decode())


@pytest.mark.django_db
def test_without_a_policy_there_is_no_nonce(admin_client, toml):
    assert "nonce=" not in admin_client.get(URL).content.decode()
