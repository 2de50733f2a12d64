"""`sqcodec figures`: what the report's drawings of the model need, as data.

Writes ``architecture-<preset>.json`` (`sqcodec.blocks`) and ``tpooling.npz`` (`sqcodec.piano`),
so that the report, which knows no torch, draws what the code does. The same code gives the
same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from sqcodec.presets import get_config
from sqcodec.weights import replace_file

SCHEMA_VERSION = 1


def figures(
    presets: Annotated[
        list[str] | None, typer.Argument(help="Presets to describe [default: sqcodec-3k].")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("results/figures"),
) -> None:
    """Export what Figures 2 and 3 of the report are drawn from."""
    from sqcodec.blocks import diagram  # torch takes seconds
    from sqcodec.piano import ORIGIN, trend

    try:
        for name in presets or ["sqcodec-3k"]:
            content = {"schema": SCHEMA_VERSION, **asdict(diagram(get_config(name)))}
            _write_text(out / f"architecture-{name}.json", json.dumps(content, indent=1) + "\n")
        found = trend()
        path = out / "tpooling.npz"
        replace_file(
            path,
            lambda temporary: _save(
                temporary,
                schema=np.array(SCHEMA_VERSION),
                sample_rate=np.array(found.sample_rate),
                audio=found.audio,
                kernel=np.array(found.kernel),
                pooled=found.pooled,
                origin=np.array(ORIGIN),
            ),
        )
    except (ValueError, OSError) as error:
        Console(stderr=True).print(
            f"sqcodec: {error}", style="red", highlight=False, soft_wrap=True
        )
        raise typer.Exit(2) from None
    typer.echo(f"wrote {out}")


def _write_text(path: Path, text: str) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    replace_file(path, write)


def _save(path: Path, **arrays: Any) -> None:
    """As npz; through an open file, or numpy would add a suffix to the temporary name."""
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)
