"""The probe's ear: a fixed description of a clip, 26 numbers, that nothing was trained for.

Zero-crossing rate and mel-frequency cepstral coefficients 1 to 12, frame by frame, each summed
up by its mean and its standard deviation over the clip. Chosen beforehand, for reasons, and not
by trying: these are the features of the baselines in ESC-50's paper, and they are among those
that the INTERSPEECH 2009 Emotion Challenge took of speech, so that one description serves events
and emotions. Coefficient 0, the level, is left out there too: a codec that is merely quieter
takes no event away. At 16 kHz and in speech's usual frames of 25 ms every 10 ms: neither of the
paper's own listeners hears more (emotion2vec takes 16 kHz, CLAP 50 to 8,000 Hz), and some codecs
carry no more.

The classifier on top of it is `bench.downstream.probe`; this module fits nothing.

Sources: K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia,
2015; B. Schuller, S. Steidl, A. Batliner, "The INTERSPEECH 2009 Emotion Challenge", 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.weights import revision

NAME = "probe"
SAMPLE_RATE = 16_000

_WINDOW = 400  # 25 ms
_HOP = 160  # 10 ms
_N_FFT = 512
_N_MELS = 26
_N_COEFFICIENTS = 12
_TOP_DB = 80.0  # what lies further below the loudest band counts as silence

N_FEATURES = 2 * (1 + _N_COEFFICIENTS)

_EXTRA = "pip install -c constraints.txt -e '.[offline]'"


def missing() -> str:
    """What the probe lacks here and how to get it, in a line; "" if nothing."""
    if find_spec("sklearn") is None:
        return f"the package scikit-learn, which has the probe's classifier: {_EXTRA}"
    return ""


def features(clip: NDArray[np.float32]) -> NDArray[np.float64]:
    """Describe a clip [T] at 16 kHz: means of zero-crossing rate and coefficients, then SDs. [26]

    Raises:
        ValueError: it has no samples, or some that are not finite.
    """
    import librosa

    if clip.ndim != 1 or len(clip) == 0:
        raise ValueError(f"expected the samples of one clip, got shape {clip.shape}")
    if not np.isfinite(clip).all():
        raise ValueError("the clip has samples that are NaN or infinite")
    padded = np.pad(clip, (0, max(0, _N_FFT - len(clip))))
    mel = librosa.feature.melspectrogram(
        y=padded,
        sr=SAMPLE_RATE,
        n_fft=_N_FFT,
        win_length=_WINDOW,
        hop_length=_HOP,
        window="hamming",
        n_mels=_N_MELS,
    )  # [26, F], power
    decibels = librosa.power_to_db(mel, top_db=_TOP_DB)
    cepstrum = librosa.feature.mfcc(S=decibels, n_mfcc=1 + _N_COEFFICIENTS)[1:]  # [12, F]
    crossings = librosa.feature.zero_crossing_rate(padded, frame_length=_WINDOW, hop_length=_HOP)
    means = [crossings.mean(), *cepstrum.mean(axis=1)]
    deviations = [crossings.std(), *cepstrum.std(axis=1)]
    return np.array([*means, *deviations], dtype=np.float64)


class Probe:
    """The probe as an evaluator of one task, er or aec."""

    def __init__(self, task: str) -> None:
        settings = (_WINDOW, _HOP, _N_FFT, _N_MELS, _N_COEFFICIENTS, _TOP_DB)
        libraries = [f"{name} {version(name)}" for name in ("librosa", "numpy", "scipy")]
        self.info = EvaluatorInfo(
            name=NAME,
            task=task,
            sample_rate=SAMPLE_RATE,
            revision=revision(NAME, SAMPLE_RATE, settings, libraries),
            description="MFCCs and zero crossings, means and SDs; fitted on the reference audio",
            citation="K. J. Piczak, ESC: Dataset for Environmental Sound Classification, 2015",
        )

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """`features`, 26 numbers, of each clip at 16 kHz.

        Raises:
            ValueError: a clip has no samples, or some that are not finite.
        """
        return [{"features": [float(value) for value in features(clip)]} for clip in clips]


def load_er(device: str = "cpu") -> Probe:
    """The probe of emotions; it computes on the CPU whatever `device` is.

    Raises:
        EvaluatorUnavailableError: scikit-learn is missing; one line says how to get it.
    """
    return _load("er")


def load_aec(device: str = "cpu") -> Probe:
    """The probe of events; it computes on the CPU whatever `device` is.

    Raises:
        EvaluatorUnavailableError: scikit-learn is missing; one line says how to get it.
    """
    return _load("aec")


def _load(task: str) -> Probe:
    if lacking := missing():
        raise EvaluatorUnavailableError(lacking)
    return Probe(task)
