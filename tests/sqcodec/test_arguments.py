"""sqcodec.arguments: what the codec takes, and one clear line for what it does not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sqcodec.arguments import check_audio, check_codes


@pytest.mark.parametrize("shape", [(1,), (3, 1), (2, 50)])
def test_clips_and_batches_pass(shape: tuple[int, ...]) -> None:
    check_audio(torch.zeros(shape))
    check_codes(torch.full(shape, 124), 125)


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_nothing_passes_only_where_it_may(shape: tuple[int, ...]) -> None:
    check_audio(torch.zeros(shape), least=0)
    check_codes(torch.zeros(shape, dtype=torch.int64), 125, least=0)
    with pytest.raises(ValueError, match="T >= 1"):
        check_audio(torch.zeros(shape))
    with pytest.raises(ValueError, match="F >= 1"):
        check_codes(torch.zeros(shape, dtype=torch.int64), 125)


def test_a_batch_has_clips_even_where_they_may_be_empty() -> None:
    with pytest.raises(ValueError, match=r"got \(0, 10\)"):
        check_audio(torch.zeros(0, 10), least=0)
    with pytest.raises(ValueError, match=r"got \(0, 10\)"):
        check_codes(torch.zeros(0, 10, dtype=torch.int64), 125, least=0)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_one_bad_sample_is_found(bad: float) -> None:
    audio = torch.zeros(2, 1000)
    audio[1, 999] = bad
    with pytest.raises(ValueError, match="must be finite"):
        check_audio(audio)


@pytest.mark.parametrize("loud", [1.1e4, -1e20, 3e38])
def test_audio_that_would_overflow_is_refused(loud: float) -> None:
    audio = torch.zeros(2, 1000)
    audio[1, 999] = loud
    with pytest.raises(ValueError, match=r"audio must lie in \[-1, 1\], got "):
        check_audio(audio)
    check_audio(audio / abs(loud) * 1e4)


@pytest.mark.parametrize(
    ("audio", "why"),
    [
        (torch.zeros(10, dtype=torch.int16), "floating-point tensor, got .*int16"),
        ([0.0], "floating-point tensor, got list"),
        (torch.tensor(0.0), r"shape \[B, T\]"),
        (torch.zeros(1, 2, 3), r"one channel a clip, got \(1, 2, 3\)"),
        (torch.zeros(0, 10), r"got \(0, 10\)"),
    ],
)
def test_bad_audio(audio: Tensor, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_audio(audio)


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        (torch.zeros(10), "int64 tensor, got .*float32"),
        (torch.zeros(1, 2, 3, dtype=torch.int64), r"shape \[B, F\]"),
        (torch.tensor([0, -1]), r"0\.\.124, got -1\.\.0"),
        (torch.tensor([[125]]), r"0\.\.124, got 125\.\.125"),
    ],
)
def test_bad_codes(codes: Tensor, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_codes(codes, 125)
