"""Who may import whom: the arrows between the rooms of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("sqcodec", "bench", "baselines")


def _imports(path: Path) -> Iterator[str]:
    """Yield the full names of the project's modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # "from bench import registry" may import a module or a name; both are caught.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from names


def _modules(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"no modules in {folder}"
    return found


def _ours(path: Path) -> set[str]:
    return {name for name in _imports(path) if name.split(".")[0] in PACKAGES}


def _offenders(folder: str, forbidden: tuple[str, ...], *, but: tuple[str, ...] = ()) -> list[str]:
    """Name each import below `folder` that lies in a forbidden room."""

    def within(name: str, rooms: tuple[str, ...]) -> bool:
        return any(name == room or name.startswith(f"{room}.") for room in rooms)

    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _modules(folder)
        for name in _imports(path)
        if within(name, forbidden) and not within(name, but)
    ]


def test_sqcodec_knows_nobody() -> None:
    assert _offenders("sqcodec", ("bench", "baselines")) == []


@pytest.mark.parametrize(
    "contract",
    [
        "codec.py",
        "architecture.py",
        "trainable.py",
        "weights.py",
        "pretrained.py",
        "downstream/contract.py",
    ],
)
def test_the_contract_imports_no_other_room(contract: str) -> None:
    assert _ours(ROOT / "bench" / contract) == set()


def test_bench_reaches_codecs_only_through_the_registry() -> None:
    assert _offenders("bench", ("baselines", "sqcodec")) == []


@pytest.mark.parametrize("room", ["bench/metrics"])
def test_metrics_know_no_codec_dataset_or_store(room: str) -> None:
    assert _offenders(room, PACKAGES, but=("bench.metrics",)) == []


def test_isolation_knows_the_contract_and_what_runs_elsewhere_nothing() -> None:
    plain = ("bench.isolation", "bench.codec", "bench.names", "bench.scratch")
    assert _offenders("bench/isolation", PACKAGES, but=plain) == []
    elsewhere = [ROOT / "bench/isolation/serve.py", *_modules("bench/isolation/defined")]
    assert {name for path in elsewhere for name in _ours(path)} == set()


def test_downstream_knows_no_codec_store_or_run() -> None:
    data = ("bench.datasets", "bench.names", "bench.stats")
    models = ("bench.isolation", "bench.pretrained", "bench.torchaudio_stub", "bench.weights")
    found = _offenders("bench/downstream", PACKAGES, but=("bench.downstream", *data, *models))
    assert found == []


def test_the_report_never_imports_torch() -> None:
    assert _offenders("bench/report", ("torch", "sqcodec", "baselines", "bench.registry")) == []


def test_an_adapter_knows_the_contract_and_one_library() -> None:
    # What adapters share is no adapter itself; a codec of several files has a folder.
    shared = ("originals", "pretrained", "tokens", "weights")
    neutral = ("bench.weights", "bench.pretrained")  # which evaluators use, too
    allowed = ("bench.codec", "bench.architecture", "bench.trainable", *neutral)
    allowed += tuple(f"baselines.{name}" for name in shared)
    for path in _modules("baselines"):
        own = () if path.parent.name == "baselines" else (f"baselines.{path.parent.name}",)
        rooms = tuple(f"{room}." for room in (*allowed, *own))
        others = {name for name in _ours(path) if not f"{name}.".startswith(rooms)}
        if path.stem in ("sqcodec", "sqcodec_training"):  # whose upstream library is our own
            others = {name for name in others if name.split(".")[0] != "sqcodec"}
        assert others == set(), path


def test_only_the_runner_knows_codecs_datasets_metrics_and_the_store() -> None:
    rooms = ("bench.codec", "bench.datasets", "bench.metrics", "bench.store")
    for path in _modules("bench"):
        names = _ours(path)
        known = [room for room in rooms if any(n.startswith(room) for n in names)]
        if known == list(rooms):
            runner = ("plan.py", "team.py", "runner.py")
            assert path.name in runner, f"{path} knows {known}"


def test_training_does_not_grade_itself() -> None:
    assert _offenders("sqcodec/training", ("pesq", "pystoi", "mir_eval")) == []


def test_the_checker_sees_a_forbidden_import(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def f():\n    from bench.codec import Codec\n")
    assert list(_imports(tmp_path / "module.py")) == ["bench.codec.Codec"]
