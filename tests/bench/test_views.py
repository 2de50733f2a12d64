"""bench.views: what the store holds of a codec, as a suite asks for it."""

import json

import numpy as np
import pytest
from three_clips import RATE, Gain, Run, Tokens, values_of

from bench import audio
from bench.datasets.manifest import Manifest
from bench.store import Store
from bench.suites import SIGNAL
from bench.views import codes_of, gather


@pytest.mark.usefixtures("quick_metrics")
def test_every_cell_that_the_suite_asks_is_there(
    run: Run, manifest: Manifest, store: Store
) -> None:
    codec = Gain()
    run([codec])
    frame = gather(codec.info, manifest, SIGNAL, store)
    assert frame["error"].isna().all()
    by_clip = frame.groupby("clip", sort=False)["metric"].apply(list).to_dict()
    measures = ["bits", "duration", "sample_rate", "clipped_samples"]
    assert by_clip == {
        "talk/a": [*measures, "sdr", "mel", "stoi", "pesq"],
        "talk/b": [*measures, "sdr", "mel", "stoi", "pesq"],
        "songs/c": [*measures, "sdr", "mel"],
    }
    values = values_of(frame)
    samples, _ = audio.read(manifest.clips[0].path)
    assert values["talk/a", "sdr"] == pytest.approx(np.abs(samples).mean() / 2)
    assert values["talk/a", "bits"] == 16 * 1600
    assert values["talk/a", "duration"] == 0.1
    assert values["talk/a", "sample_rate"] == RATE
    assert values["talk/a", "clipped_samples"] == 0
    assert json.loads(frame["libraries"].iloc[0])["numpy"] == np.__version__


@pytest.mark.usefixtures("quick_metrics")
def test_codes_are_stored_with_the_cells(run: Run, manifest: Manifest, store: Store) -> None:
    run([Tokens()])
    codes = codes_of(Tokens().info, manifest, SIGNAL, store)
    assert [clip.tolist() for clip in codes] == [(np.arange(20).reshape(2, 10) % 4).tolist()] * 3
    frame = gather(Tokens().info, manifest, SIGNAL, store)
    assert frame.loc[frame["metric"] == "frames", "value"].tolist() == [10.0] * 3
