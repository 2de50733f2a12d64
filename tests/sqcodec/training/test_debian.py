"""Fetching Debian packages, with stand-ins for Debian's tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqcodec.training.debian import DebianError, default_cache, fetch

APT_GET = """#!/bin/sh
# $1 download, $2 -qq, $3 package
case "$3" in
  known) echo archive > known_1.0_all.deb; echo call >> "$CALLS";;
  *) echo "E: Unable to locate package $3" >&2; exit 100;;
esac
"""
DPKG = """#!/bin/sh
# $1 -x, $2 archive, $3 destination (made, but not its parents)
grep -q archive "$2" || { echo "dpkg-deb: error: not an archive" >&2; exit 2; }
mkdir "$3" && echo sound > "$3/a.ogg"
"""
DPKG_DEB = """#!/bin/sh
echo 4:1.0-1
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stand-ins for apt-get, dpkg and dpkg-deb, first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in (("apt-get", APT_GET), ("dpkg", DPKG), ("dpkg-deb", DPKG_DEB)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return folder


def downloads(tmp_path: Path) -> int:
    """How often apt-get has downloaded something."""
    calls = tmp_path / "calls"
    return len(calls.read_text().splitlines()) if calls.exists() else 0


def test_downloads_and_unpacks_once(tools: Path, tmp_path: Path) -> None:
    package = fetch("known", tmp_path / "cache")
    assert (package.name, package.version) == ("known", "4:1.0-1")
    assert (package.root / "a.ogg").read_text() == "sound\n"
    assert fetch("known", tmp_path / "cache") == package
    assert downloads(tmp_path) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["known"]


def test_takes_an_archive_that_lies_in_the_cache(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "local_2.0_all.deb").write_text("archive")
    assert (fetch("local", tmp_path).root / "a.ogg").is_file()
    assert downloads(tmp_path) == 0


def test_starts_anew_after_an_interruption(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "known" / "root").mkdir(parents=True)
    (tmp_path / "known" / "root" / "half.ogg").touch()
    package = fetch("known", tmp_path)
    assert [path.name for path in package.root.iterdir()] == ["a.ogg"]


def test_unknown_package(tools: Path, tmp_path: Path) -> None:
    with pytest.raises(DebianError, match="Unable to locate package nosuch"):
        fetch("nosuch", tmp_path)
    assert list(tmp_path.glob("*nosuch*")) == []


def test_broken_archive_leaves_nothing_behind(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "torn_1_all.deb").write_text("half")
    with pytest.raises(DebianError, match="not an archive"):
        fetch("torn", tmp_path)
    assert [path.name for path in tmp_path.glob("*torn*")] == ["torn_1_all.deb"]


@pytest.mark.parametrize("tool", ["apt-get", "dpkg"])
def test_missing_tool(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    (tools / tool).unlink()
    monkeypatch.setenv("PATH", str(tools))
    if tool == "dpkg":
        (tmp_path / "known_1.0_all.deb").write_text("archive")
    with pytest.raises(DebianError, match=f"^{tool} is missing: .* Debian or Ubuntu"):
        fetch("known", tmp_path)


def test_cache_that_cannot_be_written(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DebianError, match="cannot unpack the Debian package 'known'"):
        fetch("known", tmp_path / "file")


def test_default_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "sqcodec" / "debian"
