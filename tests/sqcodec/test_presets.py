"""sqcodec.presets: the seven presets are the paper's Table 5, the variants its Table 3."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import ABLATIONS, PRESETS, SQCodecConfig, TransformerConfig, get_config

PAPER = Path(__file__).parents[2] / "results" / "paper"

# Nominal bitrates are round numbers: 748.6 bit/s are called 750.
NOMINAL_TOLERANCE = 0.005
# The ablation variants' parameters, as Table 5 gives them: 11.21 M +- 0.02 M.
ABLATION_PARAMETERS_M = pytest.approx(11.21, abs=0.02)

# name: hop in samples, frames/s, bits/s, parameters in millions, window in seconds
COMPUTED = {
    "sqcodec-0.75k": (360, 44.44, 748.6, 15.179, 4.5),
    "sqcodec-1.5k": (180, 88.89, 1497.3, 15.095, 3.375),
    "sqcodec-3k": (90, 177.78, 2994.5, 11.256, 2.25),
    "sqcodec-6k": (45, 355.56, 5989.0, 11.207, 0.84375),
    "sqcodec-12k": (24, 666.67, 11954.6, 11.182, 0.6),
    "sqcodec-12k-24khz": (36, 666.67, 11954.6, 11.219, 0.6),
    "sqcodec-24k-24khz": (18, 1333.33, 23909.1, 11.164, 0.45),
}


def read_table(name: str) -> list[dict[str, str]]:
    with open(PAPER / name, newline="") as file:
        return list(csv.DictReader(file))


def n_parameters_m(config: SQCodecConfig) -> float:
    with torch.device("meta"):
        return SQCodecNetwork(config).n_parameters() / 1e6


def table_5() -> list[tuple[SQCodecConfig, dict[str, str]]]:
    """Pair our presets, in order, with the rows of Table 5."""
    rows = [row for row in read_table("table5-configurations.csv") if row["model"] == "SQCodec"]
    return list(zip(PRESETS.values(), rows, strict=True))


@pytest.mark.parametrize(("config", "row"), table_5(), ids=PRESETS)
def test_presets_equal_table_5(config: SQCodecConfig, row: dict[str, str]) -> None:
    def integers(column: str) -> tuple[int, ...]:
        return tuple(int(number) for number in row[column].split())

    windows = [block.window for block in (config.inner, config.outer) if block is not None]
    assert config.sample_rate == int(row["sample_rate_hz"])
    assert config.encoder_rates == integers("encoder_rates")
    assert config.decoder_rates == integers("decoder_rates")
    assert config.fsq_levels == integers("fsq_levels")
    assert tuple(windows) == integers("window_sizes")
    nominal_bps = int(row["nominal_bitrate"])
    assert config.bitrate_bps == pytest.approx(nominal_bps, rel=NOMINAL_TOLERANCE)
    assert round(n_parameters_m(config), 2) == float(row["params_m"])


def test_names_state_the_nominal_bitrate_and_rate() -> None:
    for config, row in table_5():
        name = f"sqcodec-{int(row['nominal_bitrate']) / 1000:g}k"
        assert config.name == name + ("-24khz" if config.sample_rate == 24000 else "")
        assert PRESETS[config.name] is config


@pytest.mark.parametrize("name", PRESETS)
def test_computed_rates(name: str) -> None:
    config = PRESETS[name]
    hop_length, frame_rate_hz, bitrate_bps, parameters_m, window_s = COMPUTED[name]
    assert config.hop_length == hop_length
    assert round(config.frame_rate_hz, 2) == frame_rate_hz
    assert round(config.bitrate_bps, 1) == bitrate_bps
    assert round(n_parameters_m(config), 3) == parameters_m
    assert config.receptive_field_s == config.window_length / config.sample_rate == window_s


def test_codebooks() -> None:
    sizes = {config.codebook_size for config in PRESETS.values()}
    assert sizes == {7**6, 9**3 * 7**3} == {117_649, 250_047}
    assert round(PRESETS["sqcodec-3k"].bits_per_frame, 2) == 16.84
    assert round(PRESETS["sqcodec-24k-24khz"].bits_per_frame, 2) == 17.93


def test_ablations_are_the_architectural_rows_of_table_3() -> None:
    base = PRESETS["sqcodec-6k"]
    names = {f"w/ {window} window size": f"{base.name}-window-{window}" for window in (150, 75, 40)}
    names |= {"w/o TConv": f"{base.name}-no-tconv", "w/o TEConv": f"{base.name}-no-teconv"}
    assert ABLATIONS.keys() == set(names.values())
    for row in read_table("table3-ablation.csv"):
        if row["variant"] in names:
            config = ABLATIONS[names.pop(row["variant"])]
            printed_s = float(row["receptive_field_s"])
            # 0.1125 s is printed as 0.113.
            assert config.receptive_field_s == pytest.approx(printed_s, abs=5.01e-4)
            assert config.bitrate_bps == base.bitrate_bps
            assert n_parameters_m(config) == ABLATION_PARAMETERS_M
    assert not names


def test_what_an_ablation_leaves_out() -> None:
    base = n_parameters_m(PRESETS["sqcodec-6k"])
    assert n_parameters_m(ABLATIONS["sqcodec-6k-window-40"]) == base
    assert round(n_parameters_m(ABLATIONS["sqcodec-6k-no-tconv"]), 3) == 11.204
    assert round(n_parameters_m(ABLATIONS["sqcodec-6k-no-teconv"]), 3) == 11.204


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decoder_rates": (5, 3, 2)}, "(9, 5) and decoder rates (5, 3, 2) must have the same"),
        ({"encoder_widths": (24, 96)}, "encoder widths and depths must have 3 entries"),
        ({"encoder_depths": (1, 1, 1, 2)}, "encoder widths and depths must have 3 entries"),
        ({"decoder_widths": (384, 192, 96)}, "the decoder needs 4 widths and 3 depths"),
        ({"decoder_depths": (3, 2, 1, 1)}, "the decoder needs 4 widths and 3 depths"),
        ({"fsq_levels": (7, 8)}, "must be odd and at least 3, got (7, 8)"),
        ({"fsq_levels": (7, 1)}, "must be odd and at least 3, got (7, 1)"),
        ({"extra_rate": 2}, "an extra rate and an outer transformer come together"),
        ({"outer": TransformerConfig(2, 600)}, "an extra rate and an outer transformer come"),
    ],
)
def test_inconsistent_configurations_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(PRESETS["sqcodec-6k"], **change)


@pytest.mark.parametrize(("depth", "window"), [(0, 300), (3, 0)])
def test_empty_transformers_are_refused(depth: int, window: int) -> None:
    with pytest.raises(ValueError, match="depth and window must be at least 1"):
        TransformerConfig(depth=depth, window=window)


def test_presets_by_name() -> None:
    assert get_config("sqcodec-3k") is PRESETS["sqcodec-3k"]
    assert get_config("sqcodec-6k-no-tconv") is ABLATIONS["sqcodec-6k-no-tconv"]
    with pytest.raises(ValueError, match=r"called 'sqcodec-3kb'; did you mean sqcodec-3k\b"):
        get_config("sqcodec-3kb")
    with pytest.raises(ValueError, match=r"called 'xyz'; known: sqcodec-0\.75k, "):
        get_config("xyz")
