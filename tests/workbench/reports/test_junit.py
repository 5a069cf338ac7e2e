"""JUnit's XML: what CI servers make of it."""

from xml.etree import ElementTree as ET

import pytest

from gateway.parity.severity import Severity
from gateway.workbench.corpus import Case
from gateway.workbench.replay.result import Outcome
from gateway.workbench.reports import junit_report
from tests.workbench.reports.results import case, finding, hostile, result


def read(text):
    return ET.fromstring(text)  # noqa: S314 - this project wrote it


@pytest.fixture
def document():
    other = Case("/api/orders/", "POST", "/api/orders/")
    note = finding("faster", severity=Severity.NOTE)
    return read(
        junit_report(
            result(
                case(1, finding()),
                case(2, note),
                case(3),
                case(4, case=other, route="orders", outcome=Outcome.SKIPPED, reason="no row"),
            )
        )
    )


def test_a_suite_for_each_endpoint_and_a_test_for_each_case(document):
    assert [
        (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("skipped")) for suite in document
    ] == [
        ("GET /api/products/{pk}/", "3", "1", "0"),
        ("POST /api/orders/", "1", "0", "1"),
    ]
    assert (document.get("tests"), document.get("failures"), document.get("skipped")) == ("4", "1", "1")
    assert document.find(".//testcase").get("name") == "1: GET /api/products/7/ as staff"
    assert document.find(".//testcase").get("classname") == "catalog"


def test_what_blocks_is_a_failure_and_what_does_not_is_said(document):
    (failure,) = document.iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("value drift", "price changed")
    assert failure.text == "breaking value drift: price changed"
    (said,) = document.iter("system-out")
    assert said.text == "note value drift: faster"


def test_what_proves_nothing_is_skipped(document):
    (skipped,) = document.iter("skipped")
    assert skipped.get("message") == "no row"


def test_what_comes_from_traffic_is_only_text():
    document = read(junit_report(hostile()))
    known = {"testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"}
    assert {element.tag for element in document.iter()} <= known
    assert "<script>" in next(document.iter("failure")).text


def test_an_empty_replay_is_a_document():
    assert read(junit_report(result())).get("tests") == "0"
