"""Codec-SUPERB's tree: its clips, what is absent, and the protocol's averages over it.

The tree is a miniature in the official layout, cut from the mini set.
"""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

import pytest
import soundfile
from typer.testing import CliRunner

from bench import audio, cli
from bench.datasets.codec_superb import AUDIO, SPEECH, load_codec_superb, samples_folder
from bench.datasets.manifest import ManifestError
from bench.datasets.mini import mini

LENGTH_S = 1.0


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's ``samples`` folder: 11 data sets of 1, 2, 3, 1, 2, ... clips of a second."""
    folder = tmp_path_factory.mktemp("superb") / "samples"
    clips = mini().clips
    sources = {kind: iter([c for c in clips if c.kind == kind]) for kind in ("speech", "music")}
    for number, dataset in enumerate((*SPEECH, *AUDIO)):
        (folder / dataset).mkdir(parents=True)
        for take in range(1 + number % 3):
            clip = next(sources["speech" if dataset in SPEECH else "music"])
            whole, sample_rate = audio.read(clip.path)
            middle = whole[len(whole) // 3 :][: round(LENGTH_S * sample_rate)]
            soundfile.write(folder / dataset / f"{take}.wav", middle, sample_rate)
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
    monkeypatch.chdir(tmp_path)
    arguments = ["run", "--codec", "mulaw-64k", "--data", str(samples.parent), "--workers", "1"]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    written = json.loads(Path("results/signal/codec-superb/mulaw-64k.json").read_text())
    values = defaultdict(lambda: defaultdict(list))
    for clip in written["clips"]:
        for metric, value in clip["values"].items():
            values[metric, clip["kind"]][clip["dataset"]].append(value)
    means = {score["name"]: score["mean"] for score in written["scores"]}
    expected = {}
    for name, metric, kind, n_sets in [
        ("sdr_db", "sdr", "speech", 8),
        ("mel", "mel", "speech", 8),
        ("stoi", "stoi", "speech", 8),
        ("pesq", "pesq", "speech", 8),
        ("audio_sdr_db", "sdr", "effects", 3),
        ("audio_mel", "mel", "effects", 3),
    ]:
        by_dataset = values[metric, kind]
        assert len(by_dataset) == n_sets
        expected[name] = mean(mean(of_dataset) for of_dataset in by_dataset.values())
        # A mean over clips is another number: the tree is such that the two differ.
        over_clips = mean(value for of_dataset in by_dataset.values() for value in of_dataset)
        assert over_clips != pytest.approx(expected[name], rel=1e-4)
    assert means == pytest.approx(expected, abs=2e-6)  # values have six decimals


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
