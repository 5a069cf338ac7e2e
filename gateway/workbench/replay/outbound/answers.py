"""Finds the recorded response for a request: by method, URL and shape of the body."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from gateway.recording.shape import shape_of
from gateway.workbench.corpus import Outbound

__all__ = ["RecordedAnswers"]


class RecordedAnswers:
    """Recorded responses of other servers, for one side.

    Of several that fit equally well, each is used once, in the recorded order; then the last one again. So sides that
    send the same requests get the same responses, and additional requests get one too.
    """

    def __init__(self, recorded: Sequence[Outbound]) -> None:
        self._recorded = [one for one in recorded if one.answer is not None or one.failed is not None]
        self._given: set[int] = set()

    def next(self, method: str, url: str, media_type: str, body: bytes) -> Outbound | None:
        """The response for this request, which is then used; None if none fits. With the same method and URL, one for
        the same body fits best, then one for a body of the same shape. URLs with pseudonyms are compared by path length
        and names in the query."""
        ranks = [_rank(one, method, url, media_type, body) for one in self._recorded]
        best = min((rank for rank in ranks if rank is not None), default=None)
        if best is None:
            return None
        fitting = [index for index, rank in enumerate(ranks) if rank == best]
        index = next((index for index in fitting if index not in self._given), fitting[-1])
        self._given.add(index)
        return self._recorded[index]


def _rank(one: Outbound, method: str, url: str, media_type: str, body: bytes) -> int | None:
    """How well it fits, 0 being the best; None if it doesn't."""
    if one.method != method or not _fits(one, url):
        return None
    if one.body == body:
        return 0
    given = one.media_type or ""
    if not one.body and given:  # it could not be recorded
        return 2 if given == media_type else None
    return 1 if shape_of(given, one.body) == shape_of(media_type, body) else None


def _fits(one: Outbound, url: str) -> bool:
    if one.url == url:
        return True
    if not one.masked:
        return False
    was, now = urlsplit(one.url), urlsplit(url)
    same = was.scheme == now.scheme and was.netloc == now.netloc
    return same and was.path.count("/") == now.path.count("/") and _names(was.query) == _names(now.query)


def _names(query: str) -> list[str]:
    return [name for name, _ in parse_qsl(query, keep_blank_values=True)]
