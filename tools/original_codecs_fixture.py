"""Numbers of the original EnCodec and DAC packages on random weights, for tests of ours.

Needs `encodec` 0.1.1 and `descript-audio-codec` 1.0.0 on the path, installed without what they
depend on (`pip install --no-deps --target DIR`): torchaudio and audiotools, which their networks
do not use, are replaced.

    PYTHONPATH=DIR python tools/original_codecs_fixture.py > tests/baselines/originals.json
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import torch
from wavtokenizer_fixture import clip_for, weights_for

ENCODEC = {"num_filters": 4, "hidden_size": 16}
DAC = {"encoder_hidden_size": 4, "decoder_hidden_size": 16}
N_SAMPLES = 2_345
N_DAC_SAMPLES = 320 * 7
SAMPLE_STEP = 37

Change = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


def _replace(*names: str) -> None:
    for name in names:
        sys.modules[name] = MagicMock(__spec__=ModuleSpec(name, None), __path__=[])


def quiet(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights whose last layer is turned down, so that DAC's tanh does not saturate."""
    return {
        name: value * 1e-4 if name.startswith("decoder.model.6.") else value
        for name, value in state.items()
    }


def _filled(model: torch.nn.Module, change: Change = dict) -> dict[str, list[int]]:
    """Fill a model and return the names and shapes of its weights."""
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict(change(weights_for(shapes)))
    return shapes


def encodec_numbers() -> dict[str, Any]:
    """EnCodec 24 kHz with few channels, at 6 kbit/s."""
    import encodec
    from encodec.modules import SEANetDecoder, SEANetEncoder
    from encodec.quantization import ResidualVectorQuantizer

    sizes = {"n_filters": ENCODEC["num_filters"], "dimension": ENCODEC["hidden_size"]}
    layers = {"norm": "weight_norm", "causal": True, **sizes}
    model = encodec.EncodecModel(
        SEANetEncoder(**layers),
        SEANetDecoder(**layers),
        ResidualVectorQuantizer(dimension=ENCODEC["hidden_size"], n_q=32, bins=1024),
        target_bandwidths=[1.5, 3.0, 6.0, 12.0, 24.0],
        sample_rate=24_000,
        channels=1,
        normalize=False,
    ).eval()
    shapes = _filled(model)
    model.set_target_bandwidth(6.0)
    with torch.inference_mode():
        frames = model.encode(torch.from_numpy(clip_for(N_SAMPLES))[None, None])
        decoded = model.decode(frames)
    return _numbers(shapes, frames[0][0], decoded)


def dac_numbers() -> dict[str, Any]:
    """DAC 16 kHz with few channels, six of twelve codebooks."""
    _replace("audiotools", "audiotools.ml")
    sys.modules["audiotools.ml"].BaseModel = torch.nn.Module
    sys.modules["audiotools"].ml = sys.modules["audiotools.ml"]
    found = importlib.util.find_spec("dac")
    assert found is not None
    assert found.origin is not None
    for name, folder in (("dac", "."), ("dac.model", "model")):  # without what they import
        package = ModuleType(name)
        package.__path__ = [str(Path(found.origin).parent / folder)]
        sys.modules[name] = package
    mixin = ModuleType("dac.model.base")
    mixin.CodecMixin = type("CodecMixin", (), {"get_delay": lambda self: 0})
    sys.modules["dac.model.base"] = mixin
    from dac.model.dac import DAC as Original

    model = Original(
        encoder_dim=DAC["encoder_hidden_size"],
        encoder_rates=[2, 4, 5, 8],
        decoder_dim=DAC["decoder_hidden_size"],
        decoder_rates=[8, 5, 4, 2],
        n_codebooks=12,
        sample_rate=16_000,
    ).eval()
    shapes = _filled(model, quiet)
    with torch.inference_mode():
        audio = torch.from_numpy(clip_for(N_DAC_SAMPLES))[None, None]
        latent, codes, *_ = model.encode(audio, n_quantizers=6)
        decoded = model.decode(latent)
    return _numbers(shapes, codes, decoded)


def _numbers(
    shapes: dict[str, list[int]], codes: torch.Tensor, decoded: torch.Tensor
) -> dict[str, Any]:
    return {
        "shapes": shapes,
        "codes": codes[0].tolist(),
        "decoded": [round(value, 7) for value in decoded[0, 0, ::SAMPLE_STEP].tolist()],
        "n_decoded": decoded.shape[2],
    }


def main() -> None:
    """Print the file."""
    _replace("torchaudio", "torchaudio.functional", "torchaudio.transforms")
    numbers = {
        "origin": "encodec 0.1.1 and descript-audio-codec 1.0.0 of PyPI, with torch "
        f"{torch.__version__}; made by tools/original_codecs_fixture.py",
        "encodec": encodec_numbers(),
        "dac": dac_numbers(),
    }
    print(json.dumps(numbers))


if __name__ == "__main__":
    main()
