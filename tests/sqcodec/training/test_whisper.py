"""Whisper's features and encoder against transformers; both layouts of its weights."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench.torchaudio_stub import make_importable
from sqcodec.training import whisper_weights
from sqcodec.training.whisper import WhisperEncoder, log_mel
from sqcodec.training.whisper_weights import WhisperNotFoundError, find_whisper, load_whisper
from tones import hub_arrays, save_whisper


def audio(n_samples: int, sample_rate: int = 16_000) -> np.ndarray:
    time = np.arange(n_samples) / sample_rate
    noise = np.random.default_rng(0).standard_normal(n_samples)
    return (0.3 * np.sin(2 * np.pi * 440 * time) + 0.05 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def transformers_model():
    """A Whisper of one layer with random weights, as transformers builds it."""
    make_importable()  # transformers asks torchaudio where it is installed
    from transformers import WhisperConfig, WhisperModel

    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=64,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=1,
        decoder_attention_heads=1,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        max_source_positions=50,
    )
    model = WhisperModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def test_latents_are_those_of_transformers(transformers_model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    transformers_model.save_pretrained(tmp_path)
    encoder = load_whisper(str(path))
    features = torch.randn(2, 80, 100)
    with torch.no_grad():
        expected = transformers_model.encoder(features).last_hidden_state
        torch.testing.assert_close(encoder(features), expected, rtol=1e-4, atol=1e-5)
    assert not any(p.requires_grad for p in encoder.parameters())


def test_features_are_those_of_transformers() -> None:
    make_importable()
    from transformers import WhisperFeatureExtractor

    samples = audio(8_000)
    expected = WhisperFeatureExtractor()(
        samples, sampling_rate=16_000, return_tensors="np", padding=False
    ).input_features
    actual = log_mel(torch.from_numpy(samples)[None], 16_000)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-5)


def test_features_hardly_depend_on_the_rate() -> None:
    tone = [np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate) for rate in (16_000, 24_000)]
    a, b = (
        log_mel(torch.from_numpy(samples).float()[None], rate)
        for samples, rate in zip(tone, (16_000, 24_000), strict=True)
    )
    assert a.shape == b.shape == (1, 80, 50)
    loud = a[..., 5:-5] > 0
    torch.testing.assert_close(a[..., 5:-5][loud], b[..., 5:-5][loud], rtol=0, atol=1e-2)


def test_a_crop_is_not_padded() -> None:
    encoder = WhisperEncoder(width=64, depth=1, n_positions=100)
    assert encoder(torch.randn(1, 80, 51)).shape == (1, 26, 64)
    with pytest.raises(ValueError, match="at most 100 frames of 20 ms, got 101"):
        encoder(torch.randn(1, 80, 202))


def test_silence_has_a_gradient() -> None:
    silence = torch.zeros(1, 1600, requires_grad=True)
    log_mel(silence, 16_000).sum().backward()
    assert torch.isfinite(silence.grad).all()


def test_rates_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="got 8000"):
        log_mel(torch.zeros(1, 800), 8_000)
    with pytest.raises(ValueError, match="got 22050"):
        log_mel(torch.zeros(1, 22_050), 22_050)


def write_ctranslate2(path: Path, arrays: dict[str, torch.Tensor]) -> None:
    """Write the encoder of `arrays` (hub layout) as CTranslate2 does."""
    a = {name.removeprefix("model.encoder."): value.numpy() for name, value in arrays.items()}
    attention = "layers.0.self_attn"
    bias = a[f"{attention}.q_proj.bias"]
    layer = {
        "self_attention/layer_norm/gamma": a["layers.0.self_attn_layer_norm.weight"],
        "self_attention/layer_norm/beta": a["layers.0.self_attn_layer_norm.bias"],
        "self_attention/linear_0/weight": np.concatenate(
            [a[f"{attention}.{part}_proj.weight"] for part in "qkv"]
        ),
        "self_attention/linear_0/bias": np.concatenate(
            [bias, 0 * bias, a[f"{attention}.v_proj.bias"]]
        ),
        "self_attention/linear_1/weight": a[f"{attention}.out_proj.weight"],
        "self_attention/linear_1/bias": a[f"{attention}.out_proj.bias"],
        "ffn/layer_norm/gamma": a["layers.0.final_layer_norm.weight"],
        "ffn/layer_norm/beta": a["layers.0.final_layer_norm.bias"],
        "ffn/linear_0/weight": a["layers.0.fc1.weight"],
        "ffn/linear_0/bias": a["layers.0.fc1.bias"],
        "ffn/linear_1/weight": a["layers.0.fc2.weight"],
        "ffn/linear_1/bias": a["layers.0.fc2.bias"],
    }
    named = {
        "decoder/scale": np.array(1, np.int8),
        "encoder/conv1/weight": a["conv1.weight"],
        "encoder/conv1/bias": a["conv1.bias"],
        "encoder/conv2/weight": a["conv2.weight"],
        "encoder/conv2/bias": a["conv2.bias"],
        "encoder/position_encodings/encodings": a["embed_positions.weight"].astype(np.float16),
        "encoder/layer_norm/gamma": a["layer_norm.weight"],
        "encoder/layer_norm/beta": a["layer_norm.bias"],
        **{f"encoder/layer_0/{name}": value for name, value in layer.items()},
    }
    numbers = {np.dtype(np.float32): 0, np.dtype(np.int8): 1, np.dtype(np.float16): 4}

    def string(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    with open(path, "wb") as file:
        file.write(struct.pack("<I", 6) + string("WhisperSpec") + struct.pack("<II", 3, len(named)))
        for name, value in named.items():
            file.write(string(name) + struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape))
            file.write(struct.pack("<BI", numbers[value.dtype], value.nbytes) + value.tobytes())


def test_both_layouts_hold_the_same_encoder(tmp_path: Path) -> None:
    save_whisper(tmp_path)
    expected = load_whisper(str(tmp_path / "model.safetensors")).state_dict()
    write_ctranslate2(tmp_path / "model.bin", hub_arrays())
    for name, value in load_whisper(str(tmp_path / "model.bin")).state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-3)


def test_unreadable_weights(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    write_ctranslate2(path, hub_arrays())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="holds no Whisper encoder that can be read"):
        load_whisper(str(tmp_path))
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(1)}, other)
    with pytest.raises(ValueError, match="holds no Whisper encoder that can be read"):
        load_whisper(str(other))


def test_weights_are_looked_for_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "carries_whisper"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(whisper_weights, "PACKAGE", "carries_whisper")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert find_whisper() == package / "model" / "model.bin"


def test_how_to_get_weights_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_weights, "PACKAGE", "no_such_package")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setattr(whisper_weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WhisperNotFoundError, match=r"not installed; install them .*\[train\]"):
        find_whisper()
    with pytest.raises(WhisperNotFoundError, match="no weights of Whisper at "):
        find_whisper(str(tmp_path))
