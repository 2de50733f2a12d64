"""Parity: all seven presets give what the authors' package gives, and mutants do not.

Both networks carry the same random weights (see `authors`), converted as an import converts
them, and hear noise, tones, speech and silence, padded as the authors pad. `compare` measures
the distance in float64, where only the order of the arithmetic differs; the mutants at the
end prove that it sees small deviations. In float32 the codec as it is used is judged beside
the authors' network, both by their distance from the float64 result.

`speech.flac` is an excerpt of a LibriVox recording of "Sense and Sensibility" (public domain),
taken from the Debian package pocketsphinx-testdata.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile
import soxr
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

import authors
import naive
from sqcodec.import_authors import convert
from sqcodec.inference import SQCodec
from sqcodec.layers import EPS, GRN
from sqcodec.local_transformer import FeedForward, LocalAttention
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS, SQCodecConfig
from sqcodec.weights import WeightsCard

# Largest difference of two float64 waveforms in [-1, 1] that are the same computation.
WAVEFORM_TOLERANCE = 1e-7
# A float32 code may differ only where the value to be rounded is this close to a half.
TIE_DISTANCE = 1e-3
# At most this share of the frames may hold a tie that fell the other way.
MAX_TIE_SHARE = 0.005
MIN_DISTINCT_CODES = 200

MUTATED_PRESET = "sqcodec-6k"


@dataclass(frozen=True)
class Reference:
    """The two networks of a preset and what the authors' gives in float64.

    Attributes:
        theirs, ours: networks of the same weights, which are exact in float32.
        clips: audio [1, T] each, float64.
        bounded: what their quantizer rounds, [1, F, L] for each clip.
        codes: theirs, [1, F] for each clip.
        audio: their reconstruction [1, T] of each clip.
    """

    theirs: nn.Module
    ours: SQCodecNetwork
    clips: list[Tensor]
    bounded: list[Tensor]
    codes: list[Tensor]
    audio: list[Tensor]


@dataclass(frozen=True)
class Comparison:
    """How far our network is from the authors' in float64.

    Attributes:
        n_wrong_codes: frames with another code.
        waveform_error: largest difference of the waveforms decoded from the authors' codes.
    """

    n_wrong_codes: int
    waveform_error: float

    @property
    def encoders_agree(self) -> bool:
        """Whether all codes are the same."""
        return self.n_wrong_codes == 0

    @property
    def decoders_agree(self) -> bool:
        """Whether the same codes become the same waveform."""
        return self.waveform_error <= WAVEFORM_TOLERANCE


def pad(audio: Tensor, config: SQCodecConfig) -> Tensor:
    """Pad [1, T] with zeros to whole windows, as the authors do."""
    return nnf.pad(audio, (0, -audio.shape[-1] % config.window_length))


@torch.inference_mode()
def compare(reference: Reference) -> Comparison:
    """Compare our network with the authors' in float64, over all clips."""
    ours = reference.ours.double()
    n_wrong, error = 0, 0.0
    for clip, codes, audio in zip(reference.clips, reference.codes, reference.audio, strict=True):
        n_wrong += int((ours.encode(pad(clip, ours.config)) != codes).sum())
        difference = ours.decode(codes)[:, : clip.shape[-1]] - audio
        error = max(error, float(difference.abs().max()))
    return Comparison(n_wrong, error)


def make_clips(config: SQCodecConfig) -> list[Tensor]:
    """Return a clip of noise, tones and speech that reaches into a second window, and silence."""
    n_samples = int(0.55 * config.window_length)
    noise = 0.1 * torch.randn(n_samples, generator=torch.Generator().manual_seed(0))
    time_s = torch.arange(n_samples) / config.sample_rate
    frequency_hz = torch.tensor([[110.0], [940.0], [3520.0]])
    tones = 0.1 * torch.sin(2 * torch.pi * frequency_hz * time_s).sum(0)
    spoken, rate = soundfile.read(Path(__file__).parent / "speech.flac", dtype="float32")
    speech = torch.from_numpy(soxr.resample(spoken, rate, config.sample_rate))[:n_samples]
    sounds = torch.cat([noise, tones, speech])
    return [sounds[None].double(), torch.zeros(1, n_samples, dtype=torch.float64)]


def our_network(theirs: nn.Module, config: SQCodecConfig) -> SQCodecNetwork:
    """Return our network with the authors' parameters, in float32 and eval mode."""
    network = SQCodecNetwork(config).eval()
    network.load_state_dict(convert(authors.state(theirs), config))
    return network


