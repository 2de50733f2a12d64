"""The signal suite says what the protocol says: its scores, its metrics, its order."""

from pathlib import Path

import pandas as pd
import pytest

from bench.metrics import METRICS
from bench.suites import SIGNAL, SUITES

PAPER = Path(__file__).parents[2] / "results" / "paper" / "table1-signal.csv"


def test_scores_are_the_columns_of_the_papers_table() -> None:
    names = [score.name for score in SIGNAL.scores]
    assert names == list(pd.read_csv(PAPER).columns[-6:])


def test_every_suite_is_listed_by_its_name_and_uses_known_metrics() -> None:
    for name, suite in SUITES.items():
        assert suite.name == name
        assert {score.metric for score in suite.scores} <= set(METRICS)


def test_stoi_and_pesq_are_for_speech_only() -> None:
    assert SIGNAL.metrics_for("speech") == ("sdr", "mel", "stoi", "pesq")
    assert SIGNAL.metrics_for("music") == ("sdr", "mel")
    assert SIGNAL.metrics_for("effects") == ("sdr", "mel")


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="clips of kind effects, music, speech, got 'whale'"):
        SIGNAL.metrics_for("whale")


def test_a_score_selects_its_metric_and_kinds() -> None:
    cells = pd.DataFrame(
        [(kind, metric) for kind in ("speech", "music", "effects") for metric in ("sdr", "mel")],
        columns=["kind", "metric"],
    )
    selected = {score.name: score.select(cells).to_numpy().tolist() for score in SIGNAL.scores}
    assert selected == {
        "sdr_db": [["speech", "sdr"]],
        "mel": [["speech", "mel"]],
        "stoi": [],
        "pesq": [],
        "audio_sdr_db": [["music", "sdr"], ["effects", "sdr"]],
        "audio_mel": [["music", "mel"], ["effects", "mel"]],
    }
