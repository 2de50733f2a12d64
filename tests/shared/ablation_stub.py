"""What tests of ablations share: a trainer without a network that real processes can find, and
results of the small set.

The trainer does what files tell it: in the folder of the corpus's name, ``meet`` is the number
of trainings that wait for each other before they go on, and ``hang`` names one that never ends.
"""

from __future__ import annotations

import copy
import fcntl
import json
import signal
import sys
import time
from pathlib import Path

from bench import registry
from bench.trainable import (
    BASELINE,
    SETTINGS_FILE,
    CorpusFacts,
    Settings,
    Teacher,
    Trained,
    Variant,
)

NAMES = (BASELINE, "window-40", "no-tconv")
MOST_S = 300.0  # that one waits for another, before it gives up
_SMALL = Path(__file__).parents[1] / "bench" / "report" / "small"


def prepare() -> None:
    """Prepare a process for trainings: they are those of this module."""
    registry._TRAINABLE_ADAPTER = __name__


def variants(preset: str) -> tuple[Variant, ...]:
    return tuple(Variant(name, f"{preset}-{name}", {}, 0.84375, 3.3721875) for name in NAMES)


def settings(
    preset: str, variant: str, steps: int, batch: int, seed: int, given: Settings
) -> Settings:
    weights = {"waveform_weight": 100.0, "stft_weight": 1.0, "perceptual_weight": 0.0}
    own = {"steps": steps, "batch_size": batch, "growth_steps": 1, "crop_s": 1.6875}
    return {"adversarial_weight": 0.0, **weights, **own, **given}


def corpus(preset: str, source: str) -> CorpusFacts:
    return CorpusFacts(Path(source).name, "synthetic sounds", 0.01, "abc")


def teacher(settings: Settings) -> Teacher | None:
    return None


def train(settings: Settings, source: str, folder: Path, device: str, name: str) -> Trained:
    """Three steps, from a checkpoint after the second; the process holds a lock in the meantime."""
    orders = Path(source)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SETTINGS_FILE).write_text(json.dumps(settings))
    state = folder / "state-00000002.pt"
    with open(orders / f"{name}.lock", "w") as lock, open(orders / "trained.txt", "a") as noted:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted.write(f"{name} from step {2 if state.exists() else 0}\n")
        noted.flush()
        state.write_bytes(b"to go on from")
        (orders / f"{name}.begun").write_text(device)
        wait_for_files(orders, "*.begun", int((orders / "meet").read_text()))
        if name in (orders / "hang").read_text():
            while True:
                signal.pause()
    (folder / f"{name}.safetensors").write_bytes(b"weights")
    (folder / "log.csv").write_text("step,waveform,stft,validation\n1,0.01,2,\n2,0.01,1,2.0\n")
    return Trained(name, f"{name}.safetensors", 3, 8.4, 36.0, "1 CPU thread")


def wait_for_files(folder: Path, pattern: str, count: int) -> None:
    """Return once there are so many files.

    Raises:
        TimeoutError: there are fewer after `MOST_S`.
    """
    deadline = time.monotonic() + MOST_S
    while len(list(folder.glob(pattern))) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"fewer than {count} {pattern} in {folder}")
        time.sleep(0.01)


def give_orders(folder: Path, meet: int = 0, hang: str = "") -> None:
    """Make the folder that tells trainings what to do."""
    folder.mkdir(exist_ok=True)
    (folder / "meet").write_text(str(meet))
    (folder / "hang").write_text(hang)


def is_held(lock: Path) -> bool:
    """Whether a process that lives holds the lock."""
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def write_signal_result(results: Path, dataset: str, codec: str, better_by_db: float) -> None:
    """The small set's result, all of its clips better by so much SDR than the stored ones.

    There are twice as many speakers, which are enough to draw from.
    """
    content = json.loads((_SMALL / "signal" / "small" / "encodec-3k.json").read_text())
    content["codec"]["name"] = codec
    content["dataset"] = dataset
    content["clips"] += [
        clip | {"clip": f"{clip['clip']}-again", "group": clip["group"] and f"{clip['group']}-too"}
        for clip in copy.deepcopy(content["clips"])
        if not clip["errors"]
    ]
    content["n_clips"] = len(content["clips"])
    for clip in content["clips"]:
        if "sdr" in clip["values"]:
            clip["values"]["sdr"] += better_by_db
    for score in content["scores"]:
        if score["metric"] == "sdr":
            for bound in ("mean", "low", "high"):
                score[bound] += better_by_db
    path = results / "signal" / dataset / f"{codec}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def main() -> None:
    """`bench ablate` with these trainings, and suites that cost nothing."""
    from rich.console import Console

    from bench import cli
    from bench.ablation import run, training
    from bench.executors import Worker
    from bench.options import RunOptions

    def signal_suite(options: RunOptions, errors: Console) -> int:
        for number, path in enumerate(options.codecs):
            name = Path(path).stem
            write_signal_result(options.results, Path(options.data).stem, name, -0.25 * number)
        return 0

    training.process = lambda threads: Worker("training", prepare)
    run.run_signal = signal_suite
    run.run_application = lambda options, errors: 0
    cli.app(sys.argv[1:])
