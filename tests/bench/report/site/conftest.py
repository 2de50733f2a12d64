"""A small site, from a small run with everything that can go wrong in it."""

import hashlib
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench.cells import Judgement, Source
from bench.codec import CodecInfo
from bench.datasets.manifest import Clip
from bench.downstream import aec, asr, asv
from bench.downstream.contract import EvaluatorInfo
from bench.downstream.score import Estimate, Score, Scored, TaskData
from bench.downstream.trials import Trial
from bench.report import application
from bench.report import results as results_files
from bench.report.results import result_of
from bench.report.site import write_site
from bench.report.summary import summarise
from bench.suites import SIGNAL

STORED = Path(__file__).parents[4] / "results"
SMALL = Path(__file__).parents[1] / "small"
NASTY = "<script>alert('weights')</script>"


def _flac(rate: int, seed: int) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, rate // 2)
    soundfile.write(buffer, noise, rate, format="FLAC")
    return buffer.getvalue()


def _hear(folder: Path) -> None:
    """Two clips through two codecs, as `bench hear` leaves them."""
    clips = []
    for number, clip in enumerate(("b1", "s1")):
        versions = []
        (folder / clip).mkdir(parents=True)
        for codec, rate in (("reference", 16_000), ("sqcodec-3k", 8_000)):
            content = _flac(rate, number)
            (folder / clip / f"{codec}.flac").write_bytes(content)
            versions.append(
                {
                    "codec": codec,
                    "revision": "abc",
                    "weights": NASTY,
                    "file": f"{clip}/{codec}.flac",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "sample_rate": rate,
                    "bitrate_bps": 3000.0,
                    "gain_db": -1.5,
                }
            )
        clips.append(
            {
                "clip": clip,
                "dataset": "books",
                "kind": "speech",
                "transcript": 'He said "no" & <b>left</b>',
                "why": "the worst",
                "licence": "CC0-1.0",
                "attribution": "Ann & Bob",
                "source": "a-package",
                "sha256": "0" * 64,
                "start_s": 0.0,
                "duration_s": 0.5,
                "versions": versions,
            }
        )
    (folder / "CC0.txt").write_text("no rights reserved")
    content = {
        "schema": 1,
        "dataset": "small",
        "dataset_revision": "r1",
        "loudness": "RMS",
        "licence_texts": ["CC0.txt"],
        "clips": clips,
    }
    (folder / "heard.json").write_text(json.dumps(content))


def _judgement(clip: Clip, error: str | None = None) -> Judgement:
    return Judgement(
        clip.sha256, clip.id, None if error else {}, error, 600.0, 0.2, 0.0, "host", "2026-01-01"
    )


def _judged(info: CodecInfo, folder: Path) -> None:
    """A codec in the application suite: words with a failed clip, speakers, events."""
    clips = [
        Clip("books", name, "speech", Path(name), name * 32, group=name[0], speaker=name[0])
        for name in ("b1", "b2", "s1", "s2")
    ]
    evaluator = EvaluatorInfo("a judge", "asr", 16_000, "e1", description=NASTY)
    judgements = {clip.sha256: _judgement(clip) for clip in clips}
    died = judgements | {clips[1].sha256: _judgement(clips[1], "the codec <died>")}
    apart = Estimate(2.0, -1.0, 3.0, "bootstrap")
    edits = {"words": 10, "substitutions": 1, "deletions": 0}
    said = {"transcript": "so it <goes>", "hypothesis": NASTY}
    words = Scored(
        (
            Score(asr.WER, Estimate(25.0, 5.0, 30.0, "bootstrap"), 20, "words", apart),
            Score(asr.WER_AGAINST_REFERENCE, Estimate(None, method="no clip has both"), 0, "words"),
        ),
        {name: edits | said | {"insertions": n} for n, name in enumerate(("b1", "s1", "s2"))},
        scored_by={"counter": "1.0"},
    )
    pairs = [Trial(a.id, b.id, a.speaker, b.speaker) for a in clips for b in clips if a.id < b.id]
    speakers = Scored(
        (Score(asv.EER, Estimate(4.0), 6, "trials", apart),),
        {clip.id: {"similarity": 0.5 + 0.1 * n} for n, clip in enumerate(clips)},
        tuple(0.1 * n for n in range(len(pairs))),
    )
    shares = {"predicted_of_reference": "rain", "probability": 0.9, "probability_of_label": 0.1}
    events = Scored(
        (Score(aec.ACCURACY, Estimate(50.0, 40.0, 60.0, "Wilson"), 4, "clips", apart),),
        {
            clip.id: {"label": "rain", "predicted": taken, "right": taken == "rain"} | shares
            for clip, taken in zip(clips, ("rain", "wind", "rain", "rain"), strict=True)
        },
    )
    small = TaskData("asr", "small", "d1", tuple(clips))
    trials = replace(small, task="asv", trials=tuple(pairs))
    tasks = [
        application.task_result(data, evaluator, of_paper, scored, found)
        for data, of_paper, scored, found in (
            (small, False, words, died),
            (trials, False, speakers, judgements),
            (replace(small, task="aec"), True, events, judgements),
        )
    ]
    tasks.insert(2, application.TaskResult("er", "it needs <RAVDESS>"))
    application.write(application.result_of(info, "small", "r", "s", 3000.0, tasks), folder)


@pytest.fixture
def results(tmp_path: Path, cells: pd.DataFrame, info: CodecInfo) -> Path:
    """Results of three codecs, one of them with a failed clip and weights that bite."""
    folder = tmp_path / "results"
    shutil.copytree(STORED / "paper", folder / "paper")
    failed = cells.copy()
    pesq = (failed["clip"] == "b1") & (failed["metric"] == "pesq")
    failed.loc[pesq, "value"] = np.nan
    failed["error"] = failed["error"].astype(object)
    failed.loc[pesq, "error"] = "ValueError: no <speech> found"
    for name, table in (("sqcodec-3k", failed), ("opus-6k", cells), ("reference", cells)):
        table = table.copy()
        if name == "reference":
            table.loc[table["metric"] == "sdr", "value"] = 250.0
        described = replace(info, name=name, weights=NASTY if name == "sqcodec-3k" else "")
        source = Source("signal", "small", "r1", name, "abc", "libsndfile 1", "")
        summary = summarise(described, table, SIGNAL)
        results_files.write(result_of(summary, table, source), folder)
        if name != "opus-6k":
            _judged(replace(described, revision="abc"), folder)
    (folder / "certificates").mkdir()
    (folder / "certificates" / "sqcodec-3k.json").write_text(
        json.dumps(
            {
                "schema": 1,
                "codec": "sqcodec-3k",
                "revision": "abc",
                "version": "1",
                "passed": False,
                "checks": [
                    {"name": "delay", "value": "9 samples, <declared> 0", "passed": False},
                    {"name": "known answer", "value": "none known", "passed": None},
                ],
            }
        )
    )
    (folder / "complexity").mkdir()
    counted = json.loads((SMALL / "complexity" / "sqcodec-3k.json").read_text())
    counted |= {"macs": 40e9, "measured": None}
    (folder / "complexity" / "sqcodec-3k.json").write_text(json.dumps(counted))
    _hear(folder / "heard" / "small")
    return folder


@pytest.fixture
def site(results: Path, tmp_path: Path) -> Path:
    """The folder of the site."""
    return write_site(tmp_path / "site", results).parent
