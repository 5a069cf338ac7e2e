"""Which upstream answers, and why."""

from __future__ import annotations
