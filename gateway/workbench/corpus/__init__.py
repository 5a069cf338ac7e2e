"""Recorded requests with their answers, in a file that people can read and change: docs/corpus.md.

case.py    one request, who made it, and what it was answered
corpus.py  all of a recording
files.py   JSON Lines, read and written
"""

from __future__ import annotations

from gateway.workbench.corpus.case import Case, Outbound, Reply, Statements, User
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
    "Reply",
    "Statements",
    "UnreadableCorpus",
    "User",
    "read_corpus",
    "write_corpus",
]
