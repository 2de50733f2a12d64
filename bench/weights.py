"""Weights of models: in a local folder, or on the hub.

The files of a hub's repository, such as ``facebook/encodec_24khz``, are looked for in a folder
called like its last part (``encodec_24khz``) in ``$BENCH_WEIGHTS``, by default in the user's
data folder; then, with the package huggingface_hub, in its cache and on the hub. What comes
from there is compared with the hash that the hub states. A file that somebody put into the
local folder is taken as it is: its hash is part of the model's revision.

Codecs and evaluators find theirs alike; a `Finder` raises what either kind promises.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "BENCH_WEIGHTS"

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Weights:
    """Files that a model's weights consist of.

    Attributes:
        repository: of the hub that has them.
        files: their names there.
        commit: of the repository, which pins them; None takes what is newest.
    """

    repository: str
    files: tuple[str, ...]
    commit: str | None = None

    @property
    def local_folder(self) -> Path:
        """Where they are looked for first."""
        return weights_folder() / self.repository.split("/")[-1]


def weights_folder() -> Path:
    """Where local weights are kept: $BENCH_WEIGHTS, else the user's data folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("sqcodec-bench") / "weights"


def here(weights: Weights) -> Path | None:
    """The folder that has all files, local or in the hub's cache; None if there is none."""
    folder = weights.local_folder
    if all((folder / file).is_file() for file in weights.files):
        return folder
    if find_spec("huggingface_hub"):
        from huggingface_hub import try_to_load_from_cache

        cached = [
            try_to_load_from_cache(weights.repository, file, revision=weights.commit)
            for file in weights.files
        ]
        if all(isinstance(path, str) for path in cached):
            return Path(str(cached[0])).parent
    return None


def described(weights: Weights, folder: Path, sha256: str) -> str:
    """Say in a line which weights were loaded, and whether the hub vouches for them."""
    if folder == weights.local_folder:
        return f"a local copy of {weights.repository}, SHA-256 {sha256[:12]}, not compared"
    return f"{weights.repository}, SHA-256 {sha256[:12]}, as the hub has them"


def revision(*decides: object) -> str:
    """A hash of all that decides a model's output."""
    return hashlib.sha256(repr(decides).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Finder:
    """Finds weights and libraries, and says in a line what is missing.

    Attributes:
        error: what is raised where something is missing.
        extra: of the project, that installs the libraries.
    """

    error: type[RuntimeError]
    extra: str

    @property
    def install(self) -> str:
        """The command that installs the extra."""
        return f"pip install -c constraints.txt -e '.[{self.extra}]'"

    def find(self, weights: Weights) -> Path:
        """The folder that has all files; they are downloaded where they are not here.

        Raises:
            error: there are none to be had; one line says what to do.
        """
        found = here(weights)
        if found is not None:
            return found
        why = f"not in {weights.local_folder}"
        if find_spec("huggingface_hub"):
            from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

            repository, commit = weights.repository, weights.commit
            try:
                # Asked once: where there is no network, a download would try for half a minute.
                get_hf_file_metadata(hf_hub_url(repository, weights.files[0], revision=commit))
                paths = [
                    hf_hub_download(repository, file, revision=commit) for file in weights.files
                ]
            except Exception as error:  # the hub's own, or of the HTTP library below it
                why += f", and the hub is out of reach ({type(error).__name__})"
            else:
                return Path(paths[0]).parent
        raise self.error(f"no weights of {weights.repository}: {why}; {self.ways(weights)}")

    def ways(self, weights: Weights) -> str:
        """Say in a line how to come by weights."""
        *most, last = weights.files
        files = f"{', '.join(most)} and {last}" if most else last
        put = f"put {files} into {weights.local_folder} ({FOLDER_VARIABLE} names its parent)"
        if find_spec("huggingface_hub"):
            return f"{put}, or run once where the hub is in reach"
        return f"{put}, or install the {self.extra} extra to download them ({self.install})"

    def missing(self, weights: Weights) -> str:
        """What is missing and how to get it, in a line; "" where the weights are here."""
        if here(weights):
            return ""
        return f"no weights of {weights.repository}: {self.ways(weights)}"

    def check_installed(self, *packages: str) -> None:
        """See whether upstream libraries are here.

        Raises:
            error: one is not; one line says how to get it.
        """
        for package in packages:
            if find_spec(package) is None:
                raise self.error(
                    f"the package {package}, which has the model, is not installed: {self.install}"
                )

    def checked_sha256(self, file: Path) -> str:
        """The SHA-256 of a weights file, compared with what the hub's cache says that it is.

        Raises:
            error: the file is not what the hub has.
        """
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        stated = file.resolve().name  # the cache names a large file by the hub's hash of it
        if _SHA256.fullmatch(stated) and stated != found:
            raise self.error(
                f"{file} is damaged: its SHA-256 is {found[:12]}..., the hub's {stated[:12]}...; "
                "delete it and run again where the hub is in reach"
            )
        return found
