"""The configurations of SQCodec: Table 5's seven presets and Table 3's ablation variants.

Everything that can be counted from the network itself (parameters, multiply-accumulates)
is counted there and not written here.

Source: SQCodec paper, Tables 3 and 5. Where the paper is silent (widths, depths, the second
transformer of the two lowest bitrates) the values are those read off the authors' published
package `sq_codec` 0.0.1.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, replace
from functools import cached_property


@dataclass(frozen=True)
class TransformerConfig:
    """One block of windowed causal attention layers.

    Attributes:
        depth: number of layers.
        window: W, frames per attention window.
    """

    depth: int
    window: int

    def __post_init__(self) -> None:
        if self.depth < 1 or self.window < 1:
            raise ValueError(f"depth and window must be at least 1, got {self}")


@dataclass(frozen=True)
class SQCodecConfig:
    """All that decides the shape of an SQCodec network.

    Attributes:
        name: the preset's name.
        sample_rate: Hz.
        encoder_rates: stride of each Down layer.
        decoder_rates: upsampling factor of each Up layer.
        fsq_levels: levels of each FSQ dimension, odd.
        inner: the transformer next to the quantizer, on both sides.
        outer: the transformer on the far side of the extra down-sampling step, or None.
        extra_rate: s, the extra down-sampling step between the two transformers; 1 for none.
        encoder_widths, encoder_depths: channels and Conv units per encoder stage, the last
            pair being the units after the last Down layer.
        decoder_widths, decoder_depths: the same for the decoder; the last width is the last
            unit's.
        latent_width: D, channels of the latent.
        tconv: the first layer is a TConv unit (a plain convolution otherwise).
        teconv: the decoder stages have TEConv gates.
    """

    name: str
    sample_rate: int
    encoder_rates: tuple[int, ...]
    decoder_rates: tuple[int, ...]
    fsq_levels: tuple[int, ...]
    inner: TransformerConfig
    outer: TransformerConfig | None = None
    extra_rate: int = 1
    encoder_widths: tuple[int, ...] = (24, 48, 96, 192)
    encoder_depths: tuple[int, ...] = (1, 1, 1, 2)
    decoder_widths: tuple[int, ...] = (384, 192, 96, 48, 24)
    decoder_depths: tuple[int, ...] = (3, 2, 2, 1)
    latent_width: int = 256
    tconv: bool = True
    teconv: bool = True

    def __post_init__(self) -> None:
        if math.prod(self.encoder_rates) != math.prod(self.decoder_rates):
            raise ValueError(
                f"encoder rates {self.encoder_rates} and decoder rates {self.decoder_rates} "
                "must have the same product"
            )
        n_stages = len(self.encoder_rates) + 1
        if not len(self.encoder_widths) == len(self.encoder_depths) == n_stages:
            raise ValueError(f"encoder widths and depths must have {n_stages} entries")
        n_stages = len(self.decoder_rates)
        if len(self.decoder_widths) != n_stages + 1 or len(self.decoder_depths) != n_stages:
            raise ValueError(f"the decoder needs {n_stages + 1} widths and {n_stages} depths")
        if any(level < 3 or level % 2 == 0 for level in self.fsq_levels):
            raise ValueError(f"FSQ levels must be odd and at least 3, got {self.fsq_levels}")
        if (self.outer is None) != (self.extra_rate == 1):
            raise ValueError("an extra rate and an outer transformer come together")

    @cached_property
    def conv_hop(self) -> int:
        """Samples per frame of the convolutional encoder."""
        return math.prod(self.encoder_rates)

    @cached_property
    def hop_length(self) -> int:
        """Samples per code."""
        return self.conv_hop * self.extra_rate

    @cached_property
    def window_length(self) -> int:
        """Samples per window of the inner transformer: the unit of the authors' padding."""
        return self.hop_length * self.inner.window

    @cached_property
    def codebook_size(self) -> int:
        """Number of distinct codes."""
        return math.prod(self.fsq_levels)

    @cached_property
    def bits_per_frame(self) -> float:
        """log2 of the codebook size."""
        return math.log2(self.codebook_size)

    @cached_property
    def frame_rate_hz(self) -> float:
        """Codes per second."""
        return self.sample_rate / self.hop_length

    @cached_property
    def bitrate_bps(self) -> float:
        """Bits per second at log2(codebook) bits a code."""
        return self.frame_rate_hz * self.bits_per_frame

    @cached_property
    def receptive_field_s(self) -> float:
        """W x hop / sample rate, what the paper's Table 3 calls the receptive field, seconds."""
        return self.window_length / self.sample_rate

    @cached_property
    def look_back_s(self) -> float:
        """How far back a frame can see through all layers of the inner transformer, seconds.

        A layer looks back to the start of the window before a frame's own. D layers look back
        to the start of the Dth window before it, from the last frame of a window over
        (D + 1) W - 1 frames. Encoder and decoder have such a transformer each.
        """
        n_frames = (self.inner.depth + 1) * self.inner.window - 1
        return n_frames * self.hop_length / self.sample_rate


