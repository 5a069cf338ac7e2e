"""Reads and validates gateway.toml, with one module for each section."""

from __future__ import annotations

from gateway.config.parse import Config
from gateway.config.problems import ConfigError

__all__ = ["Config", "ConfigError"]
