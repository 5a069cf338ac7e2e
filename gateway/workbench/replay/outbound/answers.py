"""Which recorded answer a request gets: by method, URL and the shape of its body, and of several the next."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from gateway.recording.shape import shape_of
from gateway.workbench.corpus import Outbound

__all__ = ["RecordedAnswers"]


class RecordedAnswers:
    """The answers to what one side asks of other servers, out of what was `recorded`.

    Of those that fit equally well, each is given once, in the order in which they were recorded; then the last again.
    So two sides that ask the same get the same, and one that asks more often than was recorded gets an answer too.
    """

    def __init__(self, recorded: Sequence[Outbound]) -> None:
        self._recorded = [one for one in recorded if one.answer is not None or one.failed is not None]
        self._given: set[int] = set()

    def next(self, method: str, url: str, media_type: str, body: bytes) -> Outbound | None:
        """The one for this request, which is then given; None where none fits. Of the same method and URL, one with the
        same body fits best, then one whose body has the same shape. A URL that has pseudonyms is known by its path and
        the names in its query."""
        ranks = [_rank(one, method, url, media_type, body) for one in self._recorded]
        best = min((rank for rank in ranks if rank is not None), default=None)
        if best is None:
            return None
        fitting = [index for index, rank in enumerate(ranks) if rank == best]
        index = next((index for index in fitting if index not in self._given), fitting[-1])
        self._given.add(index)
        return self._recorded[index]


def _rank(one: Outbound, method: str, url: str, media_type: str, body: bytes) -> int | None:
    """How well it fits, the best is 0; None where it doesn't."""
    if one.method != method or not _fits(one, url):
        return None
    if one.body == body:
        return 0
    given = one.media_type or ""
    if not one.body and given:  # it was left out, as it could not be read
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
