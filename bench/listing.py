"""What `bench list` shows: the codecs, suites, data sets, metrics and evaluators that there are.

Each function returns a table for the terminal. Nothing is loaded for it but the headers of
the bundled clips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import soundfile
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import registry
from bench.codec import CodecCard
from bench.datasets import codec_superb
from bench.datasets.load import DATASETS
from bench.datasets.manifest import Manifest
from bench.downstream.evaluators import registry as evaluator_registry
from bench.downstream.tasks import TASKS
from bench.metrics import BESIDE, METRICS, Metric
from bench.suites import APPLICATION, SUITES

_NONE = "-"


def codecs() -> RenderableType:
    """Every codec: what it is, its rate and bitrate, and whether it can run here."""
    cards = registry.cards()
    table = _table("codec", "what it is", "Hz", "bit/s", "here", right=("Hz", "bit/s"))
    for card in cards:
        table.add_row(
            Text(card.name, style="dim" if card.missing else "bold"),
            card.description,
            _count(card.sample_rate),
            _count(card.bitrate_bps),
            _here(card),
        )
    remarks = [
        "A path to a .safetensors file of SQCodec is a codec, too;",
        "so is folder:PATH, a folder of audio that was decoded elsewhere.",
    ]
    if any(card.missing for card in cards):
        remarks.append("`bench doctor` says how to get what is missing.")
    return Group(table, Text("\n".join(remarks)))


def suites() -> RenderableType:
    """Every suite, with the scores that it reports."""
    table = _table("suite", "what it is", "scores")
    for suite in SUITES.values():
        scores = ", ".join(score.display_name for score in suite.scores)
        table.add_row(Text(suite.name, style="bold"), suite.description, scores)
    tasks = ", ".join(task.display_name for task in TASKS.values())
    what = "what is left for models that listen: words, speakers, emotions, events"
    table.add_row(Text(APPLICATION, style="bold"), what, tasks)
    return table


def evaluators() -> RenderableType:
    """Every evaluator of the application suite, those nearest to the paper's first."""
    table = _table("evaluator", "what it is", "the paper's", "here")
    for card in evaluator_registry.CARDS:
        missing = bool(card.missing)
        table.add_row(
            Text(f"{card.task}={card.name}", style="dim" if missing else "bold"),
            card.description,
            "yes" if card.of_paper else "",
            "no" if missing else "yes",
        )
    remarks = [
        "--evaluator TASK=NAME chooses; the default is the first of a task that is here.",
        "`bench doctor` says how to get what is missing.",
    ]
    return Group(table, Text("\n".join(remarks)))


def datasets() -> RenderableType:
    """The bundled sets and their size, and what else `--data` takes."""
    table = _table("set", "clips", "minutes", "kinds", "data sets", right=("clips", "minutes"))
    for name, load in DATASETS.items():
        manifest = load()
        kinds = Counter(clip.kind for clip in manifest.clips)
        sets = dict.fromkeys(clip.dataset for clip in manifest.clips)
        table.add_row(
            Text(name, style="bold"),
            str(len(manifest.clips)),
            f"{_minutes(manifest):.1f}",
            "\n".join(f"{count} {kind}" for kind, count in kinds.items()),
            ", ".join(sets),
        )
    n_speech, n_audio = len(codec_superb.SPEECH), len(codec_superb.AUDIO)
    return Group(
        table,
        Text("--data also takes a path:"),
        Text(
            f"  a Codec-SUPERB tree (samples/<dataset>/*.wav, {n_speech} speech, {n_audio} audio)"
        ),
        Text("  a folder of audio: --kind says of what, its sub-folders are the data sets"),
        Text("  a manifest (.csv): it says all of each clip"),
    )


def metrics() -> RenderableType:
    """Every metric: what it is, unit and direction, and what decides its value."""
    table = _table("metric", "what it is", "unit", "better", "version")
    for metric in (METRICS | BESIDE).values():
        table.add_row(
            Text(metric.name, style="bold"),
            _description(metric),
            metric.unit or _NONE,
            "higher" if metric.higher_is_better else "lower",
            metric.version,
        )
    return table


def _table(*columns: str, right: Iterable[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    table.columns[0].no_wrap = True
    return table


def _here(card: CodecCard) -> str:
    if card.missing:
        return "no"
    return f"yes ({card.weights})" if card.weights else "yes"


def _description(metric: Metric) -> str:
    if metric.scored_at_hz is None:
        return metric.description
    return f"{metric.description}, at {metric.scored_at_hz:,} Hz"


def _count(number: float | None) -> str:
    return _NONE if number is None else f"{number:,.0f}"


def _minutes(manifest: Manifest) -> float:
    return sum(soundfile.info(clip.path).duration for clip in manifest.clips) / 60
