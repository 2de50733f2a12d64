"""bench.evidence_rows: what was said comes back as it was said."""

from bench.cells import Hearing, Judgement
from bench.evidence_rows import COLUMNS, HEARING_COLUMNS, judgement_of, row_of

HEARING = Hearing("gain", "c1", "whisper", "e1", "libsndfile 1", "soxr 1")


def judgement(evidence: dict[str, object] | None, error: str | None) -> Judgement:
    return Judgement("0" * 64, "a", evidence, error, 100.0, 0.5, 0.1, "host", "2026")


def test_there_and_back() -> None:
    for one in (
        judgement({"transcript": "für Elise", "embedding": [0.1, -1e-7]}, None),
        judgement(None, "too short"),
    ):
        row = row_of(HEARING, one)
        assert len(row) == len(COLUMNS)
        assert Hearing(*row[: len(HEARING_COLUMNS)]) == HEARING
        assert judgement_of(row[len(HEARING_COLUMNS) :]) == one


def test_evidence_is_packed() -> None:
    said = {"embedding": [0.25] * 1_000}
    packed = row_of(HEARING, judgement(said, None))[COLUMNS.index("evidence")]
    assert isinstance(packed, bytes)
    assert len(packed) < 500
