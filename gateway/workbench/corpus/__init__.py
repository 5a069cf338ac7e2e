"""Recorded requests with their responses, in a file that people can read and change: docs/corpus.md.

case.py    one request, its caller and its response
corpus.py  a whole recording
files.py   reads and writes JSON Lines
"""

from __future__ import annotations

from gateway.workbench.corpus.case import Case, Outbound, RecordedResponse, Statements, User
from gateway.workbench.corpus.corpus import VERSION, About, Corpus
from gateway.workbench.corpus.files import BrokenCorpus, NewerCorpus, UnreadableCorpus, read_corpus, write_corpus

__all__ = [
    "VERSION",
    "About",
    "BrokenCorpus",
    "Case",
    "Corpus",
    "NewerCorpus",
    "Outbound",
    "RecordedResponse",
    "Statements",
    "UnreadableCorpus",
    "User",
    "read_corpus",
    "write_corpus",
]
