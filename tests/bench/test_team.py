"""bench.team: codecs in a process of their own, and their delays, measured once."""

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import three_clips as three
from numpy.typing import NDArray
from three_clips import RATE, Gain, Run, Tokens, values_of

from baselines.anchors import Identity
from bench.codec import Codec, Encoded
from bench.coding import Codecs
from bench.datasets.manifest import Manifest
from bench.delay import Delay
from bench.executors import Worker
from bench.metrics import BESIDE
from bench.plan import delay_of
from bench.store import Store
from bench.suites import SIGNAL
from bench.team import MOST_CODEC_PROCESSES, RunError, Team, measure_delays
from bench.views import gather


def test_codecs_that_end_their_process_end_the_run_in_one_line(manifest: Manifest) -> None:
    told = r"^the codecs cannot be loaded: the codec process ended itself \(status 3\)$"
    with Team([Worker("codec", functools.partial(os._exit, 3))], [], 1.0) as team:
        with pytest.raises(RunError, match=told):
            team.codecs()
        with pytest.raises(RunError, match=told):
            team.unpaired(manifest)


def test_one_process_where_codecs_compute_on_a_gpu_unless_more_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    found = Codecs((), (), "", on_gpu=True)
    monkeypatch.setattr(Worker, "call", lambda worker, function: None)
    monkeypatch.setattr(Worker, "result", lambda worker: found)
    for asked, n_before, n_then in ((None, MOST_CODEC_PROCESSES, 1), (2, 2, 2)):
        team = Team.of(["reference"], "auto", 1, 60.0, asked)
        assert len(team.coders) == n_before
        assert team.codecs() == found
        assert len(team.coders) == n_then
    found = replace(found, on_gpu=False)
    team = Team.of(["reference"], "auto", 1, 60.0)
    team.codecs()
    assert len(team.coders) == MOST_CODEC_PROCESSES


def _measured(team: Team, store: Store, *codecs: Codec) -> list[str]:
    return measure_delays([codec.info for codec in codecs], store, team)


@pytest.mark.usefixtures("quick_metrics")
def test_the_delay_is_measured_once_and_removed_beside_the_score(
    run: Run,
    manifest: Manifest,
    store: Store,
    inline_team: Callable[[Sequence[Codec]], Team],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = replace(BESIDE["aligned_sdr"], function=f"{three.__name__}:aligned_difference")
    monkeypatch.setitem(BESIDE, "aligned_sdr", quick)
    late, sharp = Tokens(late=7), Identity("sharp", None)
    assert _measured(inline_team([late, sharp]), store, late, sharp) == []
    assert delay_of(late.info, store) == Delay(7, RATE, pytest.approx(1.0, abs=0.1))
    run([late, sharp])
    values = values_of(gather(late.info, manifest, SIGNAL, store))
    assert values["talk/a", "aligned_sdr"] == 0.0
    assert values["talk/a", "sdr"] > 0.1
    # Without a delay there is nothing to remove.
    metrics = gather(sharp.info, manifest, SIGNAL, store)["metric"]
    assert "aligned_sdr" not in set(metrics)
    # Measured once: a team that knows no codec is not asked again.
    assert _measured(inline_team([]), store, late, sharp) == []


def test_a_codec_that_fails_on_the_probe_has_no_delay_and_is_told(
    store: Store, inline_team: Callable[[Sequence[Codec]], Team]
) -> None:
    class Raises(Gain):
        def decode(self, encoded: Encoded) -> NDArray[np.float32]:
            raise RuntimeError("no weights in /home/me/weights.bin")

    told = _measured(inline_team([Raises()]), store, Raises())
    assert told == ["gain: no constant delay: RuntimeError: no weights in weights.bin"]
    assert delay_of(Raises().info, store) is None
