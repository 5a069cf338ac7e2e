"""A member of staff at a window of the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTION = "gateway_control/route/"
KNOWN = (
    "/favicon.ico",
    "status of 409",
)  # the shop has no icon; a promotion that is refused is an error to the console
PATIENCE = 60_000  # milliseconds; only a failing test waits that long


class Staff:
    """Somebody who is logged in; the password is the name. `site` is the path of the admin, `errors` what the console
    said of errors, a violation of the policy among them. More arguments are Playwright's, for the window."""

    def __init__(self, browser: Any, url: str, name: str, *, site: str = "admin", **window: Any) -> None:
        self._context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | window)
        self._context.set_default_timeout(PATIENCE)
        self.page = self._context.new_page()
        self.errors: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.admin = f"{url}/{site}/"
        self.page.goto(self.admin)
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", name)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(self.admin)

    def _said(self, message: Any) -> None:
        if message.type == "error" and not any(known in f"{message.location['url']} {message.text}" for known in KNOWN):
            self.errors.append(message.text)

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def open(self, path: str = "") -> Any:
        """Go to a page of the section; returns what came."""
        return self.page.goto(f"{self.admin}{SECTION}{path}")

    def move(self, verb: str, why: str, **fields: str) -> None:
        """Fill the form of a verb in, and send it."""
        form = self.page.locator(f"#gw-{verb}")
        if "to" in fields:
            form.locator("[name=to]").select_option(fields.pop("to"))
        for name, value in fields.items():
            form.locator(f"[name={name}]").fill(value)
        form.locator("[name=why]").fill(why)
        form.locator("button").click()

    def sees(self, text: str) -> None:
        """Wait until that text is there, without a reload."""
        self.page.get_by_text(text).first.wait_for()

    def look(self, folder: Path | None, name: str) -> None:
        """A picture of the whole page, if pictures are wanted."""
        if folder is not None:
            self.page.screenshot(path=folder / f"{name}.png", full_page=True)
