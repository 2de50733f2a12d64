"""`sqcodec configurations`: what the presets and ablation variants are, as data.

The report's Table 5, which knows no torch, is made of it. Parameters are counted from the
instantiated networks; what a training cost is what its weights say of themselves.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from sqcodec.inference import preset_info
from sqcodec.presets import ABLATIONS, PRESETS, SQCodecConfig
from sqcodec.weights import load_weights, local_file, replace_file

SCHEMA_VERSION = 1


def configurations(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path(
        "results/configurations.json"
    ),
) -> None:
    """Export the presets' configurations, and what is known of the weights that are here."""
    try:
        described = [describe(config) for config in (PRESETS | ABLATIONS).values()]
        content = {"schema": SCHEMA_VERSION, "configurations": described}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        replace_file(out, lambda temporary: _write(temporary, text))
    except (ValueError, OSError) as error:
        Console(stderr=True, soft_wrap=True).print(f"sqcodec: {error}", style="red", markup=False)
        raise typer.Exit(2) from None
    typer.echo(out)


def describe(config: SQCodecConfig) -> dict[str, Any]:
    """A configuration, and its weights' own words where a weights file is here.

    Raises:
        CheckpointError: that file cannot be used.
    """
    path = local_file(config.name)
    windows = [config.inner.window] + ([config.outer.window] if config.outer else [])
    return {
        "name": config.name,
        "sample_rate": config.sample_rate,
        "bitrate_bps": config.bitrate_bps,
        "n_parameters": preset_info(config.name).n_parameters,
        "encoder_rates": list(config.encoder_rates),
        "decoder_rates": list(config.decoder_rates),
        "window_sizes": windows,
        "fsq_levels": list(config.fsq_levels),
        "extra_rate": config.extra_rate,
        "receptive_field_s": config.receptive_field_s,
        "weights": None if path is None else _weights(path),
    }


def _weights(path: Path) -> dict[str, Any]:
    _, card = load_weights(path)
    training = json.loads(card.training) if card.training else {}
    return {
        "description": card.description,
        "hours_heard": training.get("hours_heard"),
        "packages": list(training.get("packages", ())),
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
