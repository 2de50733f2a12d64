"""Results back from their files: what `bench.report.results` wrote, checked again as it is read.

Figures, tables and the site start here. A folder without results is no error, it is an empty
list; a file that is there and cannot be used is one.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.cells import CheckOutcome, CodecCertificate
from bench.report.results import (
    SCHEMA_VERSION,
    BesideResult,
    ClipResult,
    Result,
    ScoreResult,
)
from bench.report.summary import FailureCount


class StoredResultError(ValueError):
    """A result file that cannot be used; the message names it and says why, in a line."""


def read_result(path: Path) -> Result:
    """Read one file of `bench.report.results.write`.

    Raises:
        StoredResultError: it is no such file, of another schema, or contradicts itself.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA_VERSION:
            raise StoredResultError(
                f"{path}: its schema is {content['schema']}, this version reads {SCHEMA_VERSION}: "
                "bench run writes it again"
            )
        return _result(content)
    except StoredResultError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoredResultError(
            f"{path}: no result that can be read: {type(error).__name__}: {error}"
        ) from error


def read_results(results: Path, suite: str) -> list[Result]:
    """The results of a suite below the folder `results`, by data set and codec.

    Raises:
        StoredResultError: one of them cannot be used.
    """
    return [read_result(path) for path in sorted((results / suite).glob("*/*.json"))]


def main_data(results: Sequence[Result], dataset: str | None = None) -> list[Result]:
    """Those of one data set, since data sets share no axis.

    Args:
        results: of any data sets.
        dataset: which; the one with the most codecs if None.
    """
    sizes = Counter(result.dataset for result in results)
    if dataset is None and sizes:
        dataset = min(sizes, key=lambda name: (-sizes[name], name))
    return [result for result in results if result.dataset == dataset]


def said(results: Sequence[Result]) -> str:
    """What data the results of one data set are of, in words; "" for none."""
    if not results:
        return ""
    first = results[0]
    codecs: dict[str, list[str]] = {}
    for result in results:
        codecs.setdefault(result.dataset_revision, []).append(str(result.codec["name"]))
    if len(codecs) == 1:
        return f"{first.dataset} data set, revision {first.dataset_revision}, {first.n_clips} clips"
    of = "; ".join(f"{revision} ({', '.join(names)})" for revision, names in codecs.items())
    return f"{first.dataset} data set, in revisions that are not comparable: {of}"


def _result(content: dict[str, Any]) -> Result:
    beside = dict(content["beside"])
    for name in ("codes_used", "code_entropy_bits"):
        beside[name] = None if beside[name] is None else tuple(beside[name])
    parts = {
        "scores": tuple(ScoreResult(**_with_tuples(score)) for score in content["scores"]),
        "certificate": _certificate(content.get("certificate")),
        "beside": BesideResult(**beside),
        "failures": tuple(FailureCount(**failure) for failure in content["failures"]),
        "clips": tuple(_clip(clip) for clip in content["clips"]),
    }
    return Result(**{**content, **parts})


def _clip(content: dict[str, Any]) -> ClipResult:
    """A clip; texts that all codecs' results repeat are held once."""
    for name in ("dataset", "clip", "kind", "sha256"):
        content[name] = sys.intern(content[name])
    if content["group"] is not None:
        content["group"] = sys.intern(content["group"])
    return ClipResult(**content)


def _certificate(content: dict[str, Any] | None) -> CodecCertificate | None:
    if content is None:  # of no certificate, or written before there were any in the files
        return None
    checks = tuple(CheckOutcome(**check) for check in content["checks"])
    return CodecCertificate(**{**content, "checks": checks})


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
