"""The plan of an ablation: kept as it was begun, refused to other settings and a second run."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.ablation.plan import AblationError, Asked, Plan, locked, open_plan, write_plan
from bench.trainable import CorpusFacts

CORPUS = CorpusFacts("mini-demo", "synthetic sounds", 0.01, "abc")
ASKED = Asked(
    preset="sqcodec-6k",
    variants=("baseline", "window-40"),
    seeds=2,
    budget_steps=None,
    budget_hours=1.5,
    batch=1,
    settings={"crop_s": 0.5},
    corpus=CORPUS,
    data="mini",
    data_revision="r1",
    eval_clips=8,
    device="cpu",
)


def test_steps_that_were_measured_are_kept(tmp_path: Path) -> None:
    plan = open_plan(tmp_path, ASKED)
    assert plan.steps is None
    assert list(tmp_path.iterdir()) == []  # it is written once it is known to fit
    measured = replace(plan, steps=123, measured={"step_s": 1.25})
    write_plan(tmp_path, measured)
    assert open_plan(tmp_path, ASKED) == measured
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_budget_of_steps_needs_no_measurement(tmp_path: Path) -> None:
    asked = replace(ASKED, budget_steps=5, budget_hours=None)
    assert open_plan(tmp_path, asked).steps == 5


def test_all_variants_of_a_seed_come_before_the_next_seed(tmp_path: Path) -> None:
    assert open_plan(tmp_path, ASKED).runs == [
        ("baseline", 0),
        ("window-40", 0),
        ("baseline", 1),
        ("window-40", 1),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch": 4}, "batch 1, not 4"),
        ({"eval_clips": None}, "eval clips 8, not none"),
        ({"variants": ("baseline",)}, "variants baseline,window-40, not baseline"),
        ({"settings": {}}, "settings {'crop_s': 0.5}, not {}"),
        ({"corpus": replace(CORPUS, name="other")}, "corpus mini-demo, not other"),
        ({"corpus": replace(CORPUS, revision="def")}, "corpus with other clips"),
        ({"data_revision": "r2"}, "data revision r1, not r2"),
    ],
)
def test_other_settings_are_refused_and_told(
    change: dict[str, object], said: str, tmp_path: Path
) -> None:
    write_plan(tmp_path, open_plan(tmp_path, ASKED))
    with pytest.raises(AblationError, match=re.escape(said)):
        open_plan(tmp_path, replace(ASKED, **change))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": 1', "no JSON"),
        ("null", "expected a JSON object"),
        ("3", "expected a JSON object"),
        ('"abc"', "expected a JSON object"),
        ("{}", "its schema is None, this reads 1"),
        ('{"schema": 2}', "its schema is 2, this reads 1"),
        ('{"schema": 1, "steps": 5}', "asked: Field required"),
    ],
)
def test_a_damaged_plan_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(AblationError, match=re.escape(f"plan.json cannot be read ({said}")) as told:
        open_plan(tmp_path, ASKED)
    assert "remove the folder" in str(told.value)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (None, "None steps, of a budget of 5"),
        (-3, "-3 steps, of a budget of 5"),
        ("5", "steps: Input should be a valid integer"),
        (5.5, "steps: Input should be a valid integer"),
    ],
)
def test_steps_that_are_none_of_the_budget_are_told(
    steps: object, said: str, tmp_path: Path
) -> None:
    asked = replace(ASKED, budget_steps=5, budget_hours=None)
    write_plan(tmp_path, open_plan(tmp_path, asked))
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"steps": steps}))
    with pytest.raises(AblationError, match=re.escape(said)):
        open_plan(tmp_path, asked)


def test_measured_steps_are_one_at_least() -> None:
    with pytest.raises(ValueError, match="expected at least 1 step, got 0"):
        Plan(ASKED, 0)


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(AblationError, match="is, or lies below, a file: name"), locked(folder):
            pass


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, read_only: Callable[[Path], AbstractContextManager[None]]
) -> None:
    tmp_path.parent.chmod(0o755)  # that whoever is not root comes this far
    with (
        read_only(tmp_path),
        pytest.raises(AblationError, match="out cannot be written: permission denied"),
        locked(tmp_path / "out"),
    ):
        pass


def test_a_folder_in_use_is_refused_and_free_afterwards(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "out"),
        pytest.raises(AblationError, match="another bench ablate works"),
        locked(tmp_path / "out"),
    ):
        pass
    with locked(tmp_path / "out"):
        assert (tmp_path / "out").is_dir()
