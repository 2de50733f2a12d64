"""Encode and decode long audio in a process of its own; print what it took, as JSON.

    python one_hour.py [minutes] [--given]

With --given, the decoder's statistics are those of the first minute instead of the clip's own,
so that one pass does.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

import sqcodec

SPEECH = Path(__file__).with_name("speech.flac")
# Short enough for the path of whole clips.
STRETCH_S = 30


def memory_bytes(field: str) -> int:
    """Return a figure of /proc/self/status: VmRSS is now, VmHWM the highest so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def long_speech(length: int, sample_rate: int) -> torch.Tensor:
    """Return a sentence over and over, louder and softer: [T]."""
    speech, rate = soundfile.read(SPEECH, dtype="float32")
    assert rate == sample_rate
    audio = np.resize(speech, length)
    # In pieces, so that nothing is counted that the codec did not take.
    for minute, piece in enumerate(np.split(audio, range(60 * rate, length, 60 * rate))):
        piece *= (0.25, 1.0, 0.5)[minute % 3]
    return torch.from_numpy(audio)


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    torch.set_num_threads(1)
    codec = sqcodec.load("sqcodec-3k", padding="hop")
    rate = codec.info.sample_rate
    codec.decode(codec.encode(torch.zeros(1000)))  # what the libraries keep for good
    loaded = memory_bytes("VmRSS")
    audio = long_speech(round(minutes * 60 * rate), rate)
    times = [time.process_time()]
    walls = [time.perf_counter()]

    def lap() -> None:
        times.append(time.process_time())
        walls.append(time.perf_counter())

    codes = codec.encode(audio)
    encoded = memory_bytes("VmHWM")
    lap()
    print(f"encoded, {(encoded - loaded) / 1e6:.0f} MB so far", file=sys.stderr, flush=True)
    statistics = None
    if "--given" in sys.argv:
        statistics = codec.statistics(codes[: round(60 * codec.info.frame_rate_hz)])
    decoded = codec.decode(codes, len(audio), statistics=statistics)
    peak = memory_bytes("VmHWM")
    lap()
    # The codes of the last frames hear the end of the stretch.
    whole = codec.encode(audio[: STRETCH_S * rate])
    whole = whole[: -(codec.latency.encoder // codec.info.hop_length + 2)]
    report = {
        "minutes": minutes,
        "shape": [len(codes), len(decoded)],
        "finite": bool(torch.isfinite(decoded).all()),
        "rms": float(decoded.square().mean().sqrt()),
        "codes_compared": len(whole),
        "codes_differing": int((whole != codes[: len(whole)]).sum()),
        "loaded_bytes": loaded,
        "encode_peak_bytes": encoded - loaded,
        "peak_bytes": peak - loaded,
        "encode_cpu_s": times[1] - times[0],
        "decode_cpu_s": times[2] - times[1],
        "encode_wall_s": walls[1] - walls[0],
        "decode_wall_s": walls[2] - walls[1],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
