"""The demonstration corpus, ``mini-demo``: synthetic sounds, made in memory in a second.

Voices are pulses through two moving resonances, music is decaying chords, effects are bursts
of filtered noise. It shows that training works; weights trained on it are of no other use.
(The mini set of the benchmark is held out, and nothing is trained on it.)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import signal

from sqcodec.training.corpus import CLIP_COLUMNS, PackedCorpus

# What a demonstration shows unless told otherwise: every loss, a second a step.
SETTINGS = {
    "batch_size": 1,
    "crop_s": 1.0,
    "perceptual_weight": 1.0,
    "adversarial_weight": 1.0,
    "validation_batches": 1,
}
_DURATION_S = 3.0
_CLIPS_PER_KIND = 4
_PEAK = 0.5

Audio = NDArray[np.float64]


def demo_corpus(sample_rate: int) -> PackedCorpus:
    """Return the corpus at `sample_rate` Hz; the last clip of each kind is for validation."""
    rng = np.random.default_rng(0)
    makers = {"speech": _voice, "music": _chords, "effects": _bursts}
    rows, parts, position = [], [], 0
    for kind, make in makers.items():
        for i in range(_CLIPS_PER_KIND):
            audio = make(rng, sample_rate)
            audio *= _PEAK * 32767 / np.abs(audio).max()
            parts.append(audio.astype("<i2"))
            group = f"{kind}-{i}"
            speaker = group if kind == "speech" else ""
            split = "val" if i == _CLIPS_PER_KIND - 1 else "train"
            origin = (kind, "mini-demo", group, speaker, "", "CC0-1.0", split)
            rows.append((group, *origin, position, len(audio)))
            position += len(audio)
    hours = round(_CLIPS_PER_KIND * _DURATION_S / 3600, 4)
    summary = {
        "sample_rate": sample_rate,
        "origin": "synthetic sounds, as a demonstration of training and for no other use",
        "totals": {kind: {"hours": hours} for kind in makers},
    }
    clips = pd.DataFrame(rows, columns=list(CLIP_COLUMNS))
    return PackedCorpus(np.concatenate(parts), clips, summary)


def _voice(rng: np.random.Generator, sample_rate: int) -> Audio:
    """Pulses of a gliding pitch through two resonances that change twice a second, [T]."""
    n_samples = round(_DURATION_S * sample_rate)
    time = np.arange(n_samples) / sample_rate
    pitch_hz = rng.uniform(90, 220) * 2 ** (0.2 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * time))
    turns = np.cumsum(pitch_hz) / sample_rate
    pulses = np.diff(np.floor(turns), prepend=0.0) + 0.01 * rng.standard_normal(n_samples)
    syllables = []
    for part in np.array_split(pulses, round(2 * _DURATION_S)):
        for low_hz, high_hz in ((250, 800), (900, 2500)):
            b, a = signal.iirpeak(rng.uniform(low_hz, high_hz), Q=4, fs=sample_rate)
            part = signal.lfilter(b, a, part) + 0.1 * part
        syllables.append(part * np.hanning(len(part)))
    return np.concatenate(syllables)


def _chords(rng: np.random.Generator, sample_rate: int) -> Audio:
    """Three decaying harmonic notes at a time, four chords, [T]."""
    chords = []
    for part in np.array_split(np.arange(round(_DURATION_S * sample_rate)), 4):
        time = (part - part[0]) / sample_rate
        chord = np.zeros(len(part))
        for semitones in rng.choice(24, 3, replace=False):
            pitch_hz = 110 * 2 ** (semitones / 12)
            for harmonic in range(1, 7):
                phase = 2 * np.pi * harmonic * pitch_hz * time
                chord += np.sin(phase) * np.exp(-2 * harmonic * time) / harmonic
        chords.append(chord)
    return np.concatenate(chords)


def _bursts(rng: np.random.Generator, sample_rate: int) -> Audio:
    """Noise of a random band, swelling and fading six times, [T]."""
    bursts = []
    for part in np.array_split(rng.standard_normal(round(_DURATION_S * sample_rate)), 6):
        low_hz = rng.uniform(100, 3000)
        band = signal.butter(2, (low_hz, 2 * low_hz), "bandpass", fs=sample_rate, output="sos")
        bursts.append(signal.sosfilt(band, part) * np.hanning(len(part)))
    return np.concatenate(bursts)
