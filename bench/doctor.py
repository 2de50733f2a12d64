"""`bench doctor`: what is here, what is missing, and how to get it.

It only looks: no codec is loaded, no store made, nothing downloaded. What the
main job needs (``bench run --codec sqcodec-3k --suite signal`` on the mini set) is told apart
from what only more codecs or more comfort need.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from pkgutil import resolve_name

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import audio, registry
from bench.datasets.codec_superb import AUDIO, SPEECH
from bench.datasets.load import DATASETS
from bench.datasets.manifest import ManifestError
from bench.downstream.evaluators import registry as evaluators
from bench.isolation.overview import CREATED, states
from bench.metrics import BESIDE, METRICS
from bench.store import Store, StoreError

MAIN_CODEC = "sqcodec-3k"

_DISTRIBUTION = "sqcodec-bench"
_REQUIREMENT = re.compile(r"""([\w.-]+)[^;]*(?:;.*extra == ["']([\w-]+)["'])?""")
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        topic: what it belongs to, such as "library" or "codec".
        text: what is here, or what is missing and how to get it, in a line.
        missing: it is not here, or unusable.
        needed: the main job does not run without it.
    """

    topic: str
    text: str
    missing: bool = False
    needed: bool = False


def examine(store: Path) -> list[Finding]:
    """Look at this machine, and at the place of the store."""
    return [
        Finding("python", f"{platform.python_version()} on {platform.platform()}"),
        *_libraries(),
        *_device(),
        *_metrics(),
        *_codecs(),
        *_evaluators(),
        *_environments(),
        *_datasets(),
        *_store(store),
        *_scratch(),
    ]


def can_run(findings: list[Finding]) -> bool:
    """Whether the main job runs here."""
    return not any(finding.missing and finding.needed for finding in findings)


def table(findings: list[Finding]) -> RenderableType:
    """The findings for the terminal, with the verdict below."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("", no_wrap=True)
    shown.add_column("", no_wrap=True)
    shown.add_column("what is here, and what is missing", overflow="fold")
    for finding in findings:
        style = "red" if finding.needed else "yellow"
        state = Text("missing", style=style) if finding.missing else Text("ok", style="green")
        shown.add_row(Text(finding.topic), state, Text(finding.text))
    job = f"bench run --codec {MAIN_CODEC} --suite signal"
    if can_run(findings):
        return Group(shown, Text(f"The main job can run: {job}"))
    lacking = dict.fromkeys(f.topic for f in findings if f.missing and f.needed)
    return Group(shown, Text(f"The main job cannot run ({job}); see: {', '.join(lacking)}"))


def _libraries() -> Iterator[Finding]:
    """The libraries that the package says it needs, and each extra's."""
    try:
        required = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        text = f"the package {_DISTRIBUTION} is not installed: pip install -e ."
        yield Finding("library", text, missing=True, needed=True)
        return
    names = defaultdict(list)
    for requirement in required:
        match = _REQUIREMENT.match(requirement)
        if match:
            names[match[2] or ""].append(match[1])
    for extra, of_extra in names.items():
        found = {name: _version(name) for name in of_extra}
        absent = [name for name, is_version in found.items() if not is_version]
        topic = f"extra {extra}" if extra else "library"
        here = ", ".join(f"{name} {is_version}" for name, is_version in found.items() if is_version)
        if here:
            yield Finding(topic, here)
        if absent:
            target = f"'.[{extra}]'" if extra else "."
            text = f"{', '.join(absent)}: pip install -c constraints.txt -e {target}"
            yield Finding(topic, text, missing=True, needed=not extra)


def _device() -> Iterator[Finding]:
    try:
        import torch
    except ImportError:
        return  # said among the libraries
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        yield Finding("device", f"{name}, CUDA {torch.version.cuda}; {os.cpu_count()} CPU cores")
    else:
        text = f"{os.cpu_count()} CPU cores; torch {torch.__version__} finds no CUDA device"
        yield Finding("device", text)


def _metrics() -> Iterator[Finding]:
    """Whether each metric's libraries load."""
    loaded = []
    for metric in (METRICS | BESIDE).values():
        try:
            resolve_name(metric.function)
        except Exception as error:  # whatever a broken library raises
            text = f"{metric.name} does not load: {type(error).__name__}: {error}"
            yield Finding("metric", text, missing=True, needed=metric.name in METRICS)
        else:
            loaded.append(metric.name)
    if loaded:
        yield Finding("metric", ", ".join(loaded))


def _codecs() -> Iterator[Finding]:
    """The codecs that can run in a line; the others by what they lack, which many share."""
    ready, lacking = [], defaultdict(list)
    for card in registry.cards():
        if card.missing:
            lacking[card.missing.replace(card.name, "NAME")].append(card.name)
        else:
            ready.append(f"{card.name} ({card.weights})" if card.weights else card.name)
    if ready:
        yield Finding("codec", ", ".join(ready))
    for what, names in lacking.items():
        text = f"{', '.join(names)}: {what if len(names) > 1 else what.replace('NAME', names[0])}"
        yield Finding("codec", text, missing=True, needed=MAIN_CODEC in names)


def _evaluators() -> Iterator[Finding]:
    for card in evaluators.CARDS:
        name = f"{card.task}={card.name}"
        missing = card.missing
        yield Finding("evaluator", f"{name}: {missing}" if missing else name, bool(missing))


def _environments() -> Iterator[Finding]:
    """Environments for what cannot live beside ours, and how those that are missing are made."""
    for one in states():
        said = one.state
        if one.environment is not None:
            said += f" (Python {one.environment.python}, {len(one.environment.versions)} packages)"
        yield Finding("environment", f"{one.name} {said}: {one.text}", missing=one.state != CREATED)


def _datasets() -> Iterator[Finding]:
    """Whether the bundled sets are whole; where to get Codec-SUPERB's data."""
    for name, load in DATASETS.items():
        try:
            clips = load().clips
        except ManifestError as error:
            yield Finding("data set", f"{name}: {error}", missing=True, needed=True)
            continue
        bad = [
            clip.id
            for clip in clips
            if not clip.path.is_file() or audio.sha256(clip.path) != clip.sha256
        ]
        if bad:
            text = f"{name}: {len(bad)} of {len(clips)} clips are missing or changed, such as "
            text += f"{bad[0]}: install the package again"
            yield Finding("data set", text, missing=True, needed=True)
        else:
            yield Finding("data set", f"{name}: {len(clips)} clips, each as its manifest says")
    yield Finding(
        "data set",
        f"Codec-SUPERB ({len(SPEECH)} data sets of speech, {len(AUDIO)} of audio) is not bundled: "
        "unpack codec_superb_data.zip of the SLT 2024 challenge anywhere, and give that folder "
        "to --data",
        missing=True,
    )


def _store(path: Path) -> Iterator[Finding]:
    place = path.absolute()
    if place.exists():
        try:
            Store(place).close()
        except StoreError as error:
            yield Finding("store", str(error), missing=True, needed=True)
            return
    folder = next(parent for parent in place.parents if parent.exists())
    if not os.access(folder, os.W_OK):
        text = f"{folder} cannot be written: choose another place with --store"
        yield Finding("store", text, missing=True, needed=True)
        return
    state = "usable" if place.exists() else "made at the first run"
    yield Finding("store", f"{path}: {state}; {_free(folder)}")


def _scratch() -> Iterator[Finding]:
    """The folder for temporary files, which decoded audio passes through."""
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        text = f"no folder for temporary files can be written; set TMPDIR ({error})"
        yield Finding("scratch", text, missing=True, needed=True)
        return
    yield Finding("scratch", f"{folder}; {_free(folder)}")


def _version(name: str) -> str:
    """The installed version of a package, "" if there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _free(folder: Path) -> str:
    return f"{shutil.disk_usage(folder).free / _GIGABYTE:.1f} GB free"
