"""`bench verify`: certify codecs, and keep the verdicts."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from bench import registry
from bench.codec import ClipwiseCodec, Codec, CodecUnavailableError
from bench.console import MISSING, SOME_FAILED, console, error_console, named, tell
from bench.devices import DEVICES
from bench.names import UnknownNameError
from bench.report.certificate import certificate_table, checks_json, write
from bench.store import DEFAULT_PATH, Store, StoreError
from bench.verify import VERSION, verify


def verify_(
    codec: Annotated[str, typer.Option(help="Codecs, separated by commas.")],
    store: Annotated[Path, typer.Option(help="Where verdicts are kept.")] = DEFAULT_PATH,
    device: Annotated[
        str, typer.Option(help=f"Where codecs compute, if they can choose: {', '.join(DEVICES)}.")
    ] = "auto",
    results: Annotated[
        Path | None, typer.Option(help="Write certificates/CODEC.json into this folder.")
    ] = None,
) -> None:
    """Certify codecs: check their adapters, and keep the verdict with the codec's revision.

    Exit status: 0 all pass; 1 a check failed; 2 something asked for is missing or cannot be used.
    """
    errors = error_console()
    names = dict.fromkeys(name.strip() for name in codec.split(","))
    failed = missing = False
    try:
        named("device", device, dict.fromkeys(DEVICES))
        with Store(store) as opened:
            for name in names:
                try:
                    subject = registry.load(name, device)
                    if isinstance(subject, ClipwiseCodec):
                        raise CodecUnavailableError(f"{name} is decoded: no adapter to verify")
                except CodecUnavailableError as error:
                    tell(errors, [error])
                    missing = True
                    continue
                with errors.status(f"verifying {name}"):
                    again = functools.partial(registry.load, name, device)
                    found = verify(subject, again, _family(name, device))
                console().print(certificate_table(found))
                opened.put_certificate(
                    found.codec, found.revision, VERSION, found.passed, checks_json(found)
                )
                if results is not None:
                    errors.print(f"wrote {write(found, VERSION, results)}", markup=False)
                failed |= not found.passed
    except (UnknownNameError, StoreError, ValueError, OSError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    if missing or failed:
        raise typer.Exit(MISSING if missing else SOME_FAILED)


def _family(name: str, device: str) -> list[Codec]:
    """The same codec at other bitrates, as far as they are here."""
    found = []
    here = {card.name for card in registry.cards() if not card.missing}
    for other in registry.family(name):
        if other in here:
            found.append(registry.load(other, device))
    return found
