"""bench.macs, bench.paper_macs, bench.shapes: products by hand; the counter by itself."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from ptflops import get_model_complexity_info
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

import authors
from baselines import dac, encodec
from baselines import sqcodec as adapter
from bench.architecture import Architecture, AsCounted
from bench.macs import Layer, in_full, n_parameters
from bench.paper_macs import by_paper
from bench.shapes import PARTS
from sqcodec import presets

N_SAMPLES = 64


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 6, num_layers=2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x.transpose(1, 2))[0].transpose(1, 2)


class Attention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        q = x.transpose(1, 2)[:, None]
        return functional.scaled_dot_product_attention(q, q, q)[:, 0].transpose(1, 2)


class Toy(nn.Module):
    """An encoder that halves the rate, a quantizer of one matrix, a decoder that doubles it."""

    def __init__(self, conv: Callable[..., nn.Module] = nn.Conv1d) -> None:
        super().__init__()
        self.encoder = nn.Sequential(conv(1, 4, 2, stride=2), nn.ELU(), Recurrent())
        self.quantizer = nn.Linear(6, 5)
        self.decoder = nn.Sequential(
            nn.GroupNorm(1, 5), Attention(), nn.ConvTranspose1d(5, 1, 4, stride=2, padding=1)
        )

    def forward(self, audio: Tensor) -> Tensor:
        frames = self.quantizer(self.encoder(audio).transpose(1, 2))
        return self.decoder(frames.transpose(1, 2))


def architecture(toy: Toy, as_counted: AsCounted | None = None, pad_to: int = 2) -> Architecture:
    return Architecture(
        "toy",
        16_000,
        pad_to,
        toy.eval(),
        encode=lambda audio: toy.encoder(audio[:, None]),
        quantize=lambda latent: toy.quantizer(latent.transpose(1, 2)),
        dequantize=lambda codes: codes.transpose(1, 2),
        decode=toy.decoder,
        as_counted=as_counted or AsCounted(),
    )


def ptflops(network: nn.Module, shape: tuple[int, ...]) -> int:
    """What the counter itself says of a network without weight norm."""
    with torch.no_grad():
        macs, _ = get_model_complexity_info(
            network, shape, as_strings=False, print_per_layer_stat=False, backend="pytorch"
        )
    assert isinstance(macs, int)
    return macs


def total(layers: list[Layer]) -> int:
    return sum(layer.macs for layer in layers)


def test_every_product_is_counted_where_it_happens() -> None:
    frames = N_SAMPLES // 2
    assert in_full(architecture(Toy()), N_SAMPLES, as_counted=False) == [
        Layer("encoder", "encoder.0", frames * 2 * 4),
        Layer("encoder", "encoder.2.lstm", frames * 4 * 6 * ((4 + 6) + (6 + 6))),
        Layer("quantizer", "quantizer", frames * 6 * 5),
        Layer("decoder", "decoder.1", 2 * frames**2 * 5),
        Layer("decoder", "decoder.2", frames * 5 * 4),
    ]


def test_padding_is_the_codecs_own_or_that_of_the_authors() -> None:
    padded = architecture(Toy(), AsCounted(pad_to=16), pad_to=4)
    at = {n: total(in_full(architecture(Toy()), n, as_counted=False)) for n in (24, 32)}
    assert total(in_full(padded, 21, as_counted=False)) == at[24]
    assert total(in_full(padded, 21, as_counted=True)) == at[32]


def test_what_the_authors_code_does_beyond_ours_is_added_to_theirs_alone() -> None:
    more = AsCounted(more={Attention: lambda module, x, y: 1000})
    counted = architecture(Toy(), more)
    plain = total(in_full(counted, N_SAMPLES, as_counted=False))
    assert total(in_full(counted, N_SAMPLES, as_counted=True)) == plain + 1000


def test_the_papers_counter_is_followed_to_the_last_digit() -> None:
    assert by_paper(architecture(Toy()), N_SAMPLES) == ptflops(Toy().eval(), (1, N_SAMPLES))


def test_the_papers_counter_does_not_see_weight_norm() -> None:
    def normed(*arguments: Any, **settings: Any) -> nn.Module:
        return weight_norm(nn.Conv1d(*arguments, **settings))

    seen, unseen = (
        by_paper(architecture(Toy(normed), AsCounted(sees_weight_norm=sees)), N_SAMPLES)
        for sees in (True, False)
    )
    assert seen - unseen == N_SAMPLES // 2 * 4 * (2 + 1)  # with the bias
    assert unseen == ptflops(Toy(normed).eval(), (1, N_SAMPLES))


def test_a_rule_stands_for_a_module_and_all_in_it() -> None:
    whole = by_paper(architecture(Toy()), N_SAMPLES)
    ruled = AsCounted(rules={Recurrent: lambda module, x, y: 7})
    lstm = Toy().encoder[2].eval()
    with torch.no_grad():
        inside = ptflops(lstm, (4, N_SAMPLES // 2))
    assert by_paper(architecture(Toy(), ruled), N_SAMPLES) == whole - inside + 7


class AuthorsSQCodec(nn.Module):
    """The authors' published network, with their weight norm."""

    def __init__(self, preset: str) -> None:
        super().__init__()
        package = authors.sq_codec
        file = package.CONFIG_DIR / f"{authors.NAMES[preset]}.toml"
        self.network = package.EnCodec(package.SQCodecConfig(config_file=file).network_config)

    def forward(self, audio: Tensor) -> Tensor:
        n = self.network
        latent = n.en_encoder(n.encoder(audio))
        return n.decoder(n.en_decoder(n.quantizer(latent)[0]))


