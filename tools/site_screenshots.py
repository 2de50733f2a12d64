"""Take the screenshots of the site that the README shows.

    bench report --site && python tools/site_screenshots.py

Needs Chromium, its driver and the Python package selenium, as `tox -e site` does.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).parents[1]
SITE = ROOT / "reports" / "site"
OUT = ROOT / "docs" / "images"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SETTLED_S = 1.0


@dataclass(frozen=True)
class Shot:
    """A file's name, what is on it, and how large the window is."""

    name: str
    page: str
    width: int
    height: int
    scrolled_to: str = "body"
    scheme: str = "light"


SHOTS = (
    Shot("leaderboard", "index.html", 1280, 620),
    Shot("leaderboard-phone", "index.html", 390, 760),
    Shot("bubble-plot", "index.html", 1000, 690, "#plot-heading"),
    Shot("listening-room", "listen.html", 1280, 960),
    Shot("listening-room-dark", "listen.html", 1280, 700, ".clip", "dark"),
)


def main() -> None:
    """Write one PNG a shot."""
    OUT.mkdir(parents=True, exist_ok=True)
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        for shot in SHOTS:
            _take(driver, shot)
        driver.quit()


def _take(driver: webdriver.Chrome, shot: Shot) -> None:
    metrics = {
        "width": shot.width,
        "height": shot.height,
        "deviceScaleFactor": 1,
        "mobile": shot.width < 600,
    }
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": shot.scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get(f"file://{SITE}/{shot.page}")
    driver.execute_script("document.querySelector(arguments[0]).scrollIntoView()", shot.scrolled_to)
    time.sleep(SETTLED_S)  # images below the window are loaded once they are seen
    path = OUT / f"{shot.name}.png"
    driver.save_screenshot(str(path))
    with Image.open(path) as image:
        image.convert("RGB").save(path, optimize=True)


if __name__ == "__main__":
    main()
