"""`sqcodec export`: a codec for other runtimes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Format(StrEnum):
    """What can be exported to."""

    ONNX = "onnx"


def export(
    out: Annotated[Path, typer.Argument(help="The folder for encoder.onnx and decoder.onnx.")],
    codec: Annotated[str, typer.Option(help="A preset or a weights file.")] = "sqcodec-3k",
    format_: Annotated[Format, typer.Option("--format", help="Of the files.")] = Format.ONNX,
) -> None:
    """Write a codec as graphs for other runtimes, once they are seen to match PyTorch.

    Exit status: 0 written; 2 something is missing, or the graphs do not match and none is left.
    """
    from sqcodec.export import ExportError, export_onnx  # torch takes seconds

    errors = Console(stderr=True)
    try:
        with errors.status(f"tracing {codec}, then running the graphs beside PyTorch"):
            match = export_onnx(codec, out)
    except (ExportError, ValueError, OSError) as error:
        errors.print(
            f"sqcodec: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        raise typer.Exit(2) from None
    typer.echo(f"wrote {out / 'encoder.onnx'} and {out / 'decoder.onnx'}")
    if match is None:
        typer.echo("not compared with PyTorch: onnxruntime is not installed (extra onnx)")
    else:
        typer.echo(
            f"in ONNX Runtime {match.n_codes - match.n_ties:,} of {match.n_codes:,} codes are "
            f"PyTorch's, {match.n_ties} are rounding ties; the decoder is off by "
            f"{match.rms_error:.2g} (rms) from float64, PyTorch by {match.torch_rms_error:.2g}"
        )
