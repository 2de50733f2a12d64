"""bench.devices: where codecs compute, and how exactly."""

from __future__ import annotations

import pytest
import torch

from bench.devices import prepare, resolve


@pytest.fixture
def tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)


def test_auto_takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve("auto") == "cpu"
    with pytest.raises(ValueError, match="no CUDA device is usable here"):
        resolve("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (resolve("auto"), resolve("cuda"), resolve("cpu")) == ("cuda", "cuda", "cpu")
    with pytest.raises(ValueError, match="expected a device of auto, cpu, cuda, got 'tpu'"):
        resolve("tpu")


@pytest.mark.parametrize(("gpu", "allowed"), [(True, False), (False, True)])
def test_a_gpu_computes_float32_in_float32(
    gpu: bool, allowed: bool, tf32: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert prepare("auto") == ("cuda" if gpu else "cpu")
    assert torch.backends.cudnn.allow_tf32 is allowed
