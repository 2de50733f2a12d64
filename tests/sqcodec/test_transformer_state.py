"""sqcodec.transformer_state: fed piece by piece against all at once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import assert_same, randomise
from sqcodec.local_transformer import LocalTransformer
from sqcodec.presets import TransformerConfig
from sqcodec.transformer_state import TransformerState

WIDTH, WINDOW, FRAMES = 16, 7, 40


@pytest.fixture(scope="module")
def transformer() -> LocalTransformer:
    torch.manual_seed(0)
    return randomise(LocalTransformer(WIDTH, TransformerConfig(depth=3, window=WINDOW)))


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(1, FRAMES), max_size=12))
def test_any_pieces_give_what_the_whole_gives(
    transformer: LocalTransformer, cuts: list[int]
) -> None:
    x = torch.randn(2, FRAMES, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        expected = transformer(x)
        state = TransformerState(transformer)
        cut = x.tensor_split(sorted(set(cuts) - {FRAMES}), dim=1)
        pieces = [state(piece, False) for piece in cut]
    assert_same(torch.cat(pieces, dim=1), expected)


def test_frame_by_frame(transformer: LocalTransformer) -> None:
    x = torch.randn(1, FRAMES, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        state = TransformerState(transformer)
        pieces = [state(frame, False) for frame in x.split(1, dim=1)]
        assert_same(torch.cat(pieces, dim=1), transformer(x))


def test_no_frames_are_no_frames(transformer: LocalTransformer) -> None:
    assert TransformerState(transformer)(None, True) is None


def test_what_is_remembered_stays_bounded(transformer: LocalTransformer) -> None:
    """At most the previous window and the current one, in a layer."""
    state = TransformerState(transformer)
    attend, _ = state._layers[0]
    sizes = set()
    for _ in range(10 * WINDOW):
        with torch.no_grad():
            state(torch.randn(1, 1, WIDTH, dtype=torch.float64), False)
        assert attend._kept is not None
        sizes.add(attend._kept.shape[-2])
    assert max(sizes) == 2 * WINDOW - 1
