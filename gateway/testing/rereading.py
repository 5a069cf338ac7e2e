"""Makes a gateway follow settings that a test has changed."""

from __future__ import annotations

from dataclasses import replace

from gateway.app import Gateway
from gateway.composition import compile_for, site_of

__all__ = ["reread_settings"]


def reread_settings(gateway: Gateway, urls: object) -> object:
    """Make `gateway` use the current settings. Its routes are compiled again unless `urls`, the `Legacy.urls` that they
    were compiled for, are still the project's. Returns the current ones."""
    config, legacy = gateway.config, gateway.legacy
    gateway.resolver.root_path = config.gateway.root_path or legacy.script_name
    site = site_of(config.rollout, legacy)
    if site != gateway.snapshot.site:
        gateway.publish(gateway.snapshot.of(site))
    if not config.routes or legacy.urls is urls:
        return urls
    compiled, _ = compile_for(config, gateway.services, legacy, site)
    gateway.publish(replace(gateway.snapshot, table=compiled.table))
    return legacy.urls
