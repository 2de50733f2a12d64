"""The way to a Ray cluster: one that is there, or one that is started on this machine.

It is silent and bounded: Ray reports to nobody, opens no dashboard, and what cannot be reached
is told in a line after seconds.
"""

from __future__ import annotations

import logging
import os
import socket
from types import ModuleType
from typing import Any

from bench.errors import reason
from bench.executors import Worker, WorkerLost
from bench.team import RunError

HERE = "local"
"""The address of no cluster: one is started on this machine, and ended with the run."""

_CONNECT_S = 10.0
_ANSWER_S = 60.0  # for a cluster to let us in
_OBJECT_STORE_BYTES = 80_000_000  # cells and codes are small; Ray's least is 75 MB
# Ray reads these when it is imported: it reports nothing to anybody, and says on our output
# nothing of workers that are lost, which is told in the cells.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_enable_metrics_collection": "0",
    "RAY_prestart_worker_first_driver": "0",  # one for each core: twice as many as we use
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def connected(address: str, n_cpus: int = 1) -> ModuleType:
    """Ray, connected to a cluster, for the duration of this process or until it is shut down.

    Args:
        address: "HOST:PORT", "auto" for the cluster that this machine belongs to, or `HERE`.
        n_cpus: what one that is started here has at least, whatever this machine has.

    Raises:
        RunError: Ray is not installed, or there is no cluster that would let us in.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise RunError(
            "--executor ray needs Ray: pip install -c constraints.txt -e '.[ray]'"
        ) from error
    if address == HERE:
        options: dict[str, Any] = {
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "num_cpus": n_cpus if n_cpus > (os.cpu_count() or 1) else None,
        }
    else:
        options = {}
        _check(address)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise _no_cluster(address, reason(error)) from error
    return ray


def _check(address: str) -> None:
    """Connect in a process of its own first: Ray takes many minutes to give up.

    Raises:
        RunError: there is no cluster that would let us in.
    """
    if "://" in address:
        raise RunError(
            f"{address} is for Ray's client, which gives nothing back before a shard ends: run "
            "bench on a machine of the cluster, with --address auto"
        )
    host, _, port = address.rpartition(":")
    try:
        if host:  # the commonest mistake, told at once
            socket.create_connection((host, int(port)), _CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise _no_cluster(address, reason(error)) from error
    with Worker("cluster", _silence) as probe:
        probe.call(_connect_once, address, timeout_s=_ANSWER_S)
        try:
            why = probe.result()
        except WorkerLost:
            why = f"no answer within {_ANSWER_S:.0f} s"
    if why:
        raise _no_cluster(address, why)


def _silence() -> None:
    """What Ray says on standard error while it tries in vain is no message to the user."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.dup2(nowhere, 1)


def _connect_once(address: str) -> str:
    """Connect and leave; why that cannot be done, "" if it can."""
    import ray

    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
        ray.shutdown()
    except (OSError, RuntimeError, ValueError) as error:
        return reason(error)
    return ""


def _no_cluster(address: str, why: str) -> RunError:
    return RunError(f"no Ray cluster can be used at {address}: {why}")
