"""What `benchmarks.suite` times, each as processes of its own: the runner, and the serial passes.

The serial side does what the scripts of the Codec-SUPERB challenge do with a codec: it is loaded,
takes the clips one after another and leaves its audio on disk, at its own rate; then each metric
is a process of its own that reads every clip and its decoded audio again, resamples the latter to
the clip's rate, cuts both to the shorter and scores them one after another. Libraries have the
threads that they take by default. SDR is mir_eval's, called as the scripts call it; the other
metrics are this project's functions, which stand for ports and packages of the scripts that score
slightly otherwise. Decoded audio is left as floats, so that it is the same.

    python -m benchmarks.suite_sides runner --codec NAME --clips N --folder DIR [--workers N]
    python -m benchmarks.suite_sides codec --codec NAME --clips N --folder DIR
    python -m benchmarks.suite_sides metric --metric NAME --clips N --folder DIR

Each leaves its scores in DIR as JSON, metric -> clip -> score, null where there is none.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray

from bench import audio, registry
from bench.datasets.mini import mini
from bench.metrics import METRICS
from bench.suites import SIGNAL
from benchmarks.clips import spread

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

CodecOption = Annotated[str, typer.Option()]
ClipsOption = Annotated[int, typer.Option(min=1)]
FolderOption = Annotated[Path, typer.Option()]

SIDES = ("runner", "serial")
"""Names of the two ways, as in the files of scores."""


@app.command()
def runner(codec: CodecOption, clips: ClipsOption, folder: FolderOption, workers: int = 2) -> None:
    """What `bench run --suite signal` does, with an empty store, for one codec."""
    from bench.plan import plan_run
    from bench.runner import run
    from bench.store import Store
    from bench.team import Team, measure_delays
    from bench.views import gather

    manifest = spread(mini(), clips)
    with (
        Team.of([codec], "auto", workers, clip_timeout_s=600.0) as team,
        Store(folder / "store.sqlite") as store,
    ):
        infos = [info for info in team.codecs().infos if info.name == codec]
        measure_delays(infos, store, team)
        run(plan_run(infos, manifest, SIGNAL, store), store, team)
        cells = gather(infos[0], manifest, SIGNAL, store)
    for metric, group in cells[cells["metric"].isin(METRICS)].groupby("metric"):
        values = zip(group["clip"], group["value"], strict=True)
        scores = {clip: None if value != value else float(value) for clip, value in values}
        _write(folder, "runner", str(metric), scores)


@app.command("codec")
def codec_(codec: CodecOption, clips: ClipsOption, folder: FolderOption) -> None:
    """Send the clips through a codec, one after another, and leave what it decodes."""
    loaded = registry.load(codec)
    for clip in spread(mini(), clips).clips:
        samples, sample_rate = audio.read(clip.path)
        codec_rate = loaded.info.sample_rate or sample_rate
        sent = audio.resample(samples, sample_rate, codec_rate)[None].copy()  # [1, T]
        decoded = loaded.decode(loaded.encode(sent, codec_rate))[0]
        soundfile.write(_decoded(folder, clip.id), decoded, codec_rate, subtype="FLOAT")


@app.command()
def metric(
    metric: Annotated[str, typer.Option()], clips: ClipsOption, folder: FolderOption
) -> None:
    """Score what a codec left by one metric, one clip after another."""
    score = _sdr_db if metric == "sdr" else METRICS[metric]
    scores: dict[str, float | None] = {}
    for clip in spread(mini(), clips).clips:
        if metric not in SIGNAL.metrics_for(clip.kind):
            continue
        reference, sample_rate = audio.read(clip.path)
        decoded, codec_rate = audio.read(_decoded(folder, clip.id))
        estimate = audio.resample(decoded, codec_rate, sample_rate)
        pair = audio.cut_to_shorter(reference, estimate)
        try:
            scores[clip.id] = score(*pair, sample_rate)
        except ValueError:  # the reason is the store's to keep
            scores[clip.id] = None
    _write(folder, "serial", metric, scores)


def _sdr_db(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float | None:
    from mir_eval.separation import bss_eval_sources

    warnings.filterwarnings("ignore", r"mir_eval\.separation\.bss_eval_sources", FutureWarning)
    # Both in double precision, [1, T], as the scripts read them.
    pair = reference[None].astype(np.float64), estimate[None].astype(np.float64)
    if not all(signal.any() for signal in pair):  # mir_eval raises
        return None
    sdr, _, _, _ = bss_eval_sources(*pair, compute_permutation=False)
    return float(sdr[0]) if np.isfinite(sdr[0]) else None


def scores_of(folder: Path, side: str) -> dict[str, dict[str, float | None]]:
    """The scores that a side left: metric -> clip -> score."""
    files = sorted(folder.glob(f"{side}-*.json"))
    return {file.stem.removeprefix(f"{side}-"): json.loads(file.read_text()) for file in files}


def _write(folder: Path, side: str, metric: str, scores: dict[str, float | None]) -> None:
    (folder / f"{side}-{metric}.json").write_text(json.dumps(scores))


def _decoded(folder: Path, clip: str) -> Path:
    return folder / f"{clip}.wav"


if __name__ == "__main__":
    app()
