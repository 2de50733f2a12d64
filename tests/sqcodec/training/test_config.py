"""Settings: what is refused, and how a crop's length comes about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqcodec.training.config import TrainConfig, read_settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"preset": "sqcodec-4k"}, "no SQCodec preset"),
        ({"learning_rate": 1e-6}, "final <= initial <= peak"),
        ({"rising_share": 1.0}, "between 0 and 1"),
        ({"steps": 10.5}, "steps must be of type int"),
        ({"seed": True}, "seed must be of type int"),
        ({"seed": -1}, "seed must not be negative"),
        ({"kind_shares": {"speech": "2"}}, "kind_shares: speech must be a number"),
        ({"kind_shares": {"speech": -1}}, "kind_shares: speech must be a number from 0 on"),
        ({"gain_share": 2.0}, "gain_share must lie between 0 and 1"),
        ({"compile": 1}, "compile must be of type bool"),
        ({"crop_s": "2"}, "crop_s must be of type float"),
        ({"crop_s": 0.05}, "1025 samples or more, got 768"),
        ({"perceptual_weight": -1}, "must not be negative"),
        ({"adversarial_limit": 0}, "must be positive"),
        ({"mixing_share": 1.5}, "between 0 and 1"),
        ({"ema_decay": 1.0}, "ema_decay must lie in"),
        ({"precision": "fp16"}, "precision must be one of"),
    ],
)
def test_bad_settings(config: TrainConfig, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(config, **changes)


def test_crop_length_is_in_windows_or_in_seconds() -> None:
    config = TrainConfig("sqcodec-3k")
    assert config.crop_length == 36_000
    assert replace(config, crop_windows=3).crop_length == 108_000
    # 0.56 s are 99.6 hops of 90 samples.
    assert replace(config, crop_s=0.56, crop_windows=3).crop_length == 9_000


def test_settings_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("steps = 5\nkind_shares = { speech = 2, music = 1.0 }\n")
    config = TrainConfig(preset="sqcodec-3k", **read_settings(path))
    assert (config.steps, config.kind_shares) == (5, {"speech": 2, "music": 1.0})


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("learning_rte = 1\n")
    with pytest.raises(ValueError, match=r"no setting 'learning_rte'; did you mean learning_rate"):
        read_settings(path)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"settings\.toml is no TOML file"):
        read_settings(path)
