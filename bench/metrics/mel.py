"""MEL: the multi-scale mel distance of the Descript Audio Codec, as the protocol computes it.

For windows of 2048 and 512 samples (hop a quarter of it; 150 and 80 mel bands from 0 Hz to
Nyquist), with M the mel-weighted magnitude spectra of reference and estimate:

    sum over scales of  mean |log10(max(M_r, 1e-5)^2) - log10(max(M_e, 1e-5)^2)|
                      + mean |M_r - M_e|

Conventions of descript-audiotools 0.7.2 (`MelSpectrogramLoss` and the protocol's own loop):
periodic Hann window, frames centred with reflected edges, magnitudes not normalised by the
window, Slaney's mel scale and area-normalised triangles (`librosa.filters.mel`). The clamp
acts on the mel bands, in the log term only. audiotools works in single precision, this in
double. The score depends on the sample rate: it is taken at the reference's own, and means
over clips of different rates are the protocol's, not a comparison of rates.

Source: R. Kumar et al., "High-Fidelity Audio Compression with Improved RVQGAN", NeurIPS 2023.
"""

from __future__ import annotations

import functools
import warnings

import librosa.filters
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.signal import get_window

from bench.metrics.validation import checked_pair

SCALES = ((2048, 150), (512, 80))  # (window in samples, mel bands)
FLOOR = 1e-5
MIN_SAMPLES = SCALES[0][0] // 2 + 1  # the edges are reflected, half a window on each side


def mel_distance(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> float:
    """Mel distance of `estimate` [T] and `reference` [T]: 0 for equal ones, lower is better.

    Silence has a mel spectrogram like any other clip and is scored.

    Raises:
        ValueError: the signals are not a valid pair (`validation.checked_pair`), or shorter
            than `MIN_SAMPLES`.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate)
    if len(reference) < MIN_SAMPLES:
        raise ValueError(
            f"too short for MEL: expected at least {MIN_SAMPLES} samples, got {len(reference)}"
        )
    distance = 0.0
    for window_length, n_mels in SCALES:
        mel_reference = _mel_spectrogram(reference, sample_rate, window_length, n_mels)
        mel_estimate = _mel_spectrogram(estimate, sample_rate, window_length, n_mels)
        log_ratio = np.log10(np.maximum(mel_reference, FLOOR) / np.maximum(mel_estimate, FLOOR))
        distance += 2.0 * np.abs(log_ratio).mean()  # log10(a^2) - log10(b^2) = 2 log10(a / b)
        distance += np.abs(mel_reference - mel_estimate).mean()
    return float(distance)


def _mel_spectrogram(
    audio: NDArray[np.float64], sample_rate: int, window_length: int, n_mels: int
) -> NDArray[np.float64]:
    """Mel-weighted magnitudes [F, n_mels] of audio [T], F = 1 + T // (window_length // 4)."""
    padded = np.pad(audio, window_length // 2, mode="reflect")
    frames = sliding_window_view(padded, window_length)[:: window_length // 4]  # [F, W]
    window = get_window("hann", window_length)  # periodic
    magnitudes = np.abs(np.fft.rfft(frames * window))  # [F, W / 2 + 1]
    return magnitudes @ _mel_filters(sample_rate, window_length, n_mels).T


@functools.cache
def _mel_filters(sample_rate: int, window_length: int, n_mels: int) -> NDArray[np.float32]:
    """Slaney's mel filters [n_mels, W / 2 + 1]."""
    with warnings.catch_warnings():
        # From about 50 kHz on the lowest bands are narrower than a bin of the short window.
        # They stay empty in both signals, there as here.
        warnings.filterwarnings("ignore", "Empty filters detected", UserWarning)
        return librosa.filters.mel(sr=sample_rate, n_fft=window_length, n_mels=n_mels)
