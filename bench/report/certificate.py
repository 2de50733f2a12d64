"""A certificate on the screen, and as it is stored."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.verify import Certificate

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
