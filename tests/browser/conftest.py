"""Chromium without a window, and the site of the small run of tests/bench/report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from bench.report.site import write_site

STORED = Path(__file__).parents[2] / "results"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
)
PATIENCE_S = 120


def _found(*names: str) -> str:
    path = next((found for name in names if (found := shutil.which(name))), None)
    assert path, f"{' or '.join(names)} is not installed: apt-get install chromium chromium-driver"
    return path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the stored results."""
    return write_site(tmp_path_factory.mktemp("site") / "site", STORED).parent


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = _found("chromium", "chromium-browser", "google-chrome")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(_found("chromedriver")))
    started.set_page_load_timeout(PATIENCE_S)
    yield started
    started.quit()
