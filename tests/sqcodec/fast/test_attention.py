"""sqcodec.fast.attention: the same attention, whatever the clip's length."""

from __future__ import annotations

import pytest
import torch

import sqcodec.fast.attention as fast_attention
from checks import assert_same, randomise
from sqcodec.fast.attention import FastTransformer
from sqcodec.local_transformer import LocalTransformer
from sqcodec.presets import TransformerConfig

WINDOW = 25
CONFIG = TransformerConfig(depth=2, window=WINDOW)


def transformer() -> LocalTransformer:
    torch.manual_seed(0)
    return randomise(LocalTransformer(32, CONFIG)).requires_grad_(False)


@pytest.mark.parametrize("block", [10, WINDOW, 100])
@pytest.mark.parametrize("n_frames", [1, 2, 24, 25, 26, 50, 51, 75])
def test_the_plain_transformer(n_frames: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_attention, "_BLOCK", block)
    x = torch.randn(2, n_frames, 32, dtype=torch.float64)
    assert_same(FastTransformer(transformer())(x), transformer()(x))


def test_the_bias_is_of_one_window() -> None:
    fast = FastTransformer(transformer())
    assert_same(fast.position_bias(WINDOW), transformer().position_bias(WINDOW))
    with pytest.raises(ValueError, match="for a window of 25, got 30"):
        fast.position_bias(30)
