"""SQCodec: a lightweight neural audio codec with one FSQ quantizer.

    codec = sqcodec.load("sqcodec-3k")
    codes = codec.encode(audio)                    # [B, T] at codec.info.sample_rate -> [B, F]
    audio = codec.decode(codes, audio.shape[-1])   # -> [B, T]

Modules, along the signal's path: `presets` (configurations), `layers`, `tconv`,
`local_transformer`, `quantizer`, `model` (the network), `fast` (the network rewritten for
inference), `compiler` (of `torch.compile`), `weights` and `import_authors` (checkpoints),
`inference` (the codec), `chunks`, `transformer_state` and `moments` (the network fed piece by
piece), `streaming` and `long_audio` (what that is for), `recording`, `bitstream`,
`bitstream_reader`, `packing` and `entropy` (the .sqc file), `training`, `cli`.

Source: Zhai et al., "One Quantizer is Enough: Toward a Lightweight Audio Codec" (2025).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqcodec.import_authors import CheckpointError
    from sqcodec.inference import SQCodec, SQCodecInfo, load, preset_info
    from sqcodec.weights import WeightsNotFoundError, known_names

__all__ = [
    "CheckpointError",
    "SQCodec",
    "SQCodecInfo",
    "WeightsNotFoundError",
    "known_names",
    "load",
    "preset_info",
]

_HOMES = {
    "CheckpointError": "sqcodec.import_authors",
    "SQCodec": "sqcodec.inference",
    "SQCodecInfo": "sqcodec.inference",
    "load": "sqcodec.inference",
    "preset_info": "sqcodec.inference",
    "WeightsNotFoundError": "sqcodec.weights",
    "known_names": "sqcodec.weights",
}

if not TYPE_CHECKING:  # where types are checked, only what is exported is there

    def __getattr__(name: str) -> object:
        """What the package exports, when it is first asked for: torch takes seconds to import.

        It also leaves `sqcodec.__main__` the time to say how its threads shall wait.
        """
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
