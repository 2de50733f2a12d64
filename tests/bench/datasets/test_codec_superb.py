"""Codec-SUPERB's tree: its clips, what is absent, and the protocol's averages over it.

The tree is a miniature in the official layout, cut from the mini set.
"""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from baselines.anchors import Identity
from bench import audio
from bench.datasets.codec_superb import AUDIO, SPEECH, load_codec_superb, samples_folder
from bench.datasets.manifest import ManifestError
from bench.datasets.mini import mini
from bench.metrics import METRICS
from bench.report.summary import summarise
from bench.runner import gather, run
from bench.store import Store
from bench.suites import SIGNAL


def loudness(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric at no cost whose value is known from the file: its mean magnitude."""
    return float(np.abs(reference).mean())


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's ``samples`` folder: 11 data sets of 1, 2, 3, 1, 2, ... clips of 0.2 s."""
    folder = tmp_path_factory.mktemp("superb") / "samples"
    clips = {kind: [c for c in mini().clips if c.kind == kind] for kind in ("speech", "effects")}
    for number, dataset in enumerate((*SPEECH, *AUDIO)):
        (folder / dataset).mkdir(parents=True)
        for take in range(1 + number % 3):
            clip = clips["speech" if dataset in SPEECH else "effects"][3 * number + take]
            cut, sample_rate = audio.read(clip.path)
            path = folder / dataset / f"{take}.wav"
            soundfile.write(path, cut[: sample_rate // 5], sample_rate)
    return folder


def test_clips_of_all_data_sets(samples: Path) -> None:
    manifest = load_codec_superb(samples)
    assert manifest.name == "codec-superb"
    assert manifest.notes == ()
    sets = defaultdict(list)
    for clip in manifest.clips:
        sets[clip.kind, clip.dataset].append(clip)
        assert clip.id == f"{clip.dataset}/{clip.path.name}"
        assert clip.sha256 == audio.sha256(clip.path)
    assert list(sets) == [("speech", name) for name in SPEECH] + [
        ("effects", name) for name in AUDIO
    ]
    assert [len(found) for found in sets.values()] == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2]


def test_means_are_the_protocols(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clips to data sets, then the plain mean over 8 of speech and, apart, over 3 of audio."""
    for name in METRICS:
        quick = replace(METRICS[name], function=f"{__name__}:loudness", libraries=())
        monkeypatch.setitem(METRICS, name, quick)
    manifest, codec = load_codec_superb(samples), Identity("same", None)
    with Store(tmp_path / "s.sqlite") as store, ThreadPoolExecutor(1) as executor:
        run([codec], manifest, SIGNAL, store, executor)
        cells = gather(codec.info, manifest, SIGNAL, store)
    found = {
        score.name: interval.mean for score, interval in summarise(codec.info, cells, SIGNAL).scores
    }
    of_speech, of_audio = (
        [
            mean(float(np.abs(audio.read(path)[0]).mean()) for path in (samples / name).iterdir())
            for name in names
        ]
        for names in (SPEECH, AUDIO)
    )
    assert len(of_speech) == 8
    assert len(of_audio) == 3
    expected = dict.fromkeys(("sdr_db", "mel", "stoi", "pesq"), mean(of_speech))
    expected |= dict.fromkeys(("audio_sdr_db", "audio_mel"), mean(of_audio))
    assert found == pytest.approx(expected)
    # A mean over clips would be another number: the fixture tells the two apart.
    speech = cells[(cells["kind"] == "speech") & (cells["metric"] == "mel")]
    assert speech["value"].mean() != pytest.approx(expected["mel"], rel=1e-3)


def test_absent_and_unknown_data_sets_are_named(samples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    for name in ("librispeech", "esc50"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.wav").touch()
    for name in ("quesst", "vctk", ".cache"):
        (folder / name).mkdir()
    (folder / "esc50" / "a.txt").touch()
    (folder / "esc50" / "._a.wav").touch()
    manifest = load_codec_superb(folder)
    assert [clip.id for clip in manifest.clips] == ["librispeech/a.wav", "esc50/a.wav"]
    assert manifest.notes == (
        f"{folder}: means are over 1 of 8 data sets of speech and 1 of 3 of audio; absent: "
        "crema_d, fluent_speech_commands, libri2Mix_test, quesst, snips_test_valid_subset, "
        "vox_lingua_top10, voxceleb1, fsd50k, gunshot_triangulation",
        f"{folder}: left out, no data sets of the protocol: vctk "
        "(give such a folder to --data by itself)",
    )


def test_the_tree_is_known_by_its_layout(samples: Path, tmp_path: Path) -> None:
    assert samples_folder(samples.parent) == samples
    assert samples_folder(samples) == samples
    (tmp_path / "librispeech").mkdir()
    (tmp_path / "samples" / "mine").mkdir(parents=True)
    assert samples_folder(tmp_path) is None
    assert samples_folder(tmp_path / "nowhere") is None


def test_a_tree_without_a_clip(tmp_path: Path) -> None:
    (tmp_path / "samples" / "esc50").mkdir(parents=True)
    with pytest.raises(ManifestError, match=r"no clips; expected .*samples/<dataset>/\*\.wav"):
        load_codec_superb(tmp_path / "samples")
