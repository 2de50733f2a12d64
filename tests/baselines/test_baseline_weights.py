"""baselines.weights: local before the hub, the hub's hash, one line where there are none."""

import hashlib
from pathlib import Path

import huggingface_hub
import pytest

from baselines import weights
from baselines.weights import Weights
from bench.codec import CodecUnavailableError

FILES = Weights("someone/a_model", ("config.json", "model.safetensors"))


def put(folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in FILES.files:
        (folder / file).write_bytes(file.encode())


def in_cache(root: Path, stated: str | None = None) -> Path:
    """The hub's cache: files are links to blobs that are named by their hash."""
    snapshot = root / "models--someone--a_model" / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    blobs = root / "blobs"
    blobs.mkdir()
    for file in FILES.files:
        content = file.encode()
        blob = blobs / (stated or hashlib.sha256(content).hexdigest())
        blob.write_bytes(content)
        (snapshot / file).symlink_to(blob)
    return snapshot


def test_a_local_folder_comes_first(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(weights_folder / "a_model")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", None)
    assert weights.find(FILES) == weights_folder / "a_model"
    assert weights.missing(FILES) == ""
    assert "not compared" in weights.described(FILES, weights.find(FILES), "0" * 64)


def test_a_folder_that_lacks_a_file_is_none(weights_folder: Path) -> None:
    put(weights_folder / "a_model")
    (weights_folder / "a_model" / "config.json").unlink()
    with pytest.raises(CodecUnavailableError) as caught:
        weights.find(FILES)
    line = str(caught.value)
    assert line.startswith(f"no weights of someone/a_model: not in {weights_folder}/a_model, and ")
    assert "the hub is out of reach (" in line
    assert "put config.json and model.safetensors into" in line
    assert "BENCH_WEIGHTS" in line
    assert "\n" not in line


def test_else_the_hub_has_them(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = in_cache(weights_folder)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url: None)
    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", lambda repository, file, revision: str(snapshot / file)
    )
    assert weights.find(FILES) == snapshot
    sha256 = weights.checked_sha256(snapshot / "model.safetensors")
    assert sha256 == hashlib.sha256(b"model.safetensors").hexdigest()
    assert weights.described(FILES, snapshot, sha256).endswith("as the hub has them")


def test_a_hub_that_cannot_be_asked_is_not_asked_again(
    weights_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(url: str) -> None:
        assert url.endswith("someone/a_model/resolve/main/config.json")
        raise ConnectionError("Name or service not known")

    def download(*_: str, revision: str | None) -> str:
        raise AssertionError("a download tries again and again")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", no_network)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(CodecUnavailableError, match=r"the hub is out of reach \(ConnectionError\)"):
        weights.find(FILES)


def test_a_damaged_download_is_refused(weights_folder: Path) -> None:
    snapshot = in_cache(weights_folder, stated="0" * 64)
    with pytest.raises(CodecUnavailableError, match=r"is damaged: its SHA-256 is .*0{12}\.\.\.;"):
        weights.checked_sha256(snapshot / "model.safetensors")


def test_without_the_hubs_package_the_extra_is_named(
    weights_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.weights.find_spec", lambda name: None)
    with pytest.raises(CodecUnavailableError, match=r"install the baselines extra .*\[baselines\]"):
        weights.find(FILES)


def test_by_default_weights_are_among_the_users_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    assert weights.weights_folder().parts[-2:] == ("sqcodec-bench", "weights")


def test_a_missing_package_is_told_in_one_line() -> None:
    with pytest.raises(CodecUnavailableError, match="the package nowhere_at_all, which has"):
        weights.check_installed("nowhere_at_all")
