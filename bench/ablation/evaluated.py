"""Where the scores of an ablation's checkpoints are: the results of both suites."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datasets.manifest import Manifest
from bench.report.application_stored import read_tasks
from bench.report.files import result_path
from bench.report.results import Result
from bench.report.stored import StoredResultError, read_result
from bench.suites import APPLICATION, SIGNAL


@dataclass(frozen=True)
class Evaluated:
    """Where the scores are.

    Attributes:
        results: the folder that `bench run` wrote into.
        manifest: the clips.
        application_failed: why the application suite left nothing; "" where it did.
    """

    results: Path
    manifest: Manifest
    application_failed: str = ""

    def signal(self, codec: str) -> Result:
        """Raises StoredResultError where there is none."""
        return read_result(result_path(self.results, SIGNAL.name, self.manifest.name, codec))

    def tasks(self, codec: str) -> dict[str, dict[str, Any]]:
        """The application suite's tasks by name; none where it left nothing.

        Raises:
            StoredResultError: what it left cannot be read.
        """
        path = self.tasks_path(codec)
        if self.application_failed or not path.is_file():
            return {}
        return read_tasks(path)

    def tasks_path(self, codec: str) -> Path:
        """Where they are."""
        return result_path(self.results, APPLICATION, self.manifest.name, codec)

    @contextmanager
    def using_tasks(self, codec: str) -> Iterator[dict[str, dict[str, Any]]]:
        """The tasks; what within is not as the suite writes it, is told of their file."""
        tasks = self.tasks(codec)
        try:
            yield tasks
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise StoredResultError(
                f"{self.tasks_path(codec)}: no result that can be read: "
                f"{type(error).__name__}: {error}"
            ) from error
