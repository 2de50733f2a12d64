"""Where a run happens: the project's commit, Python, packages, the machine, thread settings.

What is told can be shared: no name of a host or a user, and no folder of this machine.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

UNKNOWN = "unknown"

_DISTRIBUTION = "sqcodec-bench"
_CODE = ("bench", "baselines", "sqcodec")
_SETTINGS = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OMP_DYNAMIC",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "MKL_DYNAMIC",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    # Which instructions libraries may use: sums are then added in another order.
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "OPENBLAS_CORETYPE",
)
_MODEL = ("cpu family", "model", "stepping")
_CPUINFO = Path("/proc/cpuinfo")
_ANSWER_S = 20.0  # for git or nvidia-smi, which take milliseconds
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Project:
    """This project, as it ran.

    Attributes:
        version: of the package.
        commit: of the checkout that the code is in; "unknown" where there is none.
        dirty: whether the code differs from that commit; None where it is unknown.
    """

    version: str
    commit: str
    dirty: bool | None


@dataclass(frozen=True)
class Machine:
    """The hardware and its operating system.

    Attributes:
        cpu: the processor's model; with its numbers, since virtual ones share a name.
        cores: logical ones that the run may use.
        memory_gb: of the machine, 10^9 bytes; None where the system does not tell.
        gpus: model, memory and driver of each.
        system: the operating system.
    """

    cpu: str
    cores: int
    memory_gb: float | None
    gpus: tuple[str, ...]
    system: str


@dataclass(frozen=True)
class Environment:
    """All that a run stands on besides its data and its models.

    Attributes:
        project: this project.
        python: its implementation and version.
        packages: name -> version of all that are installed beside the project.
        machine: the hardware.
        threads: environment variables that are set on threads, and on the instructions that
            libraries may use.
    """

    project: Project
    python: str
    packages: dict[str, str]
    machine: Machine
    threads: dict[str, str]


def environment() -> Environment:
    """What is here, now."""
    found = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
    return Environment(
        project=project(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=dict(sorted(found.items(), key=lambda item: item[0].lower())),
        machine=machine(),
        threads={name: os.environ[name] for name in _SETTINGS if name in os.environ},
    )


def project(root: Path | None = None) -> Project:
    """The project's version and the commit of the checkout in `root`, by default this one."""
    root = Path(__file__).resolve().parents[1] if root is None else root
    try:
        released = version(_DISTRIBUTION)
    except PackageNotFoundError:
        released = UNKNOWN
    # An installed copy may lie within somebody's checkout of something else.
    tracked = _said(["git", "ls-files", "--error-unmatch", "bench/__init__.py"], root)
    commit = _said(["git", "rev-parse", "HEAD"], root) if tracked else None
    if not commit:
        return Project(released, UNKNOWN, None)
    changed = _said(["git", "status", "--porcelain", "--", *_CODE], root)
    return Project(released, commit, None if changed is None else bool(changed))


def machine() -> Machine:
    """The hardware here."""
    return Machine(
        cpu=_cpu(),
        cores=_cores(),
        memory_gb=_memory_gb(),
        gpus=_gpus(),
        system=platform.platform(),
    )


def _cpu() -> str:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        lines = []
    pairs = [line.partition(":") for line in reversed(lines)]  # of the first core, in the end
    said = {name.strip(): value.strip() for name, _, value in pairs}
    name = said.get("model name") or platform.processor() or platform.machine() or UNKNOWN
    numbers = ", ".join(f"{of} {said[of]}" for of in _MODEL if of in said)
    return f"{name} ({numbers})" if numbers else name


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no Linux
        return os.cpu_count() or 1


def _memory_gb() -> float | None:
    try:
        n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(n_bytes / _GIGABYTE, 1)


def _gpus() -> tuple[str, ...]:
    said = _said(
        ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
        Path.cwd(),
    )
    return tuple(filter(None, (said or "").splitlines()))


def _said(command: list[str], folder: Path) -> str | None:
    """What a program prints; None where it is not here or has nothing to say on this."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_ANSWER_S
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
