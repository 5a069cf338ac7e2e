"""Reports of a replay: for a CI server, for people, and as tests.

junit.py       JUnit's XML
html.py        one page (style.py), which loads nothing and runs no scripts
comparison.py  two texts side by side
tests.py       cases as tests (testcode.py)
"""

from __future__ import annotations

from gateway.workbench.reports.html import html_report
from gateway.workbench.reports.junit import junit_report
from gateway.workbench.reports.tests import TestsExist, write_tests

__all__ = ["TestsExist", "html_report", "junit_report", "write_tests"]
