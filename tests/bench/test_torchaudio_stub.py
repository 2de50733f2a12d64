"""bench.torchaudio_stub: torchaudio's Python part is usable beside a torch for CPUs."""

import subprocess
import sys
from pathlib import Path

from bench import torchaudio_stub


def test_what_speechbrain_and_transformers_need_can_be_imported() -> None:
    code = (
        "from bench.torchaudio_stub import make_importable\n"
        "make_importable(); make_importable()\n"
        "import torch, torchaudio\n"
        "print(torchaudio.functional.resample(torch.ones(1, 160), 16000, 8000).shape[1])\n"
        "from transformers import WhisperFeatureExtractor\n"
        "from speechbrain.lobes.features import Fbank\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "80"


def test_another_failure_is_not_hidden(tmp_path: Path) -> None:
    package = tmp_path / "torchaudio"
    package.mkdir()
    (package / "__init__.py").write_text("raise OSError('libsomething.so: no such file')\n")
    code = "from bench.torchaudio_stub import make_importable; make_importable()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{Path(torchaudio_stub.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "OSError: libsomething.so: no such file" in done.stderr
