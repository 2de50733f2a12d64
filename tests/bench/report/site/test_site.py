"""The site's structure: whole, self-contained, escaped, reachable, the same every time."""

import json
import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.report.site import NotASiteError, codec_page, write_site
from bench.report.stored import StoredResultError

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Page(HTMLParser):
    """What a page has: every element with its attributes, ids, links; well nested."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without its start"
        assert self.open[-1] == tag, f"</{tag}> within <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, text: str) -> None:
        self.texts.append(text)

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page.open == [], path
    return page


def _pages(site: Path) -> dict[Path, Page]:
    found = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    assert [path.relative_to(site).as_posix() for path in found] == [
        "application.html",
        "codecs/opus-6k.html",
        "codecs/reference.html",
        "codecs/sqcodec-3k.html",
        "index.html",
        "listen.html",
        "tasks/reference.html",
        "tasks/sqcodec-3k.html",
    ]
    return found


def test_every_link_leads_to_something_within_the_folder(site: Path) -> None:
    pages = _pages(site)
    used = {site / ".sqcodec-bench-site", site / "index.html"}
    for path, page in pages.items():
        for _, attributes in page.elements:
            for name in ("href", "src"):
                if name not in attributes:
                    continue
                target, _, anchor = attributes[name].partition("#")
                assert ":" not in target, f"{path.name} leads outside: {target}"
                assert not target.startswith("/"), f"{path.name} leads to a root: {target}"
                file = (path.parent / target).resolve() if target else path
                assert file.is_file(), f"{path.name}: {attributes[name]}"
                used.add(file)
                if anchor:
                    assert anchor in pages[file].ids(), f"{path.name}: {attributes[name]}"
    assert used == {path for path in site.rglob("*") if path.is_file()}


def test_no_file_names_an_address_of_the_network(site: Path) -> None:
    addresses = re.compile(r"(?:https?:)?//[\w.-]+\.\w+")
    for path in site.rglob("*"):
        if path.suffix in {".html", ".css", ".js", ".svg"}:
            text = path.read_text().replace("http://www.w3.org/", "")  # a name, never fetched
            assert addresses.findall(text) == [], path
    assert "fetch(" not in (site / "site.js").read_text()


def test_what_codecs_say_of_themselves_is_text(site: Path) -> None:
    for path, page in _pages(site).items():
        text = path.read_text()
        assert "<script>alert" not in text, path
        kinds = {attributes.get("type", "") for attributes in page.all("script")}
        assert kinds <= {"", "application/json"}
    page = _read(site / "codecs" / "sqcodec-3k.html")
    shown = "".join(page.texts)
    assert "<script>alert('weights')</script>" in shown
    assert "no <speech> found" in shown
    assert "9 samples, <declared> 0" in shown


def test_pages_can_be_used_by_keyboard_and_read_aloud(site: Path) -> None:
    for path, page in _pages(site).items():
        ids = page.ids()
        assert len(ids) == len(set(ids)), path
        assert page.all("html")[0]["lang"] == "en"
        assert len(page.all("h1")) == len(page.all("main")) == 1
        assert page.all("a")[0]["href"] == "#main"
        for attributes in page.all("img"):
            assert attributes["alt"]
        for tag in ("audio", "svg"):
            assert all(attributes["aria-label"] for attributes in page.all(tag))
        assert all(attributes["type"] == "button" for attributes in page.all("button"))
        for _, attributes in page.elements:
            for label in attributes.get("aria-labelledby", "").split():
                assert label in ids, path
        for attributes in page.all("th"):
            assert attributes["scope"] in {"col", "row", "rowgroup"}


def test_every_score_leads_to_its_clips_the_worst_first(site: Path) -> None:
    index = (site / "index.html").read_text()
    for score in ("sdr_db", "mel", "stoi", "pesq", "audio_sdr_db", "audio_mel"):
        assert f'href="codecs/sqcodec-3k.html#clips-{score}"' in index
    page = (site / "codecs" / "sqcodec-3k.html").read_text()
    sdr = page[page.index('id="clips-sdr_db-books"') :]
    assert sdr.index("b1, heard") < sdr.index(">b2<") < sdr.index(">b3<")
    pesq = page[page.index('id="clips-pesq-books"') :]
    assert pesq.index("b1, heard") < pesq.index("no &lt;speech&gt; found") < pesq.index(">b2<")
    assert 'href="#clips-pesq-books"' in page
    assert 'href="../listen.html#b1"' in page


def test_clips_that_are_too_many_for_a_page_are_in_a_table(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write_site(tmp_path / "whole", results).parent
    assert list((whole / "codecs").glob("*.csv")) == []
    monkeypatch.setattr(codec_page, "MOST_SHOWN", 1)
    codecs = write_site(tmp_path / "site", results).parent / "codecs"
    page = (codecs / "sqcodec-3k.html").read_text()
    sdr = page[page.index('id="clips-sdr_db-books"') : page.index('id="clips-sdr_db-prompts"')]
    assert "b1, heard" in sdr
    assert "b2" not in sdr
    assert 'and 2 more: <a href="sqcodec-3k.csv">' in sdr
    table = pd.read_csv(codecs / "sqcodec-3k.csv").set_index("clip")
    assert sorted(table.index) == ["b1", "b2", "b3", "p1", "s1", "s2"]
    assert table.loc["b2", "sdr"] == 2.0
    assert table.loc["b1", "pesq"] == "ValueError: no <speech> found"


def test_verdicts_failures_and_reasons_are_said(site: Path) -> None:
    index = "".join(_read(site / "index.html").texts)
    for said in ("not verified", "1 of 6", "exact", "no network", "not measured", "not counted"):
        assert said in index, said
    page = "".join(_read(site / "codecs" / "sqcodec-3k.html").texts)
    assert "did not pass" in page
    assert "FAIL" in page
    assert "does not apply" in page
    reference = "".join(_read(site / "codecs" / "reference.html").texts)
    assert "250" not in reference  # the rounding of a perfect estimate is no score


def test_a_certificate_within_the_results_is_shown(results: Path, tmp_path: Path) -> None:
    path = results / "signal" / "small" / "opus-6k.json"
    check = {"name": "in step", "value": "levels correlate by 0.99", "passed": True}
    content = json.loads(path.read_text())
    content["certificate"] = {
        "version": "7",
        "passed": True,
        "verified_at": "2026-01-01T00:00:00+00:00",
        "checks": [check],
    }
    path.write_text(json.dumps(content))
    site = write_site(tmp_path / "site", results).parent
    page = "".join(_read(site / "codecs" / "opus-6k.html").texts)
    assert "passed the checks of its adapter (version 7)" in page
    assert "levels correlate by 0.99" in page


def test_the_listening_room_names_whose_audio_it_is(site: Path) -> None:
    text = "".join(_read(site / "listen.html").texts)
    assert text.count("Licence: CC0-1.0") == text.count("Ann & Bob") == 2
    assert 'He said "no" & <b>left</b>' in text
    assert (site / "licences" / "CC0.txt").read_text() == "no rights reserved"


def test_spectrograms_of_a_clip_end_at_one_frequency(site: Path) -> None:
    with Image.open(site / "images" / "b1" / "reference.png") as image:
        reference = np.array(image)
    with Image.open(site / "images" / "b1" / "sqcodec-3k.png") as image:
        codec = np.array(image)
    assert len(codec) == len(reference)
    half = len(codec) // 2
    assert codec[: half - 3].max() == 0  # above its 4 kHz: the floor of the scale
    assert min(codec[half + 3 :].mean(), reference.mean()) > 10


def test_the_plot_has_every_point_and_says_what_is_not_known(site: Path) -> None:
    text = (site / "index.html").read_text()
    found = re.search(r'id="plot-data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    points = json.loads(found[1])["points"]
    assert len([point for point in points if point["source"] == "paper"]) == 21
    ours = {p["codec"]: p for p in points if p["source"] == "measured"}
    assert set(ours) == {"sqcodec-3k", "opus-6k", "reference"}
    assert ours["sqcodec-3k"]["full"] == 40
    assert ours["sqcodec-3k"]["realTime"] is None
    assert ours["sqcodec-3k"]["page"] == "codecs/sqcodec-3k.html"
    assert not ours["opus-6k"]["network"]


def test_the_same_results_give_the_same_bytes_in_the_place_of_the_last(
    site: Path, results: Path
) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}

    first = contents()
    (site / "of-an-earlier-version.html").write_text("")
    write_site(site, results)
    assert contents() == first
    assert [path.name for path in site.parent.iterdir() if "tmp" in path.name] == []


def test_without_results_there_are_pages_that_say_so(tmp_path: Path, results: Path) -> None:
    empty = tmp_path / "empty"
    shutil.copytree(results / "paper", empty / "paper")
    site = write_site(tmp_path / "site", empty).parent
    assert "No codec was measured yet" in (site / "index.html").read_text()
    assert "Nothing was judged yet" in (site / "application.html").read_text()
    assert "nothing to hear yet" in (site / "listen.html").read_text()
    assert not (site / "codecs").exists()
    assert not (site / "tasks").exists()


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path, results: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    with pytest.raises(NotASiteError, match="left as it is"):
        write_site(tmp_path / "precious", results)
    assert (tmp_path / "precious" / "file").read_text() == "mine"


def test_excerpts_that_are_not_what_was_heard_are_refused_and_the_site_stays(
    site: Path, results: Path
) -> None:
    (results / "heard" / "small" / "b1" / "sqcodec-3k.flac").write_bytes(b"another")
    with pytest.raises(StoredResultError, match="is not the file that was heard"):
        write_site(site, results)
    assert (site / "index.html").is_file()


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden"])
def test_names_never_leave_the_folder(site: Path, results: Path, name: str) -> None:
    path = results / "heard" / "small" / "heard.json"
    content = json.loads(path.read_text())
    content["clips"][0]["clip"] = name
    path.write_text(json.dumps(content))
    with pytest.raises(StoredResultError, match="cannot be the name of a file"):
        write_site(site, results)
