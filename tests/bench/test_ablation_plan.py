"""The plan of an ablation: kept as it was begun, refused to other settings and a second run."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.ablation.plan import AblationError, Asked, locked, open_plan, with_steps
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
    with_steps(tmp_path, plan, 123, {"step_s": 1.25})
    again = open_plan(tmp_path, ASKED)
    assert again.steps == 123
    assert again.asked == ASKED
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
    open_plan(tmp_path, ASKED)
    with pytest.raises(AblationError, match=re.escape(said)):
        open_plan(tmp_path, replace(ASKED, **change))


def test_a_damaged_plan_is_told(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"schema": 1')
    with pytest.raises(AblationError, match=r"plan\.json cannot be read \(JSONDecodeError"):
        open_plan(tmp_path, ASKED)


def test_a_folder_in_use_is_refused_and_free_afterwards(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "out"),
        pytest.raises(AblationError, match="another bench ablate works"),
        locked(tmp_path / "out"),
    ):
        pass
    with locked(tmp_path / "out"):
        assert (tmp_path / "out").is_dir()
