"""`bench run --suite signal`: clips through codecs and metrics, and a table at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import coding
from bench.cluster import ClusterTeam, spread
from bench.codec import CodecInfo
from bench.coding import Codecs
from bench.console import MISSING, SOME_FAILED, console, tell
from bench.datasets.load import load_data
from bench.datasets.manifest import Manifest
from bench.options import RAY, RunOptions, cannot_write_results
from bench.plan import Job, delay_of, plan_run, source_of
from bench.ray_address import HERE
from bench.recording import recorded, signal_part
from bench.report.paper import PaperRow, paper_row
from bench.report.results import result_of, write
from bench.report.summary import Summary, summarise
from bench.report.terminal import table
from bench.run_record import Part
from bench.runner import Step, run
from bench.store import Store
from bench.suites import SUITES, Suite
from bench.team import RunError, Team, measure_delays
from bench.verify import VERSION as VERIFY_VERSION
from bench.views import codes_of, gather


def run_signal(options: RunOptions, errors: Console) -> int:
    """Run the suite and print its table; return the exit status.

    Args:
        options: what was asked for.
        errors: where all but the table is said.

    Raises:
        UnknownNameError, ManifestError, RunError, StoreError, OSError: as their messages say.
    """
    suite = SUITES[options.suite]
    with errors.status("reading the data set"):  # every file is hashed
        manifest = load_data(options.data, options.kind)
    if options.part is not None:  # of the same data set, so that its cells join the others
        place, n_parts = options.part
        manifest = replace(manifest, clips=manifest.clips[place - 1 :: n_parts])
        if not manifest.clips:
            raise RunError(f"{manifest.name} has too few clips for {n_parts} parts")
    for note in manifest.notes:
        errors.print(note, markup=False)
    with _team(options) as team:
        with errors.status("loading codecs"):
            codecs = team.codecs()
        if codecs.unknown:
            raise RunError(codecs.unknown)
        if not codecs.infos:
            tell(errors, codecs.missing)
            return MISSING
        for line in team.unpaired(manifest):
            errors.print(line, markup=False)
        with Store(options.store) as store:
            if options.part is not None:
                n_failed = compute(codecs.infos, manifest, suite, store, team, errors)
                return _part_ended(options, codecs, n_failed, errors)

            def parts() -> list[Part]:
                return [signal_part(codecs.infos, manifest, suite, store)]

            data = (manifest.name, manifest.revision)
            with recorded(options, codecs, data, parts, codecs.missing, errors):
                compute(codecs.infos, manifest, suite, store, team, errors)
                summaries = _written(codecs.infos, manifest, suite, store, options, errors)
    console().print(table(summaries, _paper_rows(summaries, suite, errors), suite, manifest.name))
    if codecs.missing:
        tell(errors, codecs.missing)
        return MISSING
    return SOME_FAILED if any(summary.failures for summary in summaries) else 0


def _team(options: RunOptions) -> Team:
    """The processes of a run, wherever they are to be."""
    asked = (options.codecs, options.device, options.workers, options.clip_timeout_s)
    if options.executor == RAY:
        return ClusterTeam(*asked, options.address or HERE)
    return Team.of(*asked, options.codec_processes)


def compute(
    codecs: Sequence[CodecInfo],
    manifest: Manifest,
    suite: Suite,
    store: Store,
    team: Team,
    errors: Console,
) -> int:
    """Compute what the store lacks, and say what is going on; return how many cells failed."""
    with errors.status("measuring constant delays"):
        for line in measure_delays(codecs, store, team):
            errors.print(line, markup=False)
    plan = plan_run(codecs, manifest, suite, store)
    steps: list[Step] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=len(plan.jobs))

        def show_start(job: Job) -> None:
            progress.update(task, description=f"{job.source.codec}  {job.clip.id}")

        def show_step(step: Step) -> None:
            steps.append(step)
            progress.update(task, advance=1)

        if isinstance(team, ClusterTeam):
            spread(plan, store, team, show_start, show_step)
        else:
            run(plan, store, team, show_start, show_step)
    n_failed = sum(step.n_failed for step in steps)
    n_new = n_failed + sum(step.n_scored for step in steps)
    n_kept = plan.n_kept + sum(step.n_kept for step in steps)
    failed = f"; {n_failed} failed, which the next run tries again" if n_failed else ""
    errors.print(f"{n_new} cells computed, {n_kept} were in {store.path}{failed}", markup=False)
    return n_failed


def _part_ended(options: RunOptions, codecs: Codecs, n_failed: int, errors: Console) -> int:
    """Scores are of all clips, so a part has none; return the exit status."""
    assert options.part is not None
    place, n_parts = options.part
    console().print(
        f"part {place} of {n_parts} is in {options.store}: bench merge makes one store of all, and "
        "this command without --part their scores",
        markup=False,
        soft_wrap=True,
    )
    if codecs.missing:
        tell(errors, codecs.missing)
        return MISSING
    return SOME_FAILED if n_failed else 0


def _written(
    codecs: Sequence[CodecInfo],
    manifest: Manifest,
    suite: Suite,
    store: Store,
    options: RunOptions,
    errors: Console,
) -> list[Summary]:
    """Write the results of each codec and return its summary."""
    summaries = []
    for info in codecs:
        cells = gather(info, manifest, suite, store)
        summary = summarise(
            info,
            cells,
            suite,
            delay_of(info, store),
            codes_of(info, manifest, suite, store),
            info.name == coding.CEILING
            or store.certified(info.name, info.revision, VERIFY_VERSION),
        )
        certificate = store.certificate(info.name, info.revision)
        result = result_of(summary, cells, source_of(info, manifest, suite), certificate)
        try:
            path = write(result, options.results)
        except OSError as error:
            raise cannot_write_results(options, error) from error
        errors.print(f"wrote {path}", markup=False)
        summaries.append(summary)
    return summaries


def _paper_rows(summaries: list[Summary], suite: Suite, errors: Console) -> list[PaperRow]:
    rows = []
    for summary in summaries:
        try:
            row = paper_row(summary.info, [score.name for score in suite.scores])
        except FileNotFoundError as error:
            errors.print(f"no rows of the paper: {error.filename} is not here", markup=False)
            return []
        if row is not None:
            rows.append(row)
    return rows
