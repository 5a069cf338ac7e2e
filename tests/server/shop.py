"""The configuration of a project with one service, whose module each test writes."""

from __future__ import annotations

TOML = """
[legacy]
settings = "mysite.settings"
threads = 4

[services.shop]
app = "shop:app"
middleware = "none"

[[routes]]
name = "shop"
prefix = "/api"
service = "shop"
"""
