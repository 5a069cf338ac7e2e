"""The pages as the gateway serves them: looking for news is in no count."""

import pytest
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