def test_sqcodec_by_the_papers_counter_is_the_authors_package() -> None:
    config = presets.get_config("sqcodec-3k")
    ours = by_paper(adapter.architecture("sqcodec-3k"), config.window_length)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs = ptflops(AuthorsSQCodec("sqcodec-3k").eval(), (1, config.window_length))
    assert ours == theirs


@pytest.mark.parametrize("name", ["encodec-1.5k", "dac-16k-1k"])
def test_other_codecs_by_the_papers_counter_are_their_models_without_weight_norm(name: str) -> None:
    upstream = encodec if name.startswith("encodec") else dac
    model: Any = upstream.network(name).eval()
    for module in model.modules():
        if is_parametrized(module, "weight"):
            remove_parametrizations(module, "weight")
    n_samples = 3200
    steps = upstream.architecture(name)
    ours = by_paper(steps, n_samples)
    theirs = sum(
        ptflops(part, shape)
        for part, shape in (
            (model.encoder, (1, n_samples)),
            (model.decoder, (model.config.hidden_size, n_samples // 320)),
        )
    )
    quantizer = 0
    if name.startswith("dac"):
        # Two codebooks: projected down and up, and up again from the codes.
        width, latent, frames = (
            model.config.codebook_dim,
            model.config.hidden_size,
            n_samples // 320,
        )
        down, up = (latent + 1) * width, (width + 1) * latent
        quantizer = 2 * frames * (down + 2 * up)
    assert ours == theirs + quantizer


def test_half_the_width_and_every_figure_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    def figures() -> list[int]:
        steps = adapter.architecture("sqcodec-3k")
        layers = in_full(steps, 36_000, as_counted=False)
        parts = [sum(layer.macs for layer in layers if layer.part == part) for part in PARTS]
        more = total(in_full(steps, 36_000, as_counted=True))
        return [n_parameters(steps.network), by_paper(steps, 36_000), total(layers), more, *parts]

    config = presets.get_config("sqcodec-3k")
    whole = figures()
    half = replace(
        config,
        encoder_widths=tuple(width // 2 for width in config.encoder_widths),
        decoder_widths=tuple(width // 2 for width in config.decoder_widths),
        latent_width=config.latent_width // 2,
    )
    monkeypatch.setitem(presets.PRESETS, "sqcodec-3k", half)
    ratios = [small / large for small, large in zip(figures(), whole, strict=True)]
    # Products of two widths fall to a quarter, those of one width to a half.
    assert all(0.25 <= ratio <= 0.75 for ratio in ratios), ratios
