"""bench.report.heard: what evaluators say of a clip, with the score that it makes."""

from io import StringIO

from rich.console import Console

from bench.cells import Hearing, Judgement
from bench.downstream.asr import compared
from bench.report.heard import Compare, heard_report


def said(codec: str, evaluator: str, evidence: dict | None, error: str | None = None):
    hearing = Hearing(codec, "c" * 16, evaluator, "e1", "reader", "soxr")
    judged = Judgement("0" * 64, "a", evidence, error, 1.0, 1.0, 0.1, "host", "2026-11-21T10:00")
    return hearing, judged


def shown(*rows, transcript: str = "", compare: Compare | None = compared) -> str:
    text = StringIO()
    Console(file=text, width=160).print(heard_report(rows, transcript, compare, ["  one trial"]))
    return text.getvalue()


def test_transcripts_and_their_edits() -> None:
    rows = (
        said("reference", "whisper", {"transcript": "The cat sat."}),
        said("opus-6k", "whisper", {"transcript": "A cat sat down."}),
        said("amrnb", "whisper", None, "the codec died"),
    )
    text = shown(*rows, transcript="the cat sat")
    assert "0 errors in 3 words" in text
    assert "2 errors in 3 words (substituted 1, deleted 0, inserted 1)" in text
    assert "the codec died" in text
    assert "one trial" in text
    assert "errors in" not in shown(*rows)
    assert "errors in" not in shown(*rows, transcript="the cat sat", compare=None)


def test_voices_and_classes() -> None:
    voice = {"embedding": [1.0, 0.0], "crops": [[1.0, 0.0]] * 5}
    other = {"embedding": [0.6, 0.8], "crops": [[0.6, 0.8]] * 5}
    text = shown(
        said("reference", "ge2e", voice),
        said("opus-6k", "ge2e", other),
        said("opus-6k", "clap", {"probabilities": {"dog": 0.1, "cat": 0.7, "cow": 0.2}}),
        said("opus-6k", "probe", {"features": [1.0] * 26}),
    )
    assert "similarity to the reference 1.0000" in text
    assert "similarity to the reference 0.6000" in text
    assert "cat 0.700, cow 0.200, dog 0.100" in text
    assert "26 features" in text
