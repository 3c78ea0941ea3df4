"""Chromium, as tests and benches/screenshots.py drive it: without a window, a network, or anything of the user's."""

import base64
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

__all__ = ["Browser", "chromium"]

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root has none of
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


class Browser:
    """One tab."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def devtools(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    def look(
        self, width: int, height: int = 900, theme: str = "light", *, media: str = "screen", scale: float = 1
    ) -> None:
        """The size of the window, and what the page is told of the reader's wishes."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        wishes = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.devtools("Emulation.setEmulatedMedia", media=media, features=wishes)

    def open(self, url: str) -> None:
        """Forgets what was said before."""
        self.said()
        self.requested()
        self.driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of JavaScript that returns one; the page's policy does not hold for it."""
        return self.driver.execute_script(script, *arguments)

    def said(self) -> list[str]:
        """What the console has since it was last asked, whatever the level."""
        return [f"{one['level']}: {one['message']}" for one in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requested(self) -> list[str]:
        """Addresses that were asked for since this was last asked; no ``data:``."""
        messages = (json.loads(one["message"])["message"] for one in self.driver.get_log("performance"))  # type: ignore[no-untyped-call]
        return [
            url
            for one in messages
            if one["method"] == "Network.requestWillBeSent"
            and not (url := str(one["params"]["request"]["url"])).startswith("data:")
        ]

    def picture(self, x: int, y: int, width: int, height: int) -> bytes:
        """A part of the page, as PNG."""
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        made = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(made["data"])

    def pdf(self) -> bytes:
        """As a printer gets it."""
        return base64.b64decode(self.devtools("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"])


@contextmanager
def chromium(program: str, driver: str, flags: Sequence[str] = ()) -> Iterator[Browser]:
    """Both are paths: nothing is looked for, nothing is downloaded."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = program
        for flag in (*_FLAGS, f"--user-data-dir={profile}", *flags):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        started = Chrome(options=options, service=Service(driver))
        try:
            yield Browser(started)
        finally:
            started.quit()
