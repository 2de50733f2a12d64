"""bench.downstream.asr: a corpus's rate, against the transcript and against the reference."""

from pathlib import Path

import jiwer
import pytest

from bench.datasets.manifest import Clip
from bench.downstream.asr import compared, score
from bench.downstream.score import TaskData

SAID = {
    "a": "The cat sat on the mat.",
    "b": "It isn't his favourite colour!",
    "c": "Twenty-five dogs bark.",
    "d": "Good night.",
}


def data() -> TaskData:
    clips = tuple(
        Clip("set", name, "speech", Path(name), name * 64, f"s-{name in 'ab'}", "en", text)
        for name, text in SAID.items()
    )
    clips = tuple(Clip(**{**vars(clip), "group": clip.speaker}) for clip in clips)
    return TaskData("asr", "set", "0", clips)


def heard(**texts: str) -> dict[str, dict[str, str]]:
    return {name: {"transcript": texts.get(name, text)} for name, text in SAID.items()}


def test_the_rate_of_a_corpus_is_jiwers() -> None:
    decoded = heard(a="the hat sat on a mat", c="25 dogs")
    main, beside = score(data(), heard(b="it is his favorite color"), decoded).scores
    said = ["the cat sat on the mat", "it is not his favorite color", "25 dogs bark", "good night"]
    got = ["the hat sat on a mat", "it is not his favorite color", "25 dogs", "good night"]
    assert main.estimate.value == pytest.approx(100 * jiwer.wer(said, got))
    assert main.n == 6 + 6 + 3 + 2
    # The reference's recogniser dropped a word of b: 3 errors less 1, over 17 words.
    assert main.difference is not None
    assert main.difference.value == pytest.approx(100 * 2 / 17)
    # Against what is heard in the reference the codec has an insertion, too.
    assert beside.kind.beside
    assert beside.estimate.value == pytest.approx(100 * 4 / 16)
    assert main.estimate.method == "bootstrap over 2 speakers or recordings"


def test_the_reference_less_itself_is_nothing() -> None:
    main, beside = score(data(), heard(), heard()).scores
    assert (main.estimate.value, beside.estimate.value) == (0, 0)
    assert main.difference is not None
    assert (main.difference.value, main.difference.low, main.difference.high) == (0, 0, 0)


def test_clips_that_failed_are_left_out() -> None:
    decoded = heard(a="nothing of it")
    del decoded["b"]
    found = score(data(), heard(), decoded)
    assert found.scores[0].n == 6 + 3 + 2
    assert set(found.clips) == {"a", "c", "d"}
    assert found.clips["a"]["hypothesis"] == "nothing of it"
    assert {"rapidfuzz", "transformers", "whisper_normalizer"} == set(found.scored_by)


def test_nothing_was_heard_of_any_clip() -> None:
    main, beside = score(data(), heard(), {}).scores
    assert main.estimate.value is None
    assert main.estimate.method
    assert beside.estimate.value is None


def test_edits_of_texts_as_people_write_them() -> None:
    assert compared("Colour, please!", "color please").errors == 0