_LEVELS_17_BIT = (7, 7, 7, 7, 7, 7)
_LEVELS_18_BIT = (9, 9, 9, 7, 7, 7)


def _two_stages(
    name: str,
    sample_rate: int,
    encoder_rates: tuple[int, int],
    decoder_rates: tuple[int, int, int],
    fsq_levels: tuple[int, ...],
    window: int,
) -> SQCodecConfig:
    """Return a preset of the higher bitrates, which have two Down layers."""
    return SQCodecConfig(
        name=name,
        sample_rate=sample_rate,
        encoder_rates=encoder_rates,
        decoder_rates=decoder_rates,
        fsq_levels=fsq_levels,
        inner=TransformerConfig(depth=3, window=window),
        encoder_widths=(24, 96, 192),
        encoder_depths=(1, 1, 2),
        decoder_widths=(384, 192, 96, 48),
        decoder_depths=(3, 2, 1),
    )


_TABLE_5 = (
    SQCodecConfig(
        name="sqcodec-0.75k",
        sample_rate=16000,
        encoder_rates=(6, 5, 4),
        decoder_rates=(5, 4, 3, 2),
        fsq_levels=_LEVELS_17_BIT,
        inner=TransformerConfig(depth=3, window=200),
        outer=TransformerConfig(depth=2, window=600),
        extra_rate=3,
    ),
    SQCodecConfig(
        name="sqcodec-1.5k",
        sample_rate=16000,
        encoder_rates=(6, 5, 3),
        decoder_rates=(5, 3, 3, 2),
        fsq_levels=_LEVELS_17_BIT,
        inner=TransformerConfig(depth=3, window=300),
        outer=TransformerConfig(depth=2, window=600),
        extra_rate=2,
    ),
    SQCodecConfig(
        name="sqcodec-3k",
        sample_rate=16000,
        encoder_rates=(6, 5, 3),
        decoder_rates=(5, 3, 3, 2),
        fsq_levels=_LEVELS_17_BIT,
        inner=TransformerConfig(depth=3, window=400),
    ),
    _two_stages("sqcodec-6k", 16000, (9, 5), (5, 3, 3), _LEVELS_17_BIT, 300),
    _two_stages("sqcodec-12k", 16000, (6, 4), (4, 3, 2), _LEVELS_18_BIT, 400),
    _two_stages("sqcodec-12k-24khz", 24000, (6, 6), (4, 3, 3), _LEVELS_18_BIT, 400),
    _two_stages("sqcodec-24k-24khz", 24000, (6, 3), (3, 3, 2), _LEVELS_18_BIT, 600),
)


def _ablations(base: SQCodecConfig) -> list[SQCodecConfig]:
    """Return the architectural rows of Table 3 as variants of `base`, in their order."""
    windows = [
        replace(
            base,
            name=f"{base.name}-window-{window}",
            inner=replace(base.inner, window=window),
        )
        for window in (150, 75, 40)
    ]
    return [
        *windows,
        replace(base, name=f"{base.name}-no-tconv", tconv=False),
        replace(base, name=f"{base.name}-no-teconv", teconv=False),
    ]


PRESETS: dict[str, SQCodecConfig] = {config.name: config for config in _TABLE_5}
ABLATIONS: dict[str, SQCodecConfig] = {
    config.name: config for config in _ablations(PRESETS["sqcodec-6k"])
}
"""Those of the paper."""


def ablations(preset: str) -> dict[str, SQCodecConfig]:
    """The same variants of any preset, by name: of its inner windows and its modules.

    Raises:
        KeyError: there is no such preset.
    """
    of_preset = {config.name: config for config in _ablations(PRESETS[preset])}
    return {name: ABLATIONS.get(name, config) for name, config in of_preset.items()}


def get_config(name: str) -> SQCodecConfig:
    """Return the preset or ablation variant called `name`.

    Raises:
        ValueError: there is none; the message names the nearest ones.
    """
    known = PRESETS | ABLATIONS
    for preset in PRESETS:
        if name.startswith(f"{preset}-"):
            known = known | ablations(preset)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
        raise ValueError(f"no SQCodec preset is called {name!r}; {hint}")
    return known[name]
