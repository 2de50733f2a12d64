"""What `benchmarks.scale` times: each step works in a folder of a synthetic benchmark.

A step is run in a process of its own, so that the most memory it held is known. It raises
RuntimeError where what it timed did not do its work.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cells import Cell
from bench.memory import peak_bytes
from bench.plan import delay_of, plan_run, source_of
from bench.report import results
from bench.report.claims.judge import judge
from bench.report.site import write_site
from bench.report.summary import summarise
from bench.report.tables import write as tables
from bench.store import Store
from bench.suites import SIGNAL
from bench.views import codes_of, gather
from benchmarks import synthetic

_N_LOOKED_UP = 500  # clips that are asked for and written one by one


@dataclass(frozen=True)
class Size:
    """Of a synthetic benchmark."""

    n_clips: int
    n_codecs: int

    @property
    def n_runs(self) -> int:
        """Clips through codecs."""
        return self.n_clips * self.n_codecs


@dataclass(frozen=True)
class Measured:
    """A step at a size.

    Attributes:
        step, n_clips, n_codecs: what was timed.
        seconds, cpu_seconds: it took, on the clock and of the processor; of one clip for a step
            of `PER_CLIP`, and of the processor None where several processes worked.
        peak_bytes: the most memory that its process held; None where the system does not tell.
        written_bytes: that it left on the disk.
        n_done: cells, jobs, files, claims or clips, as the step counts.
    """

    step: str
    n_clips: int
    n_codecs: int
    seconds: float
    cpu_seconds: float | None
    peak_bytes: int | None
    written_bytes: int
    n_done: int


def measure(step: str, folder: Path, size: Size) -> Measured:
    """Run a step in the folder of the size, and say what it took."""
    before = _bytes_in(folder)
    synthetic.manifest(size.n_clips)  # is made once, and is no part of any step
    started, cpu_started = time.perf_counter(), time.process_time()
    n_done = STEPS[step](folder, size)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    of = n_done if step in PER_CLIP else 1
    return Measured(
        step=step,
        n_clips=size.n_clips,
        n_codecs=size.n_codecs,
        seconds=seconds / of,
        cpu_seconds=cpu_seconds / of,
        peak_bytes=peak_bytes(),
        written_bytes=_bytes_in(folder) - before,
        n_done=n_done,
    )


def _build(folder: Path, size: Size) -> int:
    """Every cell of the benchmark, put into a store."""
    shutil.copytree(synthetic.TABLE_1.parent, folder / "results" / "paper")
    with Store(folder / "store.sqlite") as store:
        return synthetic.fill(
            store, synthetic.manifest(size.n_clips), synthetic.codecs(size.n_codecs)
        )


def _start(folder: Path, size: Size) -> int:
    """What a run has to do where nothing is stored: every clip through every codec."""
    with Store(folder / "empty.sqlite") as store:
        n_jobs = _n_jobs(store, size)
    (folder / "empty.sqlite").unlink()
    if n_jobs != size.n_runs:
        raise RuntimeError(f"{n_jobs} jobs of {size.n_runs}")
    return n_jobs


def _resume(folder: Path, size: Size) -> int:
    """What a run has to do where all is stored: try the failed cells again."""
    with Store(folder / "store.sqlite") as store:
        return _n_jobs(store, size)


def _n_jobs(store: Store, size: Size) -> int:
    infos, clips = synthetic.codecs(size.n_codecs), synthetic.manifest(size.n_clips)
    return len(plan_run(infos, clips, SIGNAL, store).jobs)


def _clip(folder: Path, size: Size) -> int:
    """What the store does for one clip of a run: to tell what it lacks, and to take its cells."""
    clips = synthetic.manifest(size.n_clips)
    n_clips = min(_N_LOOKED_UP, size.n_clips)
    new = replace(synthetic.codecs(1)[0], name="new")
    with Store(folder / "store.sqlite") as store:
        source = source_of(new, clips, SIGNAL)
        cells: dict[str, list[Cell]] = {}
        for cell in synthetic.cells(new, 0, replace(clips, clips=clips.clips[:n_clips]), store):
            cells.setdefault(cell.clip, []).append(cell)
        for clip in clips.clips[:n_clips]:
            if store.scored(source, clip.id):
                raise RuntimeError(f"{clip.id} is scored already")
            store.put(source, cells[clip.id])
    return n_clips


def _results(folder: Path, size: Size) -> int:
    """Summaries with intervals, and the results JSON of each codec, as a run ends."""
    clips = synthetic.manifest(size.n_clips)
    with Store(folder / "store.sqlite") as store:
        for info in synthetic.codecs(size.n_codecs):
            cells = gather(info, clips, SIGNAL, store)
            codes = codes_of(info, clips, SIGNAL, store)
            summary = summarise(info, cells, SIGNAL, delay_of(info, store), codes)
            result = results.result_of(summary, cells, source_of(info, clips, SIGNAL))
            results.write(result, folder / "results")
    return size.n_codecs


def _tables(folder: Path, size: Size) -> int:
    """The five tables in three views and formats, as `bench report` writes them."""
    views, _ = tables.of_all(folder / "results", {}, None)
    return len(tables.write(views, folder / "reports"))


def _claims(folder: Path, size: Size) -> int:
    """The tables, and the paper's sentences checked against them, as `bench claims` does."""
    views, measured = tables.of_all(folder / "results", {}, None)
    return len(judge(views["paper"], views["ours"], measured))


def _site(folder: Path, size: Size) -> int:
    """The site."""
    first = write_site(folder / "site", folder / "results")
    return len(list(first.parent.rglob("*")))


STEPS: dict[str, Callable[[Path, Size], int]] = {
    "build": _build,
    "start": _start,
    "resume": _resume,
    "results": _results,
    "tables": _tables,
    "claims": _claims,
    "site": _site,
    "clip": _clip,
}
"""In the order in which they are run: later ones need what earlier ones leave."""

PER_CLIP = frozenset({"clip"})


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
