"""Table 3 of an ablation that was trained here, with the paper's differences below each row.

Unlike `ablation`, which compares whatever weights have the names of the paper's rows, this is of
one `bench ablate`: all rows trained alike, at a budget that is said with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bench.report.tables.application import TASKS
from bench.report.tables.frame import ABLATIONS, TABLE_3
from bench.report.tables.model import Cell, Column, Group, Row, Table, shown
from bench.trainable import BASELINE

NOT_RESOLVED = "not resolved at this budget"
ONE_SEED = "one seed only"
HERE, PAPER = "trained here", "paper"

LOOK_BACK = Column("look_back_s", "Look-back", "", None, 3)
COLUMNS = (TABLE_3[0], LOOK_BACK, *TABLE_3[1:])

_SECONDS = {TABLE_3[0].key, LOOK_BACK.key}
_NOT_IN_PAPER = "the paper does not say"
_MUCH_MORE = 10.0
_HOUR_S = 3600.0
_SHA256_BEGINS = re.compile(r"SHA-256 ([0-9a-f]{12,64})")
_WEIGHTS = {
    "waveform_weight": "waveform",
    "stft_weight": "STFT",
    "perceptual_weight": "perceptual",
    "adversarial_weight": "adversarial",
}
_LABELS = {
    "no-tconv": "w/o TConv",
    "no-teconv": "w/o TEConv",
    "no-perceptual-loss": "w/o Perceptual Loss",
}
_KINDS = {"no-tconv": "modules", "no-teconv": "modules", "no-perceptual-loss": "loss"}

Content = Mapping[str, Any]


def trained_table(content: Content, paper: Table | None, paper_hours: float | None) -> Table:
    """The table of `bench ablate`'s JSON.

    Args:
        content: of the JSON, as `bench.report.ablation_file` has it.
        paper: the paper's Table 3; None where it is not at hand.
        paper_hours: of audio that each of the paper's models heard.

    Raises:
        KeyError: a variant lacks a score.
    """
    printed = {row.key: row for row in paper.rows()} if paper else {}
    if content["preset"] not in printed:  # the paper ablates one preset
        printed, paper_hours = {}, None
    groups: dict[str, list[Row]] = {}
    for variant in content["variants"]:
        rows = groups.setdefault(_KINDS.get(variant["name"], "windows"), [])
        row = _row(variant, content)
        rows.append(row)
        if row.key in printed:
            rows.append(_of_paper(printed[row.key]))
    title = f"Table 3. Ablation study of {content['preset']}: trained here, {_heard(content)}"
    if paper_hours:
        title += f" (the paper's: {paper_hours:,.0f} h)"
    return Table(
        "table3-ablation",
        title,
        "Model",
        COLUMNS,
        tuple(Group(kind, tuple(rows)) for kind, rows in groups.items()),
        _notes(content, printed, paper_hours),
    )


def budget_text(content: Content, paper_hours: float | None) -> str:
    """What the ablation cost, beside what the paper's did, in plain words."""
    budget, settings = content["budget"], content["settings"]
    runs = [run for variant in content["variants"] for run in variant["runs"]]
    n_trained = sum("failed" not in run for run in runs)
    growth = settings["growth_steps"]
    asked_hours = budget.get("asked_hours")
    asked = "" if asked_hours is None else f" of {asked_hours:g} h of compute, shared equally"
    text = (
        f"Budget{asked}: {_counted(n_trained, 'training')} of "
        f"{_counted(budget['steps'], 'step')} each"
        + (f" after {_counted(growth, 'step')} of growth a level" if growth else "")
        + f", {_counted(settings['batch_size'], 'crop')} of {settings['crop_s']:.2f} s a step; "
        "each heard "
        f"{budget['heard_s']:,.0f} s of audio, and all together took "
        f"{budget['seconds_of_all'] / _HOUR_S:.2f} h of compute on {_hardware(budget)}."
    )
    if not paper_hours:
        return text
    text += f" The paper's models heard {paper_hours:,.0f} h of audio"
    ratio = paper_hours * _HOUR_S / budget["heard_s"] if budget["heard_s"] else 0.0
    if ratio < _MUCH_MORE:
        return f"{text}."
    return (
        f"{text}, {ratio:,.0f} times as much: weights of this budget are hardly trained, and "
        "their rows stand for themselves, not for the paper's."
    )


def label_of(name: str, preset: str) -> str:
    """How the table calls a variant."""
    if name == BASELINE:
        own = {codec: label for label, codec in ABLATIONS.items()}
        return own.get(preset, preset)
    kind, _, window = name.partition("-")
    return f"w/ {window} window size" if kind == "window" else _LABELS.get(name, name)


def _row(variant: Content, content: Content) -> Row:
    failed = [run["failed"] for run in variant["runs"] if "failed" in run]
    trained = [run["codec"] for run in variant["runs"] if "failed" not in run]
    cells = []
    for column in COLUMNS:
        if column.key in _SECONDS:
            seconds = float(variant[column.key])
            cells.append(Cell(f"{seconds:.3f}s", seconds))
        elif not trained:
            cells.append(Cell(reason=f"its training failed: {failed[0]}"))
        else:
            is_own = variant["name"] == BASELINE
            cells.append(_cell(variant["scores"][column.key], column, is_own, content))
    label = label_of(variant["name"], content["preset"])
    remark = f"{label}: weights {', '.join(trained)}" if trained else ""
    if trained and failed:
        remark += f"; {len(failed)} of {len(variant['runs'])} trainings failed: {failed[0]}"
    return Row(label, _key(variant, content), tuple(cells), HERE, remark)


