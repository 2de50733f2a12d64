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
from sqcodec.presets import PRESETS, SQCodecConfig, TransformerConfig
from sqcodec.training.initial import initialise
from sqcodec.weights import WeightsCard, load_weights, save_weights

SAME_AUDIO = 1e-5  # float32 against float32; the waveform lies in [-1, 1]

# One stage of each kind: tracing takes seconds for each.
FULL = replace(
    TINY,
    name="one-stage",
    encoder_rates=(8,),
    decoder_rates=(8,),
    encoder_widths=(8, 16),
    encoder_depths=(1, 1),
    decoder_widths=(16, 8),
    decoder_depths=(1,),
    outer=TransformerConfig(depth=1, window=30),
    extra_rate=2,
)
BARE = replace(FULL, name="bare", tconv=False, teconv=False, outer=None, extra_rate=1)


@dataclass(frozen=True)
class Exported:
    config: SQCodecConfig
    weights: Path
    folder: Path
    match: export.Match | None

    def session(self, name: str) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(self.folder / name)


def random_weights(config: SQCodecConfig, folder: Path, padding: str = "hop") -> Path:
    """A weights file in which no parameter has its initial value."""
    generator = torch.Generator().manual_seed(1)
    network = SQCodecNetwork(config)
    initialise(network, seed=1)  # features keep their scale, so that many codes occur
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    path = folder / f"{config.name}.safetensors"
    save_weights(path, network, WeightsCard(config.name, "random values, for a test", padding))
    return path


@pytest.fixture(scope="module", params=[FULL, BARE], ids=lambda c: c.name)
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exported]:
    config: SQCodecConfig = request.param
    folder = tmp_path_factory.mktemp(config.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, config.name, config)
        weights = random_weights(config, folder)
        yield Exported(config, weights, folder, export.export_onnx(weights, folder))


@pytest.mark.parametrize("n_frames", [1, 7, 25, 26, 63])  # the window has 25
def test_the_graphs_do_what_pytorch_does_at_any_length_and_batch(
    exported: Exported, n_frames: int
) -> None:
    codec = sqcodec.load(exported.weights)
    generator = torch.Generator().manual_seed(n_frames)
    audio = 0.3 * torch.randn(3, n_frames * exported.config.hop_length, generator=generator)
    codes = codec.encode(audio)
    assert len(codes.unique()) > min(n_frames, 3) - 1
    found = exported.session("encoder.onnx").run(None, {"audio": audio.numpy()})[0]
    assert found.dtype == "int64"
    assert (torch.from_numpy(found) != codes).sum() <= 1  # a tie, at most
    decoded = exported.session("decoder.onnx").run(None, {"codes": codes.numpy()})[0]
    expected = codec.decode(codes)
    assert expected.abs().max() > 100 * SAME_AUDIO
    torch.testing.assert_close(torch.from_numpy(decoded), expected, rtol=0, atol=SAME_AUDIO)


def test_the_graphs_say_what_they_are(exported: Exported) -> None:
    info = sqcodec.load(exported.weights).info
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
