"""`bench hear`: parses and prints; `bench.hear` chooses, decodes and writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench import registry
from bench.audio import AudioError
from bench.codec import ClipwiseCodec, CodecUnavailableError
from bench.console import MISSING, error_console, tell
from bench.datasets.licences import rights
from bench.datasets.load import load_data
from bench.datasets.manifest import ManifestError
from bench.datasets.mini import FOLDER
from bench.devices import DEVICES
from bench.hear import NothingToHearError, choose, hear
from bench.names import UnknownNameError
from bench.report.stored import StoredResultError, read_result
from bench.roundtrip import CodecFault


def hear_(
    codec: Annotated[
        str, typer.Option(help="Codecs, separated by commas; the worst clips of the first.")
    ],
    clips: Annotated[int, typer.Option(min=1, help="How many clips.")] = 6,
    data: Annotated[str, typer.Option(help='"mini" or a manifest (.csv) with licences.')] = "mini",
    results: Annotated[Path, typer.Option(help="Where results are, and heard/ is written.")] = Path(
        "results"
    ),
    device: Annotated[
        str, typer.Option(help=f"Where codecs compute, if they can choose: {', '.join(DEVICES)}.")
    ] = "auto",
) -> None:
    """Write excerpts to listen to: the worst clips of a codec, through it and others.

    Exit status: 0 written; 2 something asked for is missing or cannot be used.
    """
    errors = error_console()
    names = list(dict.fromkeys(name.strip() for name in codec.split(",")))
    try:
        manifest = load_data(data)
        csv_path = FOLDER / "manifest.csv" if data == "mini" else Path(data)
        if not csv_path.is_file():
            raise ManifestError(f"{data}: no manifest, and so no licences of what it holds")
        scored = read_result(results / "signal" / manifest.name / f"{names[0]}.json")
        chosen = choose(scored, manifest, rights(csv_path), clips)
        codecs = {}
        for name in names:
            loaded = registry.load(name, device)
            if isinstance(loaded, ClipwiseCodec):
                raise CodecUnavailableError(f"{name} is decoded already: it takes no clip")
            codecs[name] = loaded
        with errors.status("hearing") as status:
            path = hear(
                chosen,
                codecs,
                manifest,
                results / "heard",
                _licence_texts(csv_path.parent),
                lambda clip, name: status.update(f"{clip} through {name}"),
            )
    except (
        UnknownNameError,
        ManifestError,
        StoredResultError,
        CodecUnavailableError,
        NothingToHearError,
        AudioError,
        CodecFault,
        OSError,
    ) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    size = sum(file.stat().st_size for file in path.parent.rglob("*") if file.is_file())
    errors.print(f"wrote {path}: {len(chosen)} clips, {size / 2**20:.1f} MiB", markup=False)


def _licence_texts(folder: Path) -> list[Path]:
    """The texts beside a manifest: those of its clips' licences, which go where they go."""
    return sorted([*folder.glob("*.txt"), *folder.glob("LICENSES*")])
