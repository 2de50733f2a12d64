"""What evaluators in environments of their own share: finding, starting and ending the worker."""

from __future__ import annotations

import weakref
from typing import Any

from bench.downstream.contract import EvaluatorUnavailableError
from bench.isolation.environment import EnvironmentMissingError, environment_of
from bench.isolation.known import definition
from bench.isolation.process import Isolated, IsolationError

_CALL_TIMEOUT_S = 3_600.0  # a batch on a busy CPU; a worker that hangs ends there
_START_TIMEOUT_S = 600.0


def missing_environment(name: str) -> str:
    """What is wrong with an environment and how to get it, in a line; "" if nothing."""
    try:
        environment_of(definition(name))
    except EnvironmentMissingError as error:
        return str(error)
    return ""


def start(name: str, device: str) -> Isolated:
    """The worker of an environment; its process starts at the first call.

    Raises:
        EvaluatorUnavailableError: the environment was not created; one line says how to.
    """
    if lacking := missing_environment(name):
        raise EvaluatorUnavailableError(lacking)
    return Isolated(
        definition(name),
        device=device,
        timeout_s=_CALL_TIMEOUT_S,
        start_timeout_s=_START_TIMEOUT_S,
    )


def load_weights(worker: Isolated, what: str, **arguments: object) -> Any:
    """Have the worker load its model, and return what it says of it.

    Args:
        worker: with a verb `load`.
        what: the weights, in a few words.
        arguments: of the verb.

    Raises:
        EvaluatorUnavailableError: the worker cannot; its process is ended.
    """
    try:
        return worker.call("load", **arguments)
    except (EnvironmentMissingError, IsolationError, ValueError) as error:
        worker.stop()
        raise EvaluatorUnavailableError(f"{what} cannot be loaded: {error}") from error


def end_with(owner: object, worker: Isolated) -> None:
    """End the worker's process when its owner is gone: it holds a model in memory."""
    weakref.finalize(owner, worker.stop)
