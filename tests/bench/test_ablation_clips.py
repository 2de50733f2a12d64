"""The clips of a quick evaluation: few, and every task can be asked of them."""

from pathlib import Path

from bench.ablation.clips import chosen, write_chosen
from bench.datasets.load import load_data
from bench.datasets.mini import mini
from bench.downstream.data import of_manifest
from bench.downstream.probe import folds


def test_eight_clips_of_the_mini_set_can_be_asked_every_task(tmp_path: Path) -> None:
    path = write_chosen(mini(), 8, tmp_path)
    manifest = load_data(str(path))
    assert manifest.name == "mini-8-clips"
    assert len(manifest.clips) == 8
    assert all(clip.path.is_file() for clip in manifest.clips)
    tasks = of_manifest(manifest).tasks
    assert set(tasks) == {"asr", "asv", "aec"}
    assert len(tasks["asr"].clips) == 4
    assert {trial.target for trial in tasks["asv"].trials if trial.same_language} == {True, False}
    assert len(set(folds(tasks["aec"].clips).values())) == 2


def test_few_clips_are_of_every_kind_and_in_the_sets_order() -> None:
    clips = chosen(mini(), 12)
    assert {clip.kind for clip in clips} == {"speech", "effects", "music"}
    order = [clip.id for clip in mini().clips]
    assert [order.index(clip.id) for clip in clips] == sorted(order.index(c.id) for c in clips)
    assert {clip.id for clip in chosen(mini(), 8)} < {clip.id for clip in clips}


def test_no_more_than_there_are() -> None:
    assert chosen(mini(), 1000) == mini().clips
    assert len(chosen(mini(), 1)) == 1
