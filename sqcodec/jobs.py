"""Which file becomes which: one file, a pipe, or a folder whose tree is mirrored."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """A file to turn into another; ``-`` is a pipe.

    Attributes:
        source, target: from where to where.
        in_folder: found in a folder, among others.
        problem: why it cannot be done; "" if nothing is known against it.
    """

    source: Path
    target: Path
    in_folder: bool = False
    problem: str = ""


def reason(error: Exception, path: Path | None = None) -> str:
    """Say in a line why something failed; `path` need not be named in it again."""
    if isinstance(error, OSError) and error.strerror:
        why, name = error.strerror.lower(), error.filename
        return why if name is None or str(name) == str(path) else f"{why}: {name}"
    if isinstance(error, MemoryError):
        return "there is too little memory for it"
    return " ".join(str(error).split())


def find_jobs(
    source: str | Path, target: str | Path, suffixes: Set[str], new_suffix: str
) -> list[Job]:
    """Return what is to be done, at least one job.

    Args:
        source: a file, a folder or ``-``; of a folder, files ending in `suffixes`, hidden ones
            and those in hidden folders left out.
        target: a file, a folder (which need not exist if `source` is one) or ``-``.
        suffixes: lower case, with the dot.
        new_suffix: of files written into a folder.

    Raises:
        FileNotFoundError: there is no `source`, or nothing in it.
        ValueError: `target` cannot take it, or one of them has no name.
    """
    if not str(source) or not str(target):  # a path of no name would be the current folder
        raise ValueError("IN and OUT must be named; the current folder is . and a pipe is -")
    source, target = Path(source), Path(target)
    is_pipe, to_pipe = str(source) == "-", str(target) == "-"
    if is_pipe and target.is_dir():
        raise ValueError(f"{target} is a folder, and a pipe has no name to give a file in it")
    if not is_pipe and not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    if is_pipe or not source.is_dir():
        if target.is_dir():
            target = target / source.with_suffix(new_suffix).name
        if not is_pipe and not to_pipe and target.exists() and target.samefile(source):
            raise ValueError(f"{source} would be overwritten by itself")
        return [Job(source, target)]
    if to_pipe or target.is_file():
        raise ValueError(f"{source} is a folder, and {target} is none")
    found = sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in path.relative_to(source).parts)
        and path.is_file()
    )
    if not found:
        raise FileNotFoundError(f"{source} has no files ending in {', '.join(sorted(suffixes))}")
    jobs: list[Job] = []
    taken: dict[Path, Path] = {}
    for path in found:
        goal = (target / path.relative_to(source)).with_suffix(new_suffix)
        other = taken.setdefault(goal, path)
        problem = "" if other is path else f"{goal} is already written from {other.name}"
        jobs.append(Job(path, goal, in_folder=True, problem=problem))
    return jobs
