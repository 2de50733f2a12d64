"""What the tests of training share: a corpus of tones, a Whisper and judges small enough."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from sqcodec.training.corpus import CLIP_COLUMNS, PackedCorpus

WHISPER_WIDTH = 64


def write_corpus(folder: Path, sample_rate: int = 16000) -> PackedCorpus:
    """A corpus of tones: long and short clips of three speakers, one of them for validation."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows, parts, position = [], [], 0
    for speaker in ("a", "b", "v"):
        for i, n_samples in enumerate((4000, 500, 300)):
            time = np.arange(n_samples) / sample_rate
            tone = 8000 * np.sin(2 * np.pi * rng.uniform(100, 600) * time)
            parts.append(tone.astype("<i2"))
            split = "val" if speaker == "v" else "train"
            origin = ("speech", "p", speaker, speaker, "en", "CC0-1.0", split)
            rows.append((f"{speaker}{i}", *origin, position, n_samples))
            position += n_samples
    (folder / "audio.i16").write_bytes(np.concatenate(parts).tobytes())
    pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).to_csv(folder / "clips.csv", index=False)
    totals = {"speech": {"hours": round(position / sample_rate / 3600, 3)}}
    summary = {"sample_rate": sample_rate, "totals": totals, "packages": {}}
    (folder / "corpus.json").write_text(json.dumps(summary))
    return PackedCorpus.open(folder)


def hub_arrays(width: int = WHISPER_WIDTH, n_positions: int = 100) -> dict[str, torch.Tensor]:
    """Random weights of a Whisper encoder of one layer, in the hub's layout."""
    shapes = {
        "conv1.weight": (width, 80, 3),
        "conv1.bias": (width,),
        "conv2.weight": (width, width, 3),
        "conv2.bias": (width,),
        "embed_positions.weight": (n_positions, width),
        "layer_norm.weight": (width,),
        "layer_norm.bias": (width,),
    }
    for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
        shapes[f"layers.0.self_attn.{part}.weight"] = (width, width)
        if part != "k_proj":
            shapes[f"layers.0.self_attn.{part}.bias"] = (width,)
    for part, shape in (("fc1", (4 * width, width)), ("fc2", (width, 4 * width))):
        shapes[f"layers.0.{part}.weight"] = shape
        shapes[f"layers.0.{part}.bias"] = shape[:1]
    for part in ("self_attn_layer_norm", "final_layer_norm"):
        shapes[f"layers.0.{part}.weight"] = (width,)
        shapes[f"layers.0.{part}.bias"] = (width,)
    generator = torch.Generator().manual_seed(0)
    return {
        f"model.encoder.{name}": 0.1 * torch.randn(shape, generator=generator)
        for name, shape in shapes.items()
    }


def save_whisper(folder: Path) -> Path:
    """Write `hub_arrays` as the hub has them and return the file."""
    path = folder / "model.safetensors"
    save_file(hub_arrays(), path)
    return path
