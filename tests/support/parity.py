"""Asking a DRF view and the endpoint that replaces it the same."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache

from tests.support.asgi import Answer, ask

PROMISED = [
    "content-type", "content-language", "www-authenticate", "retry-after", "vary", "allow", "link", "x-total-count",
]  # fmt: skip


def promised(answer: Answer) -> dict[str, Any]:
    """What a caller was promised: status, body and headers."""
    return {"status": answer.status, "body": answer.body} | {name: answer[name] for name in PROMISED}


async def same(old: Any, moved: Any, target: str, method: str = "GET", times: int = 1, **request: Any) -> Answer:
    """What both answer, which must be the same, on the `times`-th time; throttles count each on their own."""
    answers = []
    for app in (old, moved):
        cache.clear()
        for _ in range(times):
            answer = await ask(app, target, method, **request)
        answers.append(answer)
    assert answers[0]["x-served-by"] == "legacy"
    assert answers[1]["x-served-by"] != "legacy"
    first, second = map(promised, answers)
    assert second == first, [(name, first[name], second[name]) for name in first if first[name] != second[name]]
    return answers[1]
