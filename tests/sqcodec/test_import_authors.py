"""sqcodec.import_authors: the authors' five files become our network, and nothing else does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import authors
from sqcodec.import_authors import AUTHORS_FILES, CheckpointError, convert, read_authors_folder
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS

# The presets with an extra down-sampling step have a `cache_token` in their state dict.
WITH_CACHE_TOKEN = "sqcodec-0.75k"
PRESET = "sqcodec-6k"
CONFIG = PRESETS[PRESET]


class Trap:
    """Unpickled without care, it creates a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the authors' package saves it."""
    folder = tmp_path_factory.mktemp("authors")
    authors.save(authors.build(PRESET), folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of that folder; its files may be replaced, not written to."""
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy, copy_function=os.link)
    return copy


def replace(path: Path, content: object) -> None:
    path.unlink()
    torch.save(content, path)


@pytest.mark.parametrize("preset", [PRESET, WITH_CACHE_TOKEN])
def test_saved_files_become_our_network(preset: str, tmp_path: Path) -> None:
    theirs = authors.build(preset)
    authors.save(theirs, tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(AUTHORS_FILES)
    state = read_authors_folder(tmp_path, PRESETS[preset])
    expected = convert(authors.state(theirs), PRESETS[preset])
    assert state.keys() == expected.keys() == SQCodecNetwork(PRESETS[preset]).state_dict().keys()
    assert all(torch.equal(state[key], expected[key]) for key in expected)


def test_no_learned_value_is_lost_or_used_twice() -> None:
    """With a value of its own in every parameter, ours hold exactly theirs."""
    theirs = authors.state(authors.build(WITH_CACHE_TOKEN))
    start = 0
    for key, value in theirs.items():
        numbers = torch.arange(start, start + value.numel(), dtype=torch.float64)
        theirs[key] = numbers.reshape(value.shape)
        start += value.numel()
    assert theirs["en_encoder.cache_token"].shape == (1, 0, 256)
    ours = convert(theirs, PRESETS[WITH_CACHE_TOKEN])
    values = torch.cat([value.flatten() for value in ours.values()])
    assert torch.equal(values.sort().values, torch.arange(start, dtype=torch.float64))


def test_a_missing_file(folder: Path) -> None:
    (folder / "en_decoder.pt").unlink()
    with pytest.raises(CheckpointError, match=r"en_decoder\.pt is missing"):
        read_authors_folder(folder, CONFIG)


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_truncated_file(folder: Path, kept: float) -> None:
    path = folder / "quantizer.pt"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(CheckpointError, match=r"quantizer\.pt cannot be read"):
        read_authors_folder(folder, CONFIG)


def test_a_file_that_would_run_code(folder: Path, tmp_path: Path) -> None:
    path, marker = folder / "quantizer.pt", tmp_path / "marker"
    replace(path, {"project_in.weight": Trap(marker)})
    torch.load(path, weights_only=False)
    assert marker.exists(), "the trap does not work"
    marker.rmdir()
    with pytest.raises(CheckpointError, match=r"quantizer\.pt cannot be read"):
        read_authors_folder(folder, CONFIG)
    assert not marker.exists()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"project_in.weight": 1.0}])
def test_a_file_that_is_no_state_dict(folder: Path, content: object) -> None:
    replace(folder / "quantizer.pt", content)
    with pytest.raises(CheckpointError, match=r"quantizer\.pt is not a state dict"):
        read_authors_folder(folder, CONFIG)


@pytest.mark.parametrize("preset", sorted(PRESETS.keys() - {PRESET}))
def test_files_of_another_preset(folder: Path, preset: str) -> None:
    with pytest.raises(CheckpointError, match=f"not a checkpoint of {preset}: "):
        read_authors_folder(folder, PRESETS[preset])


def test_one_file_of_another_preset(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    authors.save(authors.build("sqcodec-12k"), other)
    (other / "encoder.pt").replace(folder / "encoder.pt")
    with pytest.raises(CheckpointError, match=r"encoder\.blocks\.2\.0\S* has shape"):
        read_authors_folder(folder, CONFIG)


def test_a_left_over_key(folder: Path) -> None:
    state = torch.load(folder / "quantizer.pt", weights_only=True)
    replace(folder / "quantizer.pt", state | {"extra": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"1 parameters are left over, quantizer\.extra"):
        read_authors_folder(folder, CONFIG)


def test_a_missing_key(folder: Path) -> None:
    state = torch.load(folder / "quantizer.pt", weights_only=True)
    del state["project_in.bias"]
    replace(folder / "quantizer.pt", state)
    message = r"1 parameters are missing, quantizer\.project_in\.bias"
    with pytest.raises(CheckpointError, match=message):
        read_authors_folder(folder, CONFIG)
