"""Speech recognition: what a codec leaves of words.

The score is the word error rate against what was said. Beside it, under its own name, stands
the one against what the recogniser makes of the untouched clip: its own errors are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.datasets.manifest import Clip
from bench.downstream.resampling import ratio, ratio_difference
from bench.downstream.score import ByClip, Score, Scored, ScoreKind, TaskData
from bench.downstream.wer import Edits, edits, normaliser, scored_by

WER = ScoreKind("wer_asr_pct", "WER", "%", higher_is_better=False)
WER_AGAINST_REFERENCE = ScoreKind(
    "wer_against_reference_pct",
    "WER against the reference's transcript",
    "%",
    higher_is_better=False,
    beside=True,
)
KINDS = (WER, WER_AGAINST_REFERENCE)


def score(data: TaskData, reference: ByClip, estimate: ByClip) -> Scored:
    """Word error rates from transcripts (evidence `transcript`)."""
    normalise = normaliser()
    said = {clip.id: normalise(clip.transcript) for clip in data.clips}
    heard = {name: normalise(found["transcript"]) for name, found in estimate.items()}
    of_reference = {name: normalise(found["transcript"]) for name, found in reference.items()}

    judged = [clip for clip in data.clips if clip.id in heard]
    both = [clip for clip in judged if clip.id in of_reference]
    against_said = {clip.id: edits(said[clip.id], heard[clip.id]) for clip in judged}
    references = {clip.id: edits(said[clip.id], of_reference[clip.id]) for clip in both}
    against_heard = {clip.id: edits(of_reference[clip.id], heard[clip.id]) for clip in both}

    main = Score(
        WER,
        ratio(*_sums(judged, against_said), _groups(judged)),
        sum(found.words for found in against_said.values()),
        "words",
        ratio_difference(*_sums(both, against_said), *_sums(both, references), _groups(both)),
    )
    beside = Score(
        WER_AGAINST_REFERENCE,
        ratio(*_sums(both, against_heard), _groups(both)),
        sum(found.words for found in against_heard.values()),
        "words",
    )
    clips = {clip.id: _of_clip(clip.id, said, heard, against_said[clip.id]) for clip in judged}
    return Scored((main, beside), clips, scored_by=scored_by())


def compared(transcript: str, hypothesis: str) -> Edits:
    """The edits between two texts as people write them."""
    normalise: Callable[[str], str] = normaliser()
    return edits(normalise(transcript), normalise(hypothesis))


def _sums(clips: Sequence[Clip], found: Mapping[str, Edits]) -> tuple[list[int], list[int]]:
    """Errors and words of each clip."""
    return [found[clip.id].errors for clip in clips], [found[clip.id].words for clip in clips]


def _groups(clips: Sequence[Clip]) -> list[str]:
    return [clip.group or clip.id for clip in clips]


def _of_clip(
    name: str, said: Mapping[str, str], heard: Mapping[str, str], found: Edits
) -> dict[str, str | int]:
    return {
        "transcript": said[name],
        "hypothesis": heard[name],
        "words": found.words,
        "substitutions": found.substitutions,
        "deletions": found.deletions,
        "insertions": found.insertions,
    }
