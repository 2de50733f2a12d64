"""Weights files: round trip, provenance, and everything that can be wrong with one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from sqcodec import weights
from sqcodec.import_authors import CheckpointError
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import SQCodecConfig
from sqcodec.weights import (
    WeightsCard,
    WeightsNotFoundError,
    find_weights,
    load_weights,
    save_weights,
)


def test_round_trip_keeps_values_and_card(tiny: SQCodecConfig, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = SQCodecNetwork(tiny)
    card = WeightsCard("tiny", "made here", padding="window", licence="MIT", training="{}")
    save_weights(tmp_path / "w.safetensors", network, card)
    loaded, loaded_card = load_weights(tmp_path / "w.safetensors")
    assert loaded_card == card
    for key, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_half_precision_halves_the_file(tiny: SQCodecConfig, tmp_path: Path) -> None:
    network, card = SQCodecNetwork(tiny), WeightsCard("tiny", "made here")
    save_weights(tmp_path / "full", network, card)
    save_weights(tmp_path / "half", network, card, torch.float16)
    sizes = [(tmp_path / name).stat().st_size for name in ("full", "half")]
    assert 1.7 < sizes[0] / sizes[1] < 2.05
    loaded, _ = load_weights(tmp_path / "half")
    assert all(value.dtype == torch.float32 for value in loaded.state_dict().values())


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def disk_full(temporary: Path) -> None:
        temporary.write_text("half of the new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        weights.replace_file(path, disk_full)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_who_may_read_a_file_is_the_umasks_to_say(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        for name, write in {
            "text": lambda temporary: temporary.write_text("new"),
            "tensors": lambda temporary: save_file({"x": torch.ones(1)}, temporary),
        }.items():
            weights.replace_file(tmp_path / name, write)
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640
    finally:
        os.umask(before)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64])
def test_unreadable_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        load_weights(path)


def test_truncated_file(tiny_weights: Path) -> None:
    tiny_weights.write_bytes(tiny_weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        load_weights(tiny_weights)


def test_foreign_file(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not an SQCodec weights file"):
        load_weights(path)


def test_file_of_another_shape(tiny_weights: Path) -> None:
    state = load_file(tiny_weights)
    state.pop("decoder.last.conv.bias")
    card = {"format": weights.FORMAT, "preset": "tiny", "description": "", "padding": "hop"}
    save_file(state, tiny_weights, metadata=card)
    with pytest.raises(CheckpointError, match="does not fit preset 'tiny'"):
        load_weights(tiny_weights)


def test_file_that_names_no_preset_of_ours(tiny_weights: Path) -> None:
    card = {"format": weights.FORMAT, "preset": "sqcodec-9k"}
    save_file(load_file(tiny_weights), tiny_weights, metadata=card)
    with pytest.raises(CheckpointError, match="no SQCodec preset is called 'sqcodec-9k'"):
        load_weights(tiny_weights)


def test_file_with_nan(tiny_weights: Path) -> None:
    state = load_file(tiny_weights)
    state["decoder.last.conv.bias"][0] = float("nan")
    save_file(state, tiny_weights, metadata={"format": weights.FORMAT, "preset": "tiny"})
    with pytest.raises(CheckpointError, match="not finite"):
        load_weights(tiny_weights)


def test_local_folder_is_searched(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    assert find_weights("tiny") == tiny_weights


def test_weights_that_someone_put_there_go_before_the_bundled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    bundled = weights.bundled_folder() / "sqcodec-3k.safetensors"
    assert find_weights("sqcodec-3k") == bundled
    local = tmp_path / bundled.name
    local.write_bytes(b"another file")
    assert find_weights("sqcodec-3k") == local


def test_missing_weights_name_the_ways_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_hub(name: str) -> Path:
        raise ConnectionError("no route")

    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "_download_from_hub", no_hub)
    with pytest.raises(WeightsNotFoundError, match="no weights for sqcodec-12k") as caught:
        find_weights("sqcodec-12k")
    message = str(caught.value)
    assert "\n" not in message
    for way in ("sqcodec train", "sqcodec import", str(tmp_path), "out of reach"):
        assert way in message


def test_hub_without_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(WeightsNotFoundError, match=r"pip install -e '\.\[hub\]'") as caught:
        find_weights("sqcodec-12k")
    assert "out of reach" not in str(caught.value)


def test_ablation_weights_are_not_looked_for_on_the_hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(name: str) -> Path:
        raise AssertionError("the hub has no ablation weights")

    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "_download_from_hub", never)
    with pytest.raises(WeightsNotFoundError, match="no weights for sqcodec-6k-no-tconv") as caught:
        find_weights("sqcodec-6k-no-tconv")
    assert "hub" not in str(caught.value)


def test_the_hubs_files_are_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    imported: list[tuple[Path, str, Path]] = []

    def download(repository: str, file: str) -> str:
        asked.append(file)
        return str(tmp_path / "hub" / file)

    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, file: "here")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(weights, "import_authors", lambda *args: imported.append(args))
    path = find_weights("sqcodec-12k")
    assert path == tmp_path / "sqcodec-12k.safetensors"
    folder = tmp_path / "hub" / "weights" / f"{weights._HUB_NAMES['sqcodec-12k']}.v0"
    assert imported == [(folder, "sqcodec-12k", path)]
    assert {tmp_path / "hub" / file for file in asked} == {
        folder / f"{name}.pt" for name in weights.AUTHORS_FILES
    }
