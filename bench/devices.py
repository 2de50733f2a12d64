"""Where codecs compute: on the CPU, or on a GPU of this machine."""

from __future__ import annotations

DEVICES = ("auto", "cpu", "cuda")


def resolve(device: str) -> str:
    """Return "cpu" or "cuda" for one of `DEVICES`; "auto" takes the GPU where there is one.

    Raises:
        ValueError: no such device, or none that is usable here.
    """
    if device not in DEVICES:
        raise ValueError(f"expected a device of {', '.join(DEVICES)}, got {device!r}")
    if device == "cpu":
        return device
    import torch  # takes seconds, and most codecs have no choice of device

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise ValueError(
            "no CUDA device is usable here (torch finds none): choose --device cpu, or install "
            "a torch built for CUDA and the GPU's driver"
        )
    return "cpu"


def prepare(device: str) -> str:
    """`resolve`, and have a GPU compute float32 in float32, in this process.

    By default torch lets its convolutions round their input to TF32's 10 bits, and a score would
    depend on the GPU's generation.

    Raises:
        ValueError: as `resolve`.
    """
    resolved = resolve(device)
    if resolved == "cuda":
        import torch

        torch.backends.cudnn.allow_tf32 = False
    return resolved