@pytest.fixture(scope="module", params=PRESETS)
def reference(request: pytest.FixtureRequest) -> Reference:
    """Build both networks of a preset and run the authors' in float64."""
    config = PRESETS[request.param]
    clips = make_clips(config)
    theirs = authors.build(config.name)
    authors.calibrate(theirs, clips[0].float())
    ours = our_network(theirs, config)
    theirs.double()
    with torch.inference_mode():
        outputs = [theirs(clip) for clip in clips]
        latents = [output["hidden_feature"]["encoded_trans_feature"] for output in outputs]
        return Reference(
            theirs=theirs,
            ours=ours,
            clips=clips,
            bounded=[authors.bound(theirs, latent) for latent in latents],
            codes=[output["embedded_indices"].long() for output in outputs],
            audio=[output["generated_audio"] for output in outputs],
        )


def test_parity_float64(reference: Reference) -> None:
    comparison = compare(reference)
    assert comparison.encoders_agree, comparison
    assert comparison.decoders_agree, comparison


def test_parity_is_on_lively_signals(reference: Reference) -> None:
    """Agreement means something: all levels and many codes are in use, the waveform lives."""
    levels = [len(d.round().unique()) for d in torch.cat(reference.bounded, 1).unbind(-1)]
    assert levels == list(reference.ours.config.fsq_levels)
    assert len(torch.cat(reference.codes, 1).unique()) >= MIN_DISTINCT_CODES
    sounds = reference.audio[0]
    assert 0.1 < float(sounds.std()) < 0.6
    assert float((sounds.abs() > 0.99).double().mean()) < 0.01


def rms(errors: list[Tensor]) -> float:
    """Root of the mean square over all clips."""
    return float(torch.cat(errors).square().mean().sqrt())


def largest(errors: list[Tensor]) -> float:
    """Largest absolute value over all clips."""
    return float(torch.cat(errors).abs().max())


@torch.inference_mode()
def test_parity_float32(reference: Reference) -> None:
    """Codes differ at rounding ties only; our waveform is at least as exact as the authors'."""
    theirs = reference.theirs.float()
    config = reference.ours.config
    card = WeightsCard(config.name, "the authors' random ones", padding="window")
    codec = SQCodec(our_network(theirs, config), card, name=config.name, weights_sha256="")
    to_digits = reference.ours.quantizer.codes_to_digits
    n_frames = n_ties = 0
    from_half: list[Tensor] = []
    our_errors: list[Tensor] = []
    their_errors: list[Tensor] = []
    for clip, bounded, codes, audio in zip(
        reference.clips, reference.bounded, reference.codes, reference.audio, strict=True
    ):
        n_samples = clip.shape[-1]
        our_codes, their_codes = codec.encode(clip), authors.encode(theirs, clip.float())
        differs = to_digits(our_codes) != to_digits(their_codes)  # [1, F, L]
        from_half.append((bounded - bounded.floor() - 0.5).abs()[differs])
        n_ties += int(differs.any(-1).sum())
        n_frames += codes.numel()
        our_errors.append((codec.decode(codes, n_samples) - audio)[0])
        their_errors.append((authors.decode(theirs, codes)[:, :n_samples] - audio)[0])
    assert (torch.cat(from_half) <= TIE_DISTANCE).all()
    assert n_ties <= MAX_TIE_SHARE * n_frames
    assert rms(our_errors) <= rms(their_errors)
    assert largest(our_errors) <= largest(their_errors)


Mutant = Callable[[pytest.MonkeyPatch, SQCodecNetwork], None]


def _larger_epsilon(monkeypatch: pytest.MonkeyPatch, network: SQCodecNetwork) -> None:
    for module in network.modules():
        if isinstance(module, nn.LayerNorm) and module.eps == EPS:
            monkeypatch.setattr(module, "eps", 1e-5)


def _geglu_halves_swapped(monkeypatch: pytest.MonkeyPatch, _network: SQCodecNetwork) -> None:
    def forward(self: FeedForward, x: Tensor) -> Tensor:
        gate, value = self.expand(self.norm(x)).chunk(2, dim=-1)
        return self.reduce(value * nnf.gelu(gate))

    monkeypatch.setattr(FeedForward, "forward", forward)


def _grn_dropped(monkeypatch: pytest.MonkeyPatch, _network: SQCodecNetwork) -> None:
    def into(_self: GRN, linear: nn.Linear, x: Tensor) -> Tensor:
        return linear(x)

    monkeypatch.setattr(GRN, "into", into)


def _windows_shifted_by_one(monkeypatch: pytest.MonkeyPatch, _network: SQCodecNetwork) -> None:
    def forward(self: LocalAttention, x: Tensor, bias: Tensor) -> Tensor:
        return naive.attention(self, x, bias, shift=1)

    monkeypatch.setattr(LocalAttention, "forward", forward)


@pytest.mark.parametrize("reference", [MUTATED_PRESET], indirect=True)
@pytest.mark.parametrize(
    "mutate", [_larger_epsilon, _geglu_halves_swapped, _grn_dropped, _windows_shifted_by_one]
)
def test_parity_fails_for_a_mutant(
    reference: Reference, mutate: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch, reference.ours)
    comparison = compare(reference)
    assert not comparison.encoders_agree, comparison
    assert not comparison.decoders_agree, comparison