def _key(variant: Content, content: Content) -> str:
    """As the paper's row of the same variant, if it has one."""
    name = variant["name"]
    return str(content["preset"]) if name == BASELINE else f"{content['preset']}-{name}"


def _cell(score: Content, column: Column, is_own: bool, content: Content) -> Cell:
    if "reason" in score:
        return Cell(reason=str(score["reason"]))
    value, low, high = (
        None if score[name] is None else float(score[name]) for name in ("value", "low", "high")
    )
    assert value is not None
    text = shown(value, column.decimals)
    remarks = _fewer_seeds(score, content)
    if is_own:
        return Cell(text, value, low, high, remark="; ".join(remarks))
    if not text.startswith("-") and float(text) != 0:
        text = f"+{text}"
    if low is None or high is None:
        remarks.insert(0, str(score["method"]))
    elif low <= 0 <= high:
        remarks.insert(0, NOT_RESOLVED)
    return Cell(text, value, low, high, remark="; ".join(remarks))


def _seeds(score: Content, content: Content) -> int:
    """That a value is a mean over; older files say so by the method of the interval alone."""
    if "seeds" in score:
        return int(score["seeds"])
    several = "Student's t over" in score["method"]
    return int(content["budget"]["seeds"]) if several else 1


def _fewer_seeds(score: Content, content: Content) -> list[str]:
    """What has to be said of a value that lacks seeds which were asked for."""
    n_seeds, asked = _seeds(score, content), content["budget"]["seeds"]
    if n_seeds >= asked:
        return []
    return [ONE_SEED if n_seeds == 1 else f"{n_seeds} of {asked} seeds"]


def _values(content: Content) -> Iterator[Content]:
    """The scores that have a value."""
    for variant in content["variants"]:
        yield from (score for score in variant["scores"].values() if "reason" not in score)


def _setting(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _as_teacher(task: str, judge: Content, teacher: Content | None) -> str:
    """That a judge is the network which the trainings learnt from, where it is: "" elsewhere."""
    if teacher is None:
        return ""
    digits = _SHA256_BEGINS.search(judge.get("weights", ""))
    is_same_file = digits is not None and teacher["sha256"].startswith(digits[1])
    if not is_same_file and teacher["name"] != judge["name"]:
        return ""
    what = "words" if task == "asr" else "them"
    return (
        f"; this judge of {what} is also the teacher of the {teacher['loss']} loss, so variants "
        "that are trained with it are judged by what they were trained to please"
    )


def _of_paper(row: Row) -> Row:
    own = dict(zip([column.key for column in TABLE_3], row.cells, strict=True))
    cells = tuple(own.get(column.key, Cell(reason=_NOT_IN_PAPER)) for column in COLUMNS)
    return replace(row, cells=cells, source=PAPER)


def _heard(content: Content) -> str:
    heard_s = content["budget"]["heard_s"]
    heard = f"{heard_s / _HOUR_S:.2f} h" if heard_s >= _HOUR_S else f"{heard_s:,.0f} s"
    return f"{heard} of audio heard by each"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _hardware(budget: Content) -> str:
    return " and ".join(budget["hardware"]) or "nothing"


def _notes(
    content: Content, printed: Mapping[str, Row], paper_hours: float | None
) -> tuple[str, ...]:
    settings, corpus, data = content["settings"], content["corpus"], content["data"]
    n_seeds = content["budget"]["seeds"]
    losses = [f"{label} {settings[name]:g}" for name, label in _WEIGHTS.items() if settings[name]]
    counts = sorted({_seeds(score, content) for score in _values(content)})
    drawn = "speakers and recordings are drawn, clip by clip"
    if several := [str(count) for count in counts if count > 1]:
        drawn += f"; Student's t over {' or '.join(several)} seeds"
    notes = [
        budget_text(content, paper_hours),
        f"Trained on {corpus['name']} ({corpus['origin']}, {corpus['hours']:.2f} h), all variants "
        f"under one schedule, with the same crops and seed{'s' if n_seeds > 1 else ''}; losses of "
        f"the baseline, with their weights: {', '.join(losses)}.",
        f"Scored on the {data['name']} data set, revision {data['revision']}, {data['n_clips']} "
        "clips: not the paper's data.",
        "Rows below the first: difference from it. [...]: 95 % interval of the paired difference; "
        f"{drawn}. Where it covers zero, the difference is {NOT_RESOLVED}.",
        "Receptive field: window x hop / rate, as the paper has it. Look-back: how far the last "
        "frame of a window sees through the stacked layers of one transformer; the encoder and "
        "the decoder have one each.",
    ]
    if given := content.get("given"):
        told = ", ".join(f"{name} = {_setting(value)}" for name, value in given.items())
        notes.insert(2, f"Settings given, for all variants alike: {told}.")
    if 1 in counts:
        where = "One seed" if n_seeds == 1 else f"Where a value is of {ONE_SEED}"
        notes.append(
            f"{where}: an interval without zero tells two trainings apart, and not yet what was "
            "changed between them, for trainings differ by their seed alone, too."
        )
    labels = {TASKS[column.key]: column.label for column in TABLE_3 if column.key in TASKS}
    for task, judge in content["judges"].items():
        if task in labels:
            whose = "the paper's" if judge["of_paper"] else "not the paper's"
            note = f"{labels[task]}: judged by {judge['name']}, which is {whose}"
            notes.append(f"{note}{_as_teacher(task, judge, content.get('teacher'))}.")
    if printed:
        notes.append("Rows of the paper: its Table 3, of its authors' data and weights.")
    else:
        notes.append("The paper has no such ablation, or its numbers are not at hand.")
    return tuple(notes)
