"""Fixtures: Chromium, the shop that it looks at, and members of staff."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.admin.browser.shop import STRICT, Shop, seed
from tests.admin.browser.staff import Staff

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """The machine's own Chromium, without a window. It ends with the package: while it is there, its loop runs."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here: install it, or set CHROMIUM to its path (CONTRIBUTING.md)")
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


@pytest.fixture(scope="package")
def seeded(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop with a history."""
    folder = tmp_path_factory.mktemp("shop") / "seeded"
    folder.mkdir()
    seed(folder)
    return folder


@pytest.fixture(scope="package")
def shop(seeded: Path) -> Iterator[Shop]:
    """The shop under a policy that lets nothing through but the site's own files."""
    with Shop(seeded, seeded.with_name("strict"), STRICT) as shop:
        yield shop


@pytest.fixture
def staff(browser: Any, shop: Shop) -> Iterator[Callable[..., Staff]]:
    """Log in as a member of staff, in a window of their own. In the end, no console has had an error."""
    windows: list[Staff] = []

    def log_in(name: str, **more: Any) -> Staff:
        windows.append(Staff(browser, more.pop("url", shop.url), name, **more))
        return windows[-1]

    yield log_in
    for window in windows:
        window.close()
    assert [error for window in windows for error in window.errors] == []


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """The folder for screenshots, SCREENSHOTS in the environment; None: no screenshots."""
    folder = os.environ.get("SCREENSHOTS")
    if folder is None:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)
