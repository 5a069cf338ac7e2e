import os

from django.apps import AppConfig

from tests.monitoring.site import agents


class SiteConfig(AppConfig):
    name = "tests.monitoring.site"

    def ready(self):
        if os.environ["AGENT_IN"] == "ready" and os.environ["AGENT"] != "elastic":
            agents.set_up(os.environ["AGENT"])
