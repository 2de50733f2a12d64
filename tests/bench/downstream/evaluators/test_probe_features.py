"""The probe's description of a clip: what it hears, what it does not, and its edges."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.downstream.contract import EvaluatorUnavailableError
from bench.downstream.evaluators import probe
from bench.downstream.evaluators.probe import N_FEATURES, SAMPLE_RATE, features

SAME = 1e-6
TONE_HZ = 1_000


def _tone(hz: float = TONE_HZ, duration_s: float = 1.0) -> np.ndarray:
    time = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def _noise(duration_s: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.1, round(duration_s * SAMPLE_RATE)).astype(np.float32)


def test_crossings_of_a_tone_are_twice_its_frequency() -> None:
    # Frames at the ends are padded by repetition and have a little less.
    assert features(_tone())[0] == pytest.approx(2 * TONE_HZ / SAMPLE_RATE, rel=0.02)


def test_a_steady_sound_varies_less_than_a_broken_one() -> None:
    broken = _noise() * (np.arange(SAMPLE_RATE) // 1_600 % 2)
    deviation_of_crossings = N_FEATURES // 2
    steady = features(_noise())[deviation_of_crossings]
    assert features(broken)[deviation_of_crossings] > 3 * steady


def test_a_quieter_clip_is_the_same() -> None:
    np.testing.assert_allclose(features(_noise()), features(0.25 * _noise()), atol=1e-4)


def test_cepstrum_is_librosas_own() -> None:
    import librosa

    clip = _noise()
    expected = librosa.feature.mfcc(
        y=clip, sr=16_000, n_mfcc=13, n_fft=512, win_length=400, hop_length=160, window="hamming",
        n_mels=26,
    )[1:]  # fmt: skip
    found = features(clip)
    np.testing.assert_allclose(found[1:13], expected.mean(axis=1), atol=SAME)
    np.testing.assert_allclose(found[14:], expected.std(axis=1), atol=SAME)


@pytest.mark.parametrize("n_samples", [1, 100, 513])
def test_short_and_silent_clips_have_features(n_samples: int) -> None:
    for clip in (np.zeros(n_samples, np.float32), _noise()[:n_samples]):
        found = features(clip)
        assert found.shape == (N_FEATURES,)
        assert np.isfinite(found).all()


def test_a_clip_without_usable_samples() -> None:
    with pytest.raises(ValueError, match="samples of one clip"):
        features(np.zeros(0, np.float32))
    with pytest.raises(ValueError, match="NaN or infinite"):
        features(np.array([0.0, np.nan], np.float32))


def test_evidence_is_json_and_does_not_depend_on_the_batch() -> None:
    evaluator = probe.load_aec()
    both = evaluator.judge([_tone(), _noise()])
    assert json.loads(json.dumps(both)) == [
        *evaluator.judge([_tone()]),
        *evaluator.judge([_noise()]),
    ]
    assert len(both[0]["features"]) == N_FEATURES


def test_info() -> None:
    er, aec = probe.load_er().info, probe.load_aec().info
    assert (er.task, aec.task) == ("er", "aec")
    assert er.name == aec.name == "probe"
    assert er.revision == aec.revision
    assert er.sample_rate == SAMPLE_RATE


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe.missing() == ""
    monkeypatch.setattr(probe, "find_spec", lambda name: None)
    with pytest.raises(EvaluatorUnavailableError, match=r"scikit-learn.*\.\[offline\]"):
        probe.load_er()
