"""The site as a user has it: opened from disk in Chromium, without a network.

Run by `tox -e site`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE_S = 120
PHONE = (360, 740)
DESK = (1200, 900)
Open = Callable[..., Chrome]


@pytest.fixture
def open_page(driver: Chrome, site: Path) -> Iterator[Open]:
    """Opens a page at some size; afterwards no error was logged and nothing outside asked for."""

    def opened(page: str, size: tuple[int, int] = DESK, scheme: str = "light") -> Chrome:
        width, height = size
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        driver.get("about:blank")  # a change of the anchor alone would load nothing
        driver.get(f"file://{site}/{page}")
        return driver

    for log in ("browser", "performance"):
        driver.get_log(log)
    yield opened
    assert [entry for entry in driver.get_log("browser") if entry["level"] != "DEBUG"] == []
    asked = _requests(driver)
    own = (f"file://{site}/", "about:", "data:")  # Chromium's own icons of its players are data
    assert asked, "nothing was asked for: the log of requests does not work"
    assert [url for url in asked if not url.startswith(own)] == []


def _requests(driver: Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def _wait(driver: Chrome, condition: Callable[[Chrome], object]) -> None:
    WebDriverWait(driver, PATIENCE_S).until(condition)


def _press(driver: Chrome, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def _column(driver: Chrome, head: str, table: str = "leaderboard") -> tuple[WebElement, list[str]]:
    """A head of a table and what each row has in its column, as it is sorted by."""
    heads = driver.find_elements(By.CSS_SELECTOR, f"#{table} thead th")
    index = next(i for i, found in enumerate(heads) if found.text.startswith(head))
    rows = driver.find_elements(By.CSS_SELECTOR, f"#{table} tbody tr")
    cells = [row.find_elements(By.CSS_SELECTOR, "th, td")[index] for row in rows]
    return heads[index], [cell.get_attribute("data-value") or "" for cell in cells]


def test_a_head_sorts_the_better_way_first_and_reasons_stay_last(open_page: Open) -> None:
    driver = open_page("index.html")
    for head, better in (("PESQ", True), ("MEL", False)):
        element, _ = _column(driver, head)
        for descending in (better, not better):
            element.find_element(By.TAG_NAME, "button").click()
            order = "descending" if descending else "ascending"
            assert element.get_attribute("aria-sort") == order
            _, found = _column(driver, head)
            numbers = [float(value) for value in found if value]
            assert len(numbers) >= 2
            assert numbers == sorted(numbers, reverse=descending)
            assert found[len(numbers) :] == [""] * (len(found) - len(numbers))
    # By keyboard, too.
    element, before = _column(driver, "MACs, published", table="paper")
    element.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    _, after = _column(driver, "MACs, published", table="paper")
    assert after != before
    assert [float(value) for value in after] == sorted(float(value) for value in before)


def test_the_plot_switches_its_axis_and_its_quality(open_page: Open) -> None:
    driver = open_page("index.html")

    def codecs() -> list[str | None]:
        points = driver.find_elements(By.CSS_SELECTOR, "#plot [data-codec]")
        return [point.get_attribute("data-codec") for point in points]

    def choose(name: str, value: str) -> None:
        selector = f'#plot-form input[name="{name}"][value="{value}"]'
        driver.find_element(By.CSS_SELECTOR, selector).click()

    def axis() -> str | None:
        return driver.find_element(By.CSS_SELECTOR, "#plot svg").get_attribute("data-axis")

    assert axis() == "published"
    assert len(codecs()) == 21
    for value in ("full", "realTime"):
        choose("axis", value)
        assert axis() == value
        missing = driver.find_element(By.ID, "plot-missing").text
        named = re.sub(r"^Not drawn, not measured: |\.$", "", missing)
        assert len(codecs()) + len([name for name in named.split(", ") if name]) == 21
    choose("axis", "published")
    choose("source", "measured")
    assert "opus-6k" in codecs()
    point = driver.find_element(By.CSS_SELECTOR, '#plot a[data-codec="sqcodec-3k"]')
    driver.execute_script("arguments[0].focus()", point)
    said = driver.find_element(By.ID, "plot-said").text
    assert said.startswith("sqcodec-3k: PESQ ")
    assert "bit/s" in said
    _press(driver, Keys.ENTER)
    _wait(driver, lambda d: d.current_url.endswith("/codecs/sqcodec-3k.html"))


def test_a_number_leads_to_its_unfolded_clips(open_page: Open) -> None:
    driver = open_page("index.html")
    driver.find_element(By.CSS_SELECTOR, 'a[href="codecs/sqcodec-3k.html#clips-pesq"]').click()
    _wait(driver, lambda d: d.current_url.endswith("#clips-pesq"))
    _wait(driver, lambda d: d.find_element(By.ID, "clips-pesq").get_attribute("open"))
    heard = driver.find_element(By.CSS_SELECTOR, "#clips-pesq a")
    assert heard.is_displayed()
    heard.click()
    _wait(driver, lambda d: "/listen.html#" in d.current_url)


def test_a_score_of_a_task_leads_to_what_was_understood(open_page: Open) -> None:
    driver = open_page("application.html")
    driver.find_element(By.CSS_SELECTOR, 'a[href="tasks/sqcodec-3k.html#asr-clips"]').click()
    _wait(driver, lambda d: d.find_element(By.ID, "asr-clips").get_attribute("open"))
    clips = driver.find_element(By.ID, "asr-clips")
    heads = [head.text for head in clips.find_elements(By.CSS_SELECTOR, "thead th")]
    assert heads == ["clip", "word errors %", "errors", "said", "understood"]
    first = clips.find_elements(By.CSS_SELECTOR, "tbody tr")[0]
    assert all(cell.text for cell in first.find_elements(By.CSS_SELECTOR, "th, td"))


def test_an_excerpt_plays_and_a_second_one_stops_it(open_page: Open) -> None:
    driver = open_page("listen.html")
    players = driver.find_elements(By.TAG_NAME, "audio")
    assert len(players) >= 4
    for player in players[:2]:
        driver.execute_script("arguments[0].play()", player)
        _wait(
            driver, lambda d, p=player: d.execute_script("return arguments[0].currentTime > 0", p)
        )
    assert driver.execute_script("return arguments[0].paused", players[0])
    assert driver.execute_script("return arguments[0].error", players[0]) is None


def test_a_blind_trial_by_keyboard_alone(open_page: Open) -> None:
    driver = open_page("listen.html")
    playing = driver.find_element(By.ID, "abx-playing")
    said = driver.find_element(By.ID, "abx-said")
    for key in "abx":
        _press(driver, key)
        assert playing.text == f"Playing {key.upper()}."
    _press(driver, "s")
    assert playing.text == ""
    _press(driver, "1")
    assert re.match(
        r"(Right|Wrong)\. X was [AB]; A was \S+, B was \S+\. [01] of 1 right", said.text
    )
    _press(driver, "2")
    assert re.search(r"[012] of 2 right; guessing does as well with p = [01]\.\d{3}", said.text)
    # The same version twice is no comparison; another clip starts anew.
    other = Select(driver.find_element(By.ID, "abx-other"))
    other.select_by_visible_text("reference")
    assert said.text == "A new comparison."
    driver.find_element(By.TAG_NAME, "body").click()
    driver.execute_script("document.activeElement.blur()")
    _press(driver, "1")
    assert said.text == "Choose two different versions."
    clip = Select(driver.find_element(By.ID, "abx-clip"))
    clip.select_by_index(1)
    assert said.text == "A new comparison."


def test_the_trial_is_blind(open_page: Open) -> None:
    """Nothing on the page tells A from B before the answer; both orders occur."""
    driver = open_page("listen.html")
    said = driver.find_element(By.ID, "abx-said")
    orders, hidden = set(), set()
    for _ in range(40):
        assert "A was" not in driver.find_element(By.ID, "abx-playing").text
        _press(driver, "1")
        told = re.search(r"X was ([AB]); A was (\S+),", said.text)
        assert told is not None
        hidden.add(told[1])
        orders.add(told[2])
    assert hidden == {"A", "B"}  # one order 40 times over has a chance of 2^-39
    assert len(orders) == 2


def test_the_switch_of_the_scheme_overrides_the_systems(open_page: Open) -> None:
    def background(driver: Chrome) -> str:
        return driver.execute_script("return getComputedStyle(document.body).backgroundColor")

    light = background(open_page("index.html"))
    driver = open_page("index.html", scheme="dark")
    dark = background(driver)
    assert light != dark
    button = driver.find_element(By.ID, "theme")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert background(driver) == light
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert background(driver) == dark


@pytest.mark.parametrize(
    "page",
    [
        "index.html",
        "application.html",
        "listen.html",
        "codecs/sqcodec-3k.html",
        "tasks/sqcodec-3k.html",
    ],
)
def test_no_page_is_wider_than_a_phone(open_page: Open, page: str) -> None:
    driver = open_page(page, size=PHONE)
    width = driver.execute_script("return document.documentElement.scrollWidth")
    assert width <= PHONE[0]


def test_a_phone_keeps_the_codecs_name_beside_its_numbers(open_page: Open) -> None:
    driver = open_page("index.html", size=PHONE)
    driver.execute_script("document.querySelector('.scroll').scrollLeft = 500")
    name = driver.find_element(By.CSS_SELECTOR, "#leaderboard tbody th")
    box = driver.execute_script("return arguments[0].getBoundingClientRect().toJSON()", name)
    assert box["left"] >= 0
    assert box["right"] <= PHONE[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_that_readers_need(open_page: Open, scheme: str) -> None:
    """At least 4.5, as WCAG 2.2 has it for text (success criterion 1.4.3)."""
    driver = open_page("index.html", scheme=scheme)
    pairs = driver.execute_script(
        """
        const texts = "a, p, th, td, small, button, legend, caption, figcaption, label";
        const shown = [...document.querySelectorAll(texts)];
        const solid = (element) => {
          for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
          }
          return "rgb(255, 255, 255)";
        };
        return shown.filter((e) => e.textContent.trim()).map(
          (e) => [getComputedStyle(e).color, solid(e)]);
        """
    )
    assert len(pairs) > 50
    for colours in {tuple(pair) for pair in pairs}:
        assert _contrast(*colours) >= 4.5, colours


def _contrast(first: str, second: str) -> float:
    """Of two colours, "rgb(r, g, b)": (L1 + 0.05) / (L2 + 0.05), L the relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
