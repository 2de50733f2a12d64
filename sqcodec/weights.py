"""Named weights: in a local folder, bundled with the package, or on the hub.

Weights are one safetensors file whose metadata says what they are (`WeightsCard`). Nothing
that is read can execute code.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import platformdirs
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sqcodec.import_authors import AUTHORS_FILES, CheckpointError, read_authors_folder
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import ABLATIONS, PRESETS, get_config

FORMAT = "sqcodec-weights/1"
FOLDER_VARIABLE = "SQCODEC_WEIGHTS"
HUB_REPOSITORY = "zhai-lw/SQCodec"

# The folders of the hub repository, by preset.
_HUB_NAMES = {
    "sqcodec-0.75k": "0k75bps",
    "sqcodec-1.5k": "1k5bps",
    "sqcodec-3k": "3kbps",
    "sqcodec-6k": "6kbps",
    "sqcodec-12k": "12kbps",
    "sqcodec-12k-24khz": "12kbps_24khz",
    "sqcodec-24k-24khz": "24kbps_24khz",
}


class WeightsNotFoundError(FileNotFoundError):
    """No weights for a preset; the message says where was looked and how to get them."""


@dataclass(frozen=True)
class WeightsCard:
    """What a weights file says of itself.

    Attributes:
        preset: the configuration it belongs to.
        description: where the weights come from, in a line.
        padding: the padding they were trained with: "hop" here, "window" for the authors'.
        licence: SPDX expression.
        training: settings and cost of the training, JSON; "" where unknown.
    """

    preset: str
    description: str
    padding: str = "hop"
    licence: str = "MIT"
    training: str = ""


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file whole or not at all: `write` gets a temporary path, renamed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # Who may read it is the umask's to say; safetensors would shut out all but the owner.
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def save_weights(
    path: Path,
    network: SQCodecNetwork,
    card: WeightsCard,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write the weights, atomically; half precision (torch.float16) is for bundling."""
    tensors = {
        key: value.detach().to("cpu", dtype).contiguous()
        for key, value in network.state_dict().items()
    }
    metadata = {"format": FORMAT, **asdict(card)}
    replace_file(path, lambda temporary: save_file(tensors, temporary, metadata=metadata))


def load_weights(path: Path) -> tuple[SQCodecNetwork, WeightsCard]:
    """Read a weights file and return its network, in float32, and its card.

    Raises:
        CheckpointError: the file is unreadable, not ours, or does not fit its own preset.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys()  # the file is no mapping: it cannot be iterated itself
            state = {name: file.get_tensor(name).float() for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read as safetensors: {error}") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not an SQCodec weights file: expected format {FORMAT!r}, "
            f"got {metadata.get('format')!r}"
        )
    card = WeightsCard(**{key: metadata.get(key, "") for key in WeightsCard.__dataclass_fields__})
    try:
        network = SQCodecNetwork(get_config(card.preset))
        network.load_state_dict(state)
    except (ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:200]  # torch lists every parameter, a line each
        raise CheckpointError(f"{path} does not fit preset {card.preset!r}: {why}") from error
    if not all(torch.isfinite(value).all() for value in state.values()):
        raise CheckpointError(f"{path} holds values that are not finite")
    return network, card


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_folder() -> Path:
    """Where local weights are kept: $SQCODEC_WEIGHTS, else the user's data folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("sqcodec") / "weights"


def bundled_folder() -> Path:
    """Where the weights that come with the package lie."""
    return Path(__file__).parent / "bundled"


def import_authors(folder: Path, preset: str, out: Path) -> None:
    """Turn a folder of the authors' five `.pt` files into one weights file.

    Raises:
        CheckpointError: a file is missing, unreadable or of another preset.
    """
    network = SQCodecNetwork(get_config(preset))
    network.load_state_dict(read_authors_folder(folder, network.config))
    card = WeightsCard(
        preset=preset,
        description=f"the authors' published weights of {preset}, imported",
        padding="window",
    )
    save_weights(out, network, card)


def local_file(name: str) -> Path | None:
    """Return the weights file of a preset, if there is one: the local one before the bundled.

    Who imports weights or puts them there means them to be used.
    """
    for folder in (weights_folder(), bundled_folder()):
        path = folder / f"{name}.safetensors"
        if path.is_file():
            return path
    return None


def is_here(name: str) -> bool:
    """Say whether a preset's weights are in the local folder or bundled."""
    return local_file(name) is not None


def ways_to_get(name: str) -> str:
    """Say in a line how to come by the weights of a preset."""
    path = weights_folder() / f"{name}.safetensors"
    ways = [f"train them (sqcodec train --preset {name})", f"put a weights file at {path}"]
    if name not in ABLATIONS:
        ways.append(f"import the authors' folder of .pt files (sqcodec import DIR --preset {name})")
        if find_spec("huggingface_hub"):
            ways.append("use it where the hub is in reach, which downloads the authors'")
        else:
            ways.append("install the hub extra to download the authors' (pip install -e '.[hub]')")
    return "; or ".join(ways)


def find_weights(name: str) -> Path:
    """Return the weights file of a preset: local, bundled or, if reachable, from the hub.

    Raises:
        ValueError: no preset is called `name`.
        WeightsNotFoundError: there are none to be had.
    """
    get_config(name)
    here = local_file(name)
    if here is not None:
        return here
    why = "neither local nor bundled"
    if name not in ABLATIONS and find_spec("huggingface_hub"):
        path = weights_folder() / f"{name}.safetensors"
        try:
            folder = _download_from_hub(name)
        except Exception as error:  # the hub's own, or of the HTTP library below it
            why += f", and the hub is out of reach ({type(error).__name__})"
        else:
            import_authors(folder, name, path)
            return path
    raise WeightsNotFoundError(f"no weights for {name}: {why}; {ways_to_get(name)}")


def _download_from_hub(name: str) -> Path:
    """Fetch the authors' files of a preset; return the folder they are in."""
    from huggingface_hub import (
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        try_to_load_from_cache,
    )

    files = [f"weights/{_HUB_NAMES[name]}.v0/{file}.pt" for file in AUTHORS_FILES]
    if any(try_to_load_from_cache(HUB_REPOSITORY, file) is None for file in files):
        # Asked once: where there is no network, a download would try for half a minute.
        get_hf_file_metadata(hf_hub_url(HUB_REPOSITORY, files[0]))
    paths = [hf_hub_download(HUB_REPOSITORY, file) for file in files]
    return Path(paths[0]).parent


def known_names() -> tuple[str, ...]:
    """Return the names of all presets, Table 5's first."""
    return (*PRESETS, *ABLATIONS)
