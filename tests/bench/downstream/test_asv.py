"""bench.downstream.asv: the protocol's score of a trial, rates apart by language, similarity."""

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.manifest import Clip
from bench.downstream.asv import score, trial_score, trial_scores
from bench.downstream.contract import Evidence
from bench.downstream.embeddings import floats
from bench.downstream.score import TaskData
from bench.downstream.trials import all_pairs


def heard(seed: int, speaker: int, spread: float = 0.3) -> Evidence:
    """Embeddings around a direction that is the speaker's."""
    generator = np.random.default_rng(seed)
    centre = np.eye(8)[speaker]
    return {
        "embedding": floats(centre + spread * generator.standard_normal(8)),
        "crops": [floats(centre + spread * generator.standard_normal(8)) for _ in range(5)],
    }


def data(languages: str = "en en en fr") -> tuple[TaskData, dict[str, Evidence]]:
    clips, said = [], {}
    for speaker, language in enumerate(languages.split()):
        for take in range(4):
            name = f"s{speaker}-{take}"
            one = Clip("set", name, "speech", Path(name), f"{speaker}{take}" * 32, f"s{speaker}")
            clips.append(Clip(**{**vars(one), "language": language, "group": f"s{speaker}"}))
            said[name] = heard(10 * speaker + take, speaker)
    return TaskData("asv", "set", "0", tuple(clips), all_pairs(clips)), said


def test_the_score_of_a_trial_by_hand() -> None:
    one = {"embedding": [1.0, 0.0], "crops": [[1.0, 0.0]] * 3 + [[0.0, 2.0]] * 2}
    other = {"embedding": [3.0, 4.0], "crops": [[5.0, 0.0]] * 4 + [[0.0, -1.0]]}
    # 12 of 25 pairs have cosine 1, 2 have -1, the others 0.
    assert trial_score(one, other) == pytest.approx((0.6 + (12 - 2) / 25) / 2)


def test_many_trials_have_the_scores_of_each() -> None:
    asked, said = data()
    del said["s0-0"]
    found = trial_scores(asked.trials, said)
    for number, one in enumerate(asked.trials):
        if "s0-0" in (one.enrol, one.test):
            assert np.isnan(found[number])
        else:
            assert found[number] == pytest.approx(trial_score(said[one.enrol], said[one.test]))


def test_languages_are_kept_apart() -> None:
    asked, said = data()
    main, across, similar = score(asked, said, said).scores
    assert main.kind.name == "eer_asv_pct"
    n_targets = 4 * 6
    assert main.n == n_targets + 3 * 16  # pairs of the three English speakers
    assert across.n == n_targets + 3 * 16  # French with each of them
    assert main.difference is not None
    assert main.difference.value == 0
    assert similar.estimate.value == pytest.approx(1)
    assert len(score(data("en en")[0], said, said).scores) == 2  # nothing to keep apart


def test_a_codec_that_blurs_speakers_is_worse() -> None:
    asked, said = data()
    blurred = {name: heard(100 + n, n % 4, 3.0) for n, name in enumerate(said)}
    main, *_, similar = score(asked, said, blurred).scores
    assert main.estimate.value is not None
    assert main.estimate.value > 25
    assert main.difference is not None
    assert main.difference.low is not None
    assert main.difference.low > 0
    assert similar.estimate.value is not None
    assert similar.estimate.value < 0.9


def test_clips_that_failed_are_in_no_trial() -> None:
    asked, said = data()
    lacking = {name: one for name, one in said.items() if name != "s1-1"}
    found = score(asked, said, lacking)
    assert found.scores[0].n == 4 * 6 - 3 + 3 * 16 - 8
    assert "s1-1" not in found.clips
    assert sum(one is None for one in found.trials) == 15
