"""Templates to files: the whole site is made beside its place, then put there at once."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bench.report.bubbles import bubbles
from bench.report.results import Result
from bench.report.site import NotASiteError, application
from bench.report.site.application import CodecTasks, application_page_of
from bench.report.site.codec_page import clips_table, codec_page
from bench.report.site.leaderboard import (
    COLUMNS,
    PAPER_COLUMNS,
    costs_of,
    page_of,
    paper_rows,
    rows,
)
from bench.report.site.listening import WAVE_HEIGHT, WAVE_WIDTH, Room, furnish
from bench.report.site.plot import AXES, SOURCES, plot_data
from bench.report.stored import StoredResultError, main_data, read_results, said

_STATIC = Path(__file__).parent / "static"
_MARK = ".sqcodec-bench-site"
_NAME = re.compile(r"\w[\w.+-]*")


def render(out: Path, results: Path, dataset: str | None = None) -> Path:
    """Write the site; see `bench.report.site.write_site`."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / _MARK).is_file()):
        raise NotASiteError(f"{out} is not a site of this program, and is left as it is")
    measured = main_data(read_results(results, "signal"), dataset)
    tasks = application.read_codecs(results, dataset)
    for name in (*(str(result.codec["name"]) for result in measured), *(one.name for one in tasks)):
        if not _NAME.fullmatch(name):
            raise StoredResultError(f"{name!r} cannot be the name of a page")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        (temporary / _MARK).touch()
        room = furnish(temporary, results, measured[0].dataset) if measured else Room("", ())
        _write_pages(temporary, results, measured, tasks, room, dataset or "")
        for file in sorted(_STATIC.iterdir()):
            shutil.copyfile(file, temporary / file.name)
        if out.exists():
            shutil.rmtree(out)
        temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out / "index.html"


def _write_pages(
    site: Path,
    results: Path,
    measured: list[Result],
    tasks: list[CodecTasks],
    room: Room,
    asked: str,
) -> None:
    environment = Environment(
        loader=PackageLoader("bench.report.site"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def write(template: str, page: str, **context: Any) -> None:
        depth = page.count("/")
        text = environment.get_template(template).render(root="../" * depth, page=page, **context)
        path = site / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    points = bubbles(results, measured)
    certificates = _certificates(results) | _certificates_within(measured)
    costs = costs_of(points)
    names = [str(result.codec["name"]) for result in measured]
    revisions = {str(r.codec["name"]): str(r.codec["revision"]) for r in measured}
    write(
        "index.html.j2",
        "index.html",
        data=said(measured),
        columns=COLUMNS,
        rows=rows(measured, certificates, costs),
        paper_columns=PAPER_COLUMNS,
        paper_rows=paper_rows(results, costs),
        axes=AXES,
        sources=SOURCES,
        plot=plot_data(points, names),
    )
    write(
        "listen.html.j2",
        "listen.html",
        room=room,
        pages=names,
        revisions=revisions,
        wave_box=f"0 0 {WAVE_WIDTH} {WAVE_HEIGHT}",
        trials=_trials(room),
    )
    columns = application.columns(tasks)
    write(
        "application.html.j2",
        "application.html",
        asked=asked,
        dataset=tasks[0].dataset if tasks else "",
        columns=columns,
        rows=application.rows(tasks, columns, certificates, revisions),
        judges=application.who_judged(tasks),
    )
    for one in tasks:
        same_clips = bool(measured) and one.dataset == measured[0].dataset
        page = application_page_of(one.name)
        write(
            "application_codec.html.j2",
            page,
            one=one,
            heard=room.heard(one.name) if same_clips else frozenset(),
            signal_revision=revisions.get(one.name),
        )
        for file, text in application.csv_files(one).items():
            (site / page).with_name(file).write_text(text, encoding="utf-8", newline="")
    of_tasks = {one.name: one for one in tasks}
    for name, result in zip(names, measured, strict=True):
        about = codec_page(result, certificates, room.heard(name), of_tasks.get(name))
        write("codec.html.j2", page_of(name), **about)
        if any(of.n_more for score in about["scores"] for of in score.datasets):
            table = (site / page_of(name)).with_name(f"{name}.csv")
            table.write_text(clips_table(result), encoding="utf-8", newline="")


def _trials(room: Room) -> list[dict[str, Any]]:
    """What the blind test's script takes: the audio of each clip by codec."""
    return [
        {
            "clip": clip.clip,
            "versions": [{"codec": v.codec, "audio": v.audio} for v in clip.versions],
        }
        for clip in room.clips
    ]


def _certificates_within(measured: list[Result]) -> dict[tuple[str, str], dict[str, Any]]:
    """Those that the runs knew of, which stand in their results."""
    return {
        (str(result.codec["name"]), str(result.codec["revision"])): asdict(result.certificate)
        for result in measured
        if result.certificate is not None
    }


def _certificates(results: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """What `bench verify --results` wrote, by codec and revision."""
    found = {}
    for path in sorted((results / "certificates").glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            checks = [
                {"name": c["name"], "value": c["value"], "passed": c["passed"]}
                for c in content["checks"]
            ]
            found[content["codec"], content["revision"]] = {
                "passed": bool(content["passed"]),
                "version": content["version"],
                "checks": checks,
            }
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoredResultError(
                f"{path}: no certificate that can be read: {type(error).__name__}: {error}"
            ) from error
    return found
