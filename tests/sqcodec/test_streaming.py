"""Streams as they are used: pieces of any size, their ends, bad input, and what they delay."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

import sqcodec
from sqcodec.presets import PRESETS
from sqcodec.streaming import latency

DOCS = Path(__file__).parents[2] / "docs" / "streaming.md"

# Products of other shapes round differently in float32; the audio lies in -1..1.
FLOAT32_ROUNDING = 1e-4


@pytest.fixture
def codec(tiny_weights: Path) -> sqcodec.SQCodec:
    return sqcodec.load(tiny_weights)


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 0.1


# The codec is the same for all examples, and is not changed.
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    length=st.integers(1, 4_000),
    sizes=st.lists(st.integers(0, 3_000), max_size=6),
    n_clips=st.integers(1, 3),
)
def test_any_stream_gives_the_codes_of_the_clip(
    codec: sqcodec.SQCodec, length: int, sizes: list[int], n_clips: int
) -> None:
    audio = _noise(n_clips, length)
    cuts = [min(length, sum(sizes[: i + 1])) for i in range(len(sizes))]
    codes = list(codec.encode_stream(audio.tensor_split(cuts, dim=1)))
    assert torch.equal(torch.cat(codes, 1), codec.encode(audio))


@pytest.mark.parametrize("length", [1, 64, 1_601, 3_000])
def test_with_the_clips_statistics_the_audio_is_that_of_the_clip(
    codec: sqcodec.SQCodec, length: int
) -> None:
    codes = codec.encode(_noise(length))
    statistics = codec.statistics(codes)
    pieces = list(codec.decode_stream(codes.split(7), statistics=statistics))
    expected = codec.decode(codes)
    assert (torch.cat(pieces) - expected).abs().max() < FLOAT32_ROUNDING
    assert (codec.decode(codes, length, statistics=statistics) - expected[:length]).abs().max() < (
        FLOAT32_ROUNDING
    )


def test_statistics_of_one_clip_serve_a_batch(codec: sqcodec.SQCodec) -> None:
    codes = codec.encode(_noise(2, 3_000))
    statistics = codec.statistics(codes[0])
    pieces = list(codec.decode_stream([codes], statistics=statistics))
    expected = codec.decode(codes[0])
    assert (torch.cat(pieces, 1)[0] - expected).abs().max() < FLOAT32_ROUNDING


def test_without_statistics_a_stream_ends_with_those_of_all_its_frames(
    codec: sqcodec.SQCodec,
) -> None:
    codes = codec.encode(_noise(3_000))
    decoder = codec.stream_decoder()
    assert decoder.statistics is None
    audio = torch.cat([decoder.push(codes), decoder.finish()])
    assert audio.shape == (47 * 64,)
    assert torch.isfinite(audio).all()
    assert decoder.statistics is not None
    assert [moments.count for moments in decoder.statistics] == [47, 47 * 8]
    # The first gate sees what it sees in the whole clip.
    first, _ = codec.statistics(codes)
    torch.testing.assert_close(decoder.statistics[0].mean, first.mean, rtol=1e-5, atol=1e-6)


def test_window_padding_comes_with_the_end(tiny_weights: Path) -> None:
    codec = sqcodec.load(tiny_weights, padding="window")
    audio = _noise(1, 1_700)
    encoder = codec.stream_encoder()
    codes = torch.cat([encoder.push(audio), encoder.finish()], 1)
    assert codes.shape == (1, 50)  # two windows of 25 frames
    assert torch.equal(codes, codec.encode(audio))


def test_an_empty_stream_is_empty(codec: sqcodec.SQCodec) -> None:
    assert codec.stream_encoder().finish().shape == (0,)
    assert codec.stream_decoder().finish().shape == (0,)
    encoder, decoder = codec.stream_encoder(), codec.stream_decoder()
    assert encoder.push(torch.zeros(2, 0)).shape == encoder.finish().shape == (2, 0)
    assert decoder.push(torch.zeros(2, 0, dtype=torch.int64)).shape == (2, 0)
    assert decoder.finish().shape == (2, 0)
    assert list(codec.encode_stream([])) == []


def test_codes_come_as_early_as_the_latency_says(codec: sqcodec.SQCodec) -> None:
    ahead = codec.latency.encoder
    encoder = codec.stream_encoder()
    assert encoder.push(_noise(64 + ahead - 1)).shape == (0,)
    assert encoder.push(_noise(1)).shape == (1,)


def test_bad_streams(codec: sqcodec.SQCodec) -> None:
    encoder, decoder = codec.stream_encoder(), codec.stream_decoder()
    with pytest.raises(ValueError, match="must be a floating-point tensor"):
        encoder.push(torch.zeros(10, dtype=torch.int64))
    with pytest.raises(ValueError, match="must be finite"):
        encoder.push(torch.full((10,), torch.nan))
    with pytest.raises(ValueError, match=r"in 0\.\.124, got 125\.\.125"):
        decoder.push(torch.tensor([125]))
    with pytest.raises(ValueError, match="must be an int64 tensor"):
        decoder.push(torch.zeros(3))
    encoder.push(torch.zeros(2, 10))
    with pytest.raises(ValueError, match=r"of shape \[2, n\], got \[3, 10\]"):
        encoder.push(torch.zeros(3, 10))
    encoder.finish()
    with pytest.raises(ValueError, match="has ended"):
        encoder.push(torch.zeros(2, 10))
    with pytest.raises(ValueError, match="has ended"):
        encoder.finish()
    statistics = codec.statistics(torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ValueError, match="has 2 gates, got statistics of 1"):
        codec.stream_decoder(statistics=statistics[:1])
    statistics = codec.statistics(torch.zeros(2, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="are of 2 clips, got 3"):
        codec.stream_decoder(statistics=statistics).push(torch.zeros(3, 4, dtype=torch.int64))


@pytest.mark.parametrize("preset", PRESETS)
def test_the_docs_state_the_latency(preset: str) -> None:
    found = latency(PRESETS[preset])
    numbers = (found.frame, found.encoder, found.decoder, found.total)
    row = f"| {preset} | {' | '.join(f'{n:,}' for n in numbers)} | {found.total_ms:.0f} ms |"
    assert row in DOCS.read_text().splitlines()


def test_a_tensor_is_not_taken_for_pieces(codec: sqcodec.SQCodec) -> None:
    with pytest.raises(ValueError, match="expected pieces, one after the other, got a tensor"):
        codec.encode_stream(torch.zeros(2, 9_000))
    with pytest.raises(ValueError, match="expected pieces, one after the other, got a tensor"):
        codec.decode_stream(torch.zeros(2, 100, dtype=torch.int64))
