"""Where Elastic APM writes to; apart from `agents`, which the settings import before the agent can be."""

from typing import Any

from elasticapm.conf import constants
from elasticapm.transport.base import Transport

from tests.monitoring.site.agents import record


class Recorder(Transport):
    def queue(self, event_type: str, data: dict[str, Any], flush: bool = False) -> None:
        if event_type in (constants.TRANSACTION, constants.ERROR):
            record(
                kind=event_type,
                name=data.get("name") or data.get("transaction", {}).get("name"),
                trace=data.get("trace_id"),
                span=data.get("id"),
                parent=data.get("parent_id"),
                transaction=data.get("transaction_id"),
                result=data.get("result"),
                sampled=data.get("sampled"),
                error=data.get("exception", {}).get("message"),
            )

    def start_thread(self, pid: int | None = None) -> None:
        """Nothing is sent."""

    def close(self) -> None:
        """Nothing to close."""
