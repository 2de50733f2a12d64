"""ONNX export: the graphs compute in ONNX Runtime what the network does in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

import sqcodec
from conftest import TINY
from sqcodec import export
from sqcodec.cli import app
from sqcodec.model import SQCodecNetwork
from sqcodec.onnx_graphs import graphs
from sqcodec.presets import PRESETS, SQCodecConfig, TransformerConfig
from sqcodec.training.initial import initialise
from sqcodec.weights import WeightsCard, load_weights, save_weights

SAME_AUDIO = 1e-5  # float32 against float32; the waveform lies in [-1, 1]

# One layer of each kind: tracing takes seconds for each.
FULL = replace(
    TINY,
    name="one-stage",
    encoder_rates=(8,),
    decoder_rates=(8,),
    encoder_widths=(8, 16),
    encoder_depths=(1, 0),
    decoder_widths=(16, 8),
    decoder_depths=(1,),
)
OTHERS = [
    replace(FULL, name="two-levels", outer=TransformerConfig(depth=1, window=30), extra_rate=2),
    replace(FULL, name="bare", tconv=False, teconv=False),
]


@dataclass(frozen=True)
class Exported:
    config: SQCodecConfig
    weights: Path
    folder: Path
    match: export.Match | None
    codec: sqcodec.SQCodec
    encoder: onnxruntime.InferenceSession
    decoder: onnxruntime.InferenceSession


def random_network(config: SQCodecConfig) -> SQCodecNetwork:
    """A network in which no parameter has its initial value."""
    generator = torch.Generator().manual_seed(1)
    network = SQCodecNetwork(config)
    initialise(network, seed=1)  # features keep their scale, so that many codes occur
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return network


def random_weights(config: SQCodecConfig, folder: Path, padding: str = "hop") -> Path:
    """A weights file of such a network."""
    network = random_network(config)
    path = folder / f"{config.name}.safetensors"
    save_weights(path, network, WeightsCard(config.name, "random values, for a test", padding))
    return path


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder = tmp_path_factory.mktemp(FULL.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, FULL.name, FULL)
        weights = random_weights(FULL, folder)
        match = export.export_onnx(weights, folder)
        codec = sqcodec.load(weights)
        encoder, decoder = (
            onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("encoder", "decoder")
        )
        yield Exported(FULL, weights, folder, match, codec, encoder, decoder)


@pytest.mark.parametrize("n_frames", [1, 7, 25, 26, 63])  # the window has 25
def test_the_graphs_do_what_pytorch_does_at_any_length_and_batch(
    exported: Exported, n_frames: int
) -> None:
    codec = exported.codec
    generator = torch.Generator().manual_seed(n_frames)
    audio = 0.3 * torch.randn(3, n_frames * exported.config.hop_length, generator=generator)
    codes = codec.encode(audio)
    assert len(codes.unique()) > min(n_frames, 3) - 1
    found = exported.encoder.run(None, {"audio": audio.numpy()})[0]
    assert found.dtype == "int64"
    assert (torch.from_numpy(found) != codes).sum() <= 1  # a tie, at most
    decoded = exported.decoder.run(None, {"codes": codes.numpy()})[0]
    expected = codec.decode(codes)
    assert expected.abs().max() > 100 * SAME_AUDIO
    torch.testing.assert_close(torch.from_numpy(decoded), expected, rtol=0, atol=SAME_AUDIO)


@pytest.mark.parametrize("config", OTHERS, ids=lambda c: c.name)
def test_the_modules_of_other_networks_do_what_these_do(config: SQCodecConfig) -> None:
    network = random_network(config).double().eval().requires_grad_(False)
    audio = 0.3 * torch.randn(2, 26 * config.hop_length, generator=torch.Generator().manual_seed(0))
    codes = network.encode(audio.double())
    assert len(codes.unique()) > 3
    expected = network.decode(codes).float()
    assert expected.abs().max() > 100 * SAME_AUDIO
    encoder, decoder = graphs(network)
    assert (encoder(audio) != codes).sum() <= 1
    torch.testing.assert_close(decoder(codes), expected, rtol=0, atol=SAME_AUDIO)


@pytest.mark.slow
@pytest.mark.parametrize("config", OTHERS, ids=lambda c: c.name)
def test_other_networks_can_be_traced(
    config: SQCodecConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, config.name, config)
    match = export.export_onnx(random_weights(config, tmp_path), tmp_path)
    assert match is not None
    assert match.n_ties <= 1
    assert match.rms_error < SAME_AUDIO


def test_the_graphs_say_what_they_are(exported: Exported) -> None:
    info = exported.codec.info
    for name in ("encoder.onnx", "decoder.onnx"):
        model = onnx.load(exported.folder / name)
        onnx.checker.check_model(model)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        assert metadata["preset"] == exported.config.name
        assert metadata["weights_sha256"] == info.weights_sha256
        assert metadata["sample_rate"] == "16000"
        assert metadata["hop_length"] == metadata["unit_samples"] == str(info.hop_length)
        assert metadata["padding"] == "hop"


def test_the_comparison_found_rounding_alone(exported: Exported) -> None:
    match = exported.match
    assert match is not None
    assert match.n_codes == 1 + 8 + 25 + 53
    assert match.n_ties <= 1
    assert 0 < match.rms_error < SAME_AUDIO
    assert match.rms_error <= max(export.ERROR_SLACK * match.torch_rms_error, export.INAUDIBLE)


@pytest.mark.parametrize("part", ["quantizer.project_in", "decoder.project"])
def test_graphs_of_other_weights_are_not_taken(exported: Exported, part: str) -> None:
    """Both sides are compared: weights that changed in one of them are seen."""
    files = [(exported.folder / name).read_bytes() for name in ("encoder.onnx", "decoder.onnx")]
    network, card = load_weights(exported.weights)
    with torch.no_grad():
        for parameter in network.get_submodule(part).parameters():
            parameter.neg_()
    path = exported.folder / "other.safetensors"
    save_weights(path, network, card)
    with pytest.raises(export.ExportError, match=r"graph .*; nothing written"):
        export.compare(files[0], files[1], sqcodec.load(path), load_weights(path)[0])


def test_graphs_that_do_not_match_are_not_left(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise export.ExportError("the encoder's graph gives 3 other codes of 9; nothing written")

    monkeypatch.setattr(export, "_traced", lambda *arguments: b"")
    monkeypatch.setattr(export, "compare", refuse)
    result = CliRunner().invoke(
        app, ["export", str(tmp_path / "out"), "--codec", str(tiny_weights)]
    )
    assert result.exit_code == 2
    assert result.stderr == (
        "sqcodec: the encoder's graph gives 3 other codes of 9; nothing written\n"
    )
    assert not (tmp_path / "out").exists()


def test_the_command_says_how_well_they_match(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_traced", lambda *arguments: b"a graph")
    monkeypatch.setattr(
        export, "compare", lambda *arguments: export.Match(2_000, 3, 2.5e-6, 2.4e-6)
    )
    out = tmp_path / "new" / "out"
    result = CliRunner().invoke(app, ["export", str(out), "--codec", str(tiny_weights)])
    assert result.exit_code == 0, result.stderr
    assert {file.name for file in out.iterdir()} == {"encoder.onnx", "decoder.onnx"}
    wrote, matched = result.stdout.splitlines()
    assert wrote == f"wrote {out / 'encoder.onnx'} and {out / 'decoder.onnx'}"
    assert "1,997 of 2,000 codes are PyTorch's, 3 are rounding ties" in matched
    assert "2.5e-06 (rms) from float64, PyTorch by 2.4e-06" in matched


def test_a_file_in_the_folders_place_is_told_before_tracing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.touch()
    result = CliRunner().invoke(app, ["export", str(out)])
    assert result.exit_code == 2
    assert result.stderr == f"sqcodec: {out} is not a folder, which the two graphs need\n"


def test_padding_to_windows_is_in_the_metadata(tiny: SQCodecConfig, tmp_path: Path) -> None:
    codec = sqcodec.load(random_weights(tiny, tmp_path, padding="window"))
    assert export.metadata(codec)["unit_samples"] == str(25 * 64)
    assert [clip.shape[1] for clip in export.clips(codec)] == [25 * 64, 75 * 64]


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "onnxscript" else name)
    result = CliRunner().invoke(app, ["export", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.stderr.startswith("sqcodec: onnxscript not installed")
    assert "pip install -e '.[onnx]'" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("codec", ["sqcodec-3", "nope.safetensors"])
def test_an_unknown_codec_is_one_line(tmp_path: Path, codec: str) -> None:
    result = CliRunner().invoke(app, ["export", str(tmp_path / "out"), "--codec", codec])
    assert result.exit_code == 2
    assert result.stderr.startswith("sqcodec: no ")
    assert result.stderr.count("\n") == 1
