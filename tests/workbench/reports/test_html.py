"""The page: it says what was found, and nothing that comes from traffic is more than text in it."""

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from gateway.parity.severity import Severity
from gateway.workbench.replay.result import Drift, Outcome, RowChange, SideAnswer
from gateway.workbench.reports import html_report
from gateway.workbench.reports.comparison import side_by_side
from tests.workbench.reports.results import HOSTILE, case, finding, hostile, result

VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """A page, as a browser sees it: which elements it has, and whether each that opens is closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.text, self._open = [], [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)


def shown(result):
    return " ".join(" ".join(Page(html_report(result)).text).split())


def test_says_what_was_found_and_where():
    text = shown(result(case(1, finding()), case(2)))
    assert "Replay: 1 of 2 cases keep their route from being promoted" in text
    assert "shop.jsonl · 2025-11-30 10:53:20 UTC · 1.5 s · catalog at r7" in text
    assert "breaking value drift: price changed /price" in text
    assert "1: GET /api/products/7/ as staff" in text


def test_shows_both_sides_with_what_differs_marked():
    text = html_report(result(case(1, finding())))
    assert "<del>&quot;</del>20<del>.00&quot;</del>" in text
    assert text.count('<tr class="differs">') == 2  # the price, and the time
    assert "2 statements" in text


def test_rows_and_effects_stand_beside_each_other():
    row = RowChange("shop_order", "insert", "7", {"quantity": "2", "note": None})
    legacy = SideAnswer(201, 0.1, rows=(row,), effects=("mail to 1",))
    text = shown(result(case(1, finding(), legacy=legacy, service=SideAnswer(201, 0.1))))
    assert "insert shop_order 7 quantity = 2 note = null" in text
    assert "mail to 1" in text


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ([], "Replay: nothing could be compared"),
        ([case(1)], "Replay: 1 cases, none differs"),
        ([case(1, finding(severity=Severity.NOTE))], "Replay: 1 cases, 1 differ harmlessly"),
        ([case(1, outcome=Outcome.SKIPPED, reason="no row")], "1 not compared: no row"),
    ],
)
def test_says_what_it_rests_on(cases, said):
    assert said in shown(result(*cases))


def test_each_kind_of_failure_has_a_box_that_hides_it():
    text = html_report(
        result(case(1, finding(drift=Drift.ACCESS)), case(2, finding(drift=Drift.SHAPE, severity=Severity.NOTE)))
    )
    boxes = re.findall(r'type="checkbox" id="([\w-]+)"', text)
    assert boxes == ["wider-access", "shape-drift", "notes"]
    for box in boxes:
        assert f'<label for="{box}">' in text
        assert f"#{box}:not(:checked) ~ main .{box} {{ display: none }}" in text
        assert re.search(rf'class="case [\w -]*{box}', text)


def test_loads_and_runs_nothing_and_says_so_to_the_browser():
    text = html_report(result(case(1, finding())))
    seen = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {*seen.elements}
    assert not [
        name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "href", "style", "srcset")
    ]
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "url(" not in style
    assert "@import" not in style


def test_is_read_in_the_light_and_in_the_dark():
    text = html_report(result(case(1)))
    assert "color-scheme: light dark" in text
    assert "prefers-color-scheme: dark" in text


def test_what_comes_from_traffic_is_only_text():
    plain = Page(html_report(result(case(1, finding()))))
    seen = Page(html_report(hostile()))
    assert {*seen.elements} <= {*plain.elements, "ul", "li", "del", "ins", "p"}
    assert {name for name, _ in seen.attributes} <= {name for name, _ in plain.attributes} | {"open"}
    text = html_report(hostile())
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "\\u202eevil" in text  # it is shown, and does nothing
    text.encode()


def test_many_cases_are_counted_and_not_shown(monkeypatch):
    monkeypatch.setattr("gateway.workbench.reports.html.MOST_CASES", 2)
    text = html_report(result(*[case(number, finding()) for number in range(5)]))
    assert text.count('<details class="case') == 2
    assert "… and 3 more cases" in text


def test_the_worst_comes_first():
    note, critical = finding("harmless", severity=Severity.NOTE), finding("leaks", severity=Severity.CRITICAL)
    text = shown(result(case(1, note), case(2, critical)))
    assert text.index("leaks") < text.index("harmless")


# -- two texts ------------------------------------------------------------------------------------


def rows(one, other):
    return [*side_by_side(one, other)]


def test_lines_that_belong_together_stand_beside_each_other():
    assert rows("a\nb\nc", "a\nc") == [("a", "a", False), ("<del>b</del>", "", True), ("c", "c", False)]
    assert rows("x = 1", "x = 2") == [("x = <del>1</del>", "x = <ins>2</ins>", True)]


def test_json_is_compared_by_its_members():
    assert rows('{"a":1,"b":2}', '{"a":1,"b":3}')[1:3] == [
        ("  &quot;a&quot;: 1,", "  &quot;a&quot;: 1,", False),
        ("  &quot;b&quot;: <del>2</del>", "  &quot;b&quot;: <ins>3</ins>", True),
    ]


def test_long_texts_are_cut():
    found = rows("\n".join(map(str, range(1000))), "")
    assert len(found) <= 402
    assert "… and 600 more lines" in found[-1][0]
    assert rows("x" * 5000, "y")[0][0].startswith("<del>xxx")


def test_nothing_of_either_side_is_markup():
    for left, right, _ in rows(HOSTILE, HOSTILE[::-1]):
        for side in (left, right):
            assert {*re.findall(r"<(/?\w+)", side)} <= {"del", "/del", "ins", "/ins"}
