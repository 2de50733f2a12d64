"""Cells of a small run, as `bench.views.gather` returns them."""

import pandas as pd
import pytest

from bench.codec import CodecInfo

METRICS = {"speech": ("sdr", "mel", "stoi", "pesq"), "music": ("sdr", "mel")}


@pytest.fixture
def info() -> CodecInfo:
    return CodecInfo(
        name="sqcodec-3k",
        sample_rate=16_000,
        bitrate_bps=2994.5,
        n_codebooks=1,
        codebook_size=117_649,
        frame_rate_hz=177.8,
        revision="abc",
        weights="trained on 3 hours",
    )


@pytest.fixture
def cells() -> pd.DataFrame:
    """Two data sets of speech (three and one clips), one of music; 1 s and 3,000 bits a clip."""
    clips = [
        ("books", "ann", "speech", "b1", 1.0),
        ("books", "ann", "speech", "b2", 2.0),
        ("books", "bob", "speech", "b3", 6.0),
        ("prompts", "cy", "speech", "p1", 5.0),
        ("songs", "dee", "music", "s1", -2.0),
        ("songs", None, "music", "s2", -4.0),
    ]
    rows = []
    for dataset, group, kind, clip, value in clips:
        measures = {
            "bits": (3000.0, "bit"),
            "duration": (1.0, "s"),
            "sample_rate": (16e3, "Hz"),
            "clipped_samples": (2.0 if clip == "b2" else 0.0, ""),
        }
        scores = {
            name: (value if name == "sdr" else 0.5, "dB" if name == "sdr" else "")
            for name in METRICS[kind]
        }
        for metric, (number, unit) in (measures | scores).items():
            rows.append(
                {
                    "dataset": dataset,
                    "group": group,
                    "kind": kind,
                    "clip": clip,
                    "clip_sha256": f"sha of {clip}",
                    "metric": metric,
                    "metric_version": f"{metric}/1",
                    "value": number,
                    "unit": unit,
                    "error": None,
                    "libraries": '{"numpy": "2.0", "soxr": "1.0"}',
                    "measured_at": f"2026-01-0{1 + len(rows) % 9}T00:00:00+00:00",
                }
            )
    return pd.DataFrame(rows)
