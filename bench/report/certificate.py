"""A certificate on the screen, in the store, and as a file of its own.

The file is ``<results>/certificates/<codec>.json``: what reports and pages are made of, which
know no store.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.report.files import replace_json
from bench.report.stored import StoredResultError

if TYPE_CHECKING:
    from bench.verify import Certificate

SCHEMA_VERSION = 1

_VERDICTS = {
    True: Text("pass", style="green"),
    False: Text("FAIL", style="bold red"),
    None: Text("-", style="dim"),
}


def certificate_table(certificate: Certificate) -> RenderableType:
    """A row a check: its verdict ("-" where it does not apply) and what was measured."""
    shown = Table(title=certificate.codec, box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("check", no_wrap=True)
    shown.add_column("", no_wrap=True)
    shown.add_column("measured", overflow="fold")
    for check in certificate.checks:
        shown.add_row(check.name, _VERDICTS[check.passed], Text(check.value))
    failed = [check.name for check in certificate.checks if check.passed is False]
    verdict = f"is not certified; failed: {', '.join(failed)}" if failed else "is certified"
    line = f"{certificate.codec}, revision {certificate.revision}, {verdict}"
    return Group(shown, Text(line, style="bold"))


def checks_json(certificate: Certificate) -> str:
    """The checks, as the store keeps them."""
    return json.dumps([asdict(check) for check in certificate.checks], ensure_ascii=False)


def write(certificate: Certificate, version: str, folder: Path) -> Path:
    """Write the file below `folder`, whole or not at all, and return its path.

    Args:
        certificate: what the checks found.
        version: of the checks.
        folder: of results.

    Raises:
        OSError: the file cannot be written.
    """
    path = folder / "certificates" / f"{certificate.codec}.json"
    content = {
        "schema": SCHEMA_VERSION,
        "codec": certificate.codec,
        "revision": certificate.revision,
        "version": version,
        "passed": certificate.passed,
        "checks": [asdict(check) for check in certificate.checks],
    }
    return replace_json(path, content)


def certified(results: Path) -> dict[tuple[str, str], bool]:
    """Of the files below `results`: (codec, its revision) -> whether every check passed.

    Raises:
        StoredResultError: one of them cannot be used.
    """
    found = {}
    for path in sorted((results / "certificates").glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found[content["codec"], content["revision"]] = bool(content["passed"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoredResultError(
                f"{path}: no certificate that can be read: {type(error).__name__}: {error}"
            ) from error
    return found
