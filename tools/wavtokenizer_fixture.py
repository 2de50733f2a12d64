"""Numbers of the public WavTokenizer on random weights, which tests compare ours with.

Needs a checkout of the public code (its folders `encoder` and `decoder`) and its requirements;
`torchaudio` may be missing, which inference does not use:

    python tools/wavtokenizer_fixture.py CHECKOUT --origin TEXT > tests/baselines/wavtokenizer.json

The layers are the public ones at small widths. Weights and audio follow from their names and
sizes alone (`weights_for`, `clip_for`), so that the file holds only what came out.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import sys
import types
import zlib
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from numpy.typing import NDArray

SMALL = {"n_filters": 2, "latent_width": 16, "codebook_size": 64}
SMALL_BACKBONE = {"width": 64, "hidden_width": 48, "n_layers": 2}
MODELS = {"wavtokenizer-480": (6, 5, 5, 4), "wavtokenizer-900": (8, 5, 4, 2)}
SAMPLE_STEP = 37
PUBLIC = (
    ("WavTokenizer", "decoder.pretrained"),
    ("EncodecFeatures", "decoder.feature_extractors"),
    ("VocosBackbone", "decoder.models"),
    ("ISTFTHead", "decoder.heads"),
    ("SEANetEncoder", "encoder.modules"),
    ("SEANetDecoder", "encoder.modules"),
    ("ResidualVectorQuantizer", "encoder.quantization"),
)


def weights_for(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """Random weights of sensible size for each name and shape."""
    state = {}
    for name, shape in shapes.items():
        # The older generator's stream is frozen for good.
        random = np.random.RandomState(zlib.crc32(name.encode()))
        values = random.standard_normal(shape)
        if name.endswith(("weight_g", "gamma", "scale.weight", "alpha")) or (
            len(shape) == 1 and name.endswith("weight")
        ):
            values = 1 + 0.1 * values
        elif len(shape) > 1 and not name.endswith(("embed", "shift.weight")):
            values = values / np.sqrt(np.prod(shape[1:]))
        else:
            values = 0.3 * values
        state[name] = torch.from_numpy(values.astype(np.float32))
    return state


def clip_for(n_samples: int) -> NDArray[np.float32]:
    """A tone in noise, [T]."""
    noise = np.random.RandomState(n_samples).standard_normal(n_samples)
    return (0.5 * np.sin(np.arange(n_samples) / 20) + 0.3 * noise).astype(np.float32)


def _upstream(checkout: Path) -> types.SimpleNamespace:
    """The public classes."""
    sys.path.insert(0, str(checkout))
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):
        for name in ("torchaudio", "torchaudio.functional", "torchaudio.functional.functional"):
            sys.modules[name] = MagicMock(__spec__=None)
    found = {name: getattr(importlib.import_module(module), name) for name, module in PUBLIC}
    return types.SimpleNamespace(**found)


def _full(public: types.SimpleNamespace, ratios: tuple[int, ...]) -> Any:
    """The published model without its weights."""
    hop = int(np.prod(ratios))
    with torch.device("meta"):
        return public.WavTokenizer(
            public.EncodecFeatures("encodec_24khz", [6.6] * 4, True, 1, list(ratios), 4096, 200),
            public.VocosBackbone(512, 768, 2304, 12, adanorm_num_embeddings=4),
            public.ISTFTHead(768, 4 * hop, hop),
        )


def _small(public: types.SimpleNamespace, ratios: tuple[int, ...]) -> Any:
    """The same with few channels; what is not given here is the layers' own default."""
    hop = int(np.prod(ratios))
    sizes = {"causal": False, "n_filters": SMALL["n_filters"], "dimension": SMALL["latent_width"]}
    features = public.EncodecFeatures("encodec_24khz", [6.6] * 4, True, 1, list(ratios), 64, 1)
    features.encodec.encoder = public.SEANetEncoder(ratios=list(ratios), **sizes)
    features.encodec.decoder = public.SEANetDecoder(**sizes)
    features.encodec.quantizer = public.ResidualVectorQuantizer(
        dimension=SMALL["latent_width"], n_q=1, bins=SMALL["codebook_size"]
    )
    width, hidden_width, n_layers = SMALL_BACKBONE.values()
    return public.WavTokenizer(
        features,
        public.VocosBackbone(
            SMALL["latent_width"], width, hidden_width, n_layers, adanorm_num_embeddings=4
        ),
        public.ISTFTHead(width, 4 * hop, hop),
    )


def _numbers(public: types.SimpleNamespace, ratios: tuple[int, ...]) -> dict[str, Any]:
    """What the small model makes of clips, and the sizes of the full one."""
    full = _full(public, ratios)
    codec = full.feature_extractor.encodec
    parts = {"encoder": codec.encoder, "unused_decoder": codec.decoder}
    parts |= {"backbone": full.backbone, "head": full.head, "all": full}
    model = _small(public, ratios).eval()
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    window = {"head.istft.window": torch.hann_window(shapes["head.istft.window"][0])}
    model.load_state_dict(weights_for(shapes) | window)
    hop = int(np.prod(ratios))
    clips = []
    for n_samples in (1, hop + 1, 9 * hop - 13):
        row = torch.tensor([0])
        audio = torch.from_numpy(clip_for(n_samples))[None]
        features, codes = model.encode_infer(audio, bandwidth_id=row)
        decoded = model.decode(features, bandwidth_id=row)[0, ::SAMPLE_STEP]
        clips.append(
            {
                "n_samples": n_samples,
                "codes": codes.flatten().tolist(),
                "decoded": [round(value, 7) for value in decoded.tolist()],
            }
        )
    return {
        "full_parameters": {
            name: sum(value.numel() for value in part.parameters()) for name, part in parts.items()
        },
        "full_names": len(full.state_dict()),
        "shapes": shapes,
        "clips": clips,
    }


def main() -> None:
    """Print the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--origin", required=True, help="which code it is, with its commit")
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr), torch.random.fork_rng():  # it talks
        public = _upstream(options.checkout)
        numbers = {name: _numbers(public, ratios) for name, ratios in MODELS.items()}
    print(json.dumps({"origin": options.origin, "models": numbers}))


if __name__ == "__main__":
    main()
