"""How fast a codec's networks run here, and what memory they need: in a process of its own.

A clip of noise is encoded and decoded with random weights, once unmeasured and then several times;
the real-time factor is its duration over the median time. Peak memory is what the whole process
held at most while doing so (`bench.memory`): interpreter, libraries, weights and features.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from bench.memory import peak_bytes, reset_peak


@dataclass(frozen=True)
class Speed:
    """Real-time factors (above 1 is faster than real time) and memory.

    Attributes:
        encode: duration / median time of encoding.
        decode: the same of decoding.
        n_turns: how many times each was timed.
        n_threads: torch's.
        peak_memory_bytes: of the process; None where the system does not tell.
    """

    encode: float
    decode: float
    n_turns: int
    n_threads: int
    peak_memory_bytes: int | None


def measure_in_process(name: str, duration_s: float, n_turns: int, n_threads: int) -> Speed:
    """Do `measure` in a new process, whose memory and threads are its own.

    Raises:
        RuntimeError: the process was killed, most likely for want of memory.
    """
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, context) as pool:
            return pool.submit(measure, name, duration_s, n_turns, n_threads).result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"the process that timed {name} was killed: too little memory?"
        ) from error


def measure(
    name: str,
    duration_s: float,
    n_turns: int,
    n_threads: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Speed:
    """Time a codec's networks on noise.

    Args:
        name: of the codec.
        duration_s: of the clip.
        n_turns: how many times each direction is timed.
        n_threads: torch is to use.
        clock: seconds.
    """
    import torch

    from bench import registry

    torch.set_num_threads(n_threads)
    architecture = registry.architecture(name)
    n_samples = round(duration_s * architecture.sample_rate)
    padded = -(-n_samples // architecture.pad_to) * architecture.pad_to
    audio = 0.1 * torch.randn(1, padded, generator=torch.Generator().manual_seed(0))
    encoding_s, decoding_s = [], []
    reset_peak()  # forgets what building the network took
    with torch.inference_mode():
        for _ in range(n_turns + 1):
            start = clock()
            codes = architecture.quantize(architecture.encode(audio))
            middle = clock()
            architecture.decode(architecture.dequantize(codes))
            encoding_s.append(middle - start)
            decoding_s.append(clock() - middle)
    return Speed(
        encode=duration_s / statistics.median(encoding_s[1:]),  # the first warms up
        decode=duration_s / statistics.median(decoding_s[1:]),
        n_turns=n_turns,
        n_threads=torch.get_num_threads(),
        peak_memory_bytes=peak_bytes(),
    )
