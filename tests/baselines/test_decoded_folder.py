"""baselines.decoded_folder: paired by name, rates and lengths checked, what is off is named."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from baselines.decoded_folder import DecodedFolder
from bench import registry
from bench.codec import ClipwiseCodec, Codec, CodecUnavailableError
from bench.roundtrip import through_codec

RATE = 16_000
CLIPS = ("speech/b.flac", "speech/a.flac", "c")


def tone(hz: float, rate: int = RATE, seconds: float = 0.5) -> NDArray[np.float32]:
    return 0.4 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Decoded files of three clips, each a tone of its own, and what the folder says."""
    root = tmp_path / "theirs"
    (root / "speech").mkdir(parents=True)
    for hz, name in ((300, "speech/a.wav"), (500, "speech/b.wav"), (700, "c.wav")):
        soundfile.write(root / name, tone(hz), RATE, subtype="FLOAT")
    (root / "codec.json").write_text(json.dumps({"bitrate_bps": 2400, "citation": "Them, 2024"}))
    return root


def test_it_is_a_codec_by_its_path(folder: Path) -> None:
    codec = registry.load(f"folder:{folder}")
    assert isinstance(codec, Codec)
    assert isinstance(codec, ClipwiseCodec)
    assert codec.info.name == f"theirs-{codec.info.revision[:8]}"
    assert (codec.info.sample_rate, codec.info.bitrate_bps) == (RATE, 2400)
    assert (codec.info.n_codebooks, codec.info.citation) == (0, "Them, 2024")


def test_clips_are_paired_by_name_and_not_by_order(folder: Path) -> None:
    codec = DecodedFolder(folder)
    for clip, hz in zip(CLIPS, (500, 300, 700), strict=True):
        decoded = through_codec(codec.of_clip(clip), tone(100), RATE)
        assert np.array_equal(decoded.estimate, tone(hz))
        assert decoded.bits == 1200


def test_the_run_brings_clips_to_the_files_rate(folder: Path) -> None:
    decoded = through_codec(DecodedFolder(folder).of_clip("c"), tone(700, 48_000), 48_000)
    assert len(decoded.estimate) == 24_000
    inner = slice(1000, -1000)
    assert np.abs(decoded.estimate - tone(700, 48_000))[inner].max() < 1e-3


def test_files_of_several_rates_have_to_be_at_their_clips(folder: Path) -> None:
    soundfile.write(folder / "c.wav", tone(700, 8000), 8000)
    codec = DecodedFolder(folder)
    assert codec.info.sample_rate is None
    assert len(through_codec(codec.of_clip("c"), tone(700, 8000), 8000).estimate) == 4000
    with pytest.raises(ValueError, match=r"the decoded c\.wav is at 8000 Hz, its clip at 16000"):
        through_codec(codec.of_clip("c"), tone(700), RATE)


def test_only_the_first_channel_counts(folder: Path) -> None:
    soundfile.write(folder / "c.wav", np.stack([tone(700), tone(900)], axis=1), RATE, "FLOAT")
    decoded = through_codec(DecodedFolder(folder).of_clip("c"), tone(100), RATE)
    assert np.array_equal(decoded.estimate, tone(700))


@pytest.mark.parametrize("n_more", [-300, 300])
def test_unfinished_frames_are_cut_or_filled_up(folder: Path, n_more: int) -> None:
    soundfile.write(folder / "c.wav", np.ones(8000 + n_more), RATE, subtype="FLOAT")
    estimate = through_codec(DecodedFolder(folder).of_clip("c"), tone(100), RATE).estimate
    assert estimate.sum() == min(8000, 8000 + n_more)


@pytest.mark.parametrize("seconds", [0.2, 0.8])
def test_a_file_of_another_length_is_not_the_clips(folder: Path, seconds: float) -> None:
    codec = DecodedFolder(folder)
    with pytest.raises(ValueError, match=rf"c\.wav has 0\.500 s, its clip {seconds:.3f} s"):
        through_codec(codec.of_clip("c"), tone(100, seconds=seconds), RATE)


def test_a_clip_without_a_file_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"no decoded file for music/a\.mp3: no music/a\.wav"):
        DecodedFolder(folder).of_clip("music/a.mp3")


def test_missing_and_extra_files_are_named(folder: Path) -> None:
    codec = DecodedFolder(folder)
    assert codec.unpaired(CLIPS) == []
    name = codec.info.name
    assert codec.unpaired(["c", "d", "speech/a.flac"]) == [
        f"{name}: no decoded file for d",
        f"{name}: decoded files of no clip: speech/b",
    ]
    many = [f"clip-{number}" for number in range(9)]
    assert codec.unpaired(many)[0].endswith("clip-3, clip-4 and 4 more")


def test_by_itself_it_codes_nothing(folder: Path) -> None:
    with pytest.raises(ValueError, match="is decoded already"):
        through_codec(DecodedFolder(folder), tone(100), RATE)


def test_another_content_is_another_codec(folder: Path) -> None:
    first = DecodedFolder(folder).info
    assert DecodedFolder(folder).info == first
    soundfile.write(folder / "c.wav", tone(701), RATE)
    assert DecodedFolder(folder).info.revision != first.revision


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, r"codec\.json is missing, which says at what bitrate"),
        ("{", r"codec\.json cannot be used \(JSONDecodeError"),
        ("[]", r"codec\.json cannot be used \(TypeError"),
        ("{}", r"codec\.json cannot be used \(KeyError: 'bitrate_bps'\)"),
        ('{"bitrate_bps": 0}', "expected a bitrate_bps above 0, got 0"),
        ('{"bitrate_bps": "6k"}', "expected a bitrate_bps above 0, got '6k'"),
    ],
)
def test_a_folder_that_does_not_say_its_bitrate(folder: Path, text: str | None, why: str) -> None:
    if text is None:
        (folder / "codec.json").unlink()
    else:
        (folder / "codec.json").write_text(text)
    with pytest.raises(CodecUnavailableError, match=why) as caught:
        registry.load(f"folder:{folder}")
    assert "\n" not in str(caught.value)


def test_folders_without_usable_files(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CodecUnavailableError, match="nowhere: no such folder"):
        registry.load(f"folder:{tmp_path / 'nowhere'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CodecUnavailableError, match="no decoded audio in it"):
        registry.load(f"folder:{tmp_path / 'empty'}")
    (folder / "c.flac").write_bytes(b"")
    with pytest.raises(CodecUnavailableError, match=r"two files for one clip: c\.flac, c\.wav"):
        registry.load(f"folder:{folder}")
    (folder / "c.flac").unlink()
    (folder / "c.wav").write_bytes(b"no audio")
    with pytest.raises(CodecUnavailableError, match="a file cannot be read as audio"):
        registry.load(f"folder:{folder}")
