"""What a configuration has already of what is scaffolded."""

from __future__ import annotations

from gateway.workbench.scaffold.configuration import Configuration
from gateway.workbench.scaffold.selection import Claim

PARENT = """
[[routes]]
name = "shops"
prefix = "/shops"
exclude = ["/shops/{shop}/products/", "/shops/{shop}/products/{pk}/"]
service = "shops"
"""


def test_a_route_that_has_the_prefix_may_leave_a_nested_view_to_django(tmp_path):
    (tmp_path / "gateway.toml").write_text(PARENT)
    configuration = Configuration(tmp_path / "gateway.toml")
    assert configuration.existing("shops", Claim(None, "/shops", ("GET",), ())) == "shops"
    assert configuration.existing("shops", Claim(None, "/shops/{shop}/products", ("GET",), ())) is None
    nested = ["/shops/{shop_pk}/products/", "/shops/{shop_pk}/products/{id}/"]
    assert configuration.excluded("shops", [*nested, *nested]) == nested
    assert configuration.excluded("shops", ["/shops/", "/shops/{pk}/"]) == []


def test_what_is_there_is_not_shown_again(tmp_path):
    """It may have URLs and secrets of hooks: `gateway scaffold --json`, and an agent that asks for it, gets none."""
    path = tmp_path / "gateway.toml"
    path.write_text('[hooks.chat]\nurl = "https://hooks.example/key"')
    claim = Claim("/shops/", None, ("GET",), ())
    file = Configuration(path).with_entries("shops", "services.shops:app", "drf", "shops", claim)
    assert "key" in file.text
    assert "[[routes]]" in file.shown
    assert "[[routes]]" in file.diff(tmp_path)
    assert "key" not in file.shown + file.diff(tmp_path)
