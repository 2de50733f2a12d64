"""The description of a network, against the network."""

from itertools import pairwise

import pytest

from sqcodec.blocks import diagram
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import ABLATIONS, PRESETS, get_config


@pytest.mark.parametrize("name", [*PRESETS, *ABLATIONS])
def test_blocks_leave_no_parameter_out_and_follow_each_other(name: str) -> None:
    config = get_config(name)
    found = diagram(config)
    assert sum(block.n_parameters for block in found.blocks) == found.n_parameters
    for before, after in pairwise(found.blocks):
        assert before.shape_out == after.shape_in
    assert found.blocks[0].shape_in == found.blocks[-1].shape_out == (found.n_samples, 1)
    (quantizer,) = (block for block in found.blocks if block.part == "quantizer")
    n_codes = found.n_samples // config.hop_length
    assert quantizer.shape_in == quantizer.shape_out == (n_codes, config.latent_width)


def test_units_that_repeat_are_one_block() -> None:
    found = diagram(get_config("sqcodec-3k"))
    decoder = [block for block in found.blocks if block.part == "decoder"]
    units = [block.repeats for block in decoder if block.kind == "Conv unit"]
    assert units == [3, 2, 2, 1]
    network = SQCodecNetwork(get_config("sqcodec-3k"))
    first = sum(p.numel() for unit in network.decoder.stages[0][:3] for p in unit.parameters())
    assert next(b for b in decoder if b.kind == "Conv unit").n_parameters == first


def test_the_lowest_bitrates_sample_down_and_up_between_their_transformers() -> None:
    found = diagram(get_config("sqcodec-0.75k"))
    kinds = [block.kind for block in found.blocks]
    assert kinds.count("Local transformer") == 4
    up = found.blocks[kinds.index("Upsampling")]
    assert up.shape_out[0] == 3 * up.shape_in[0]
    assert up.detail == "linear, rate 3"


def test_variants_lack_what_they_are_without() -> None:
    def kinds(name: str) -> set[str]:
        return {block.kind for block in diagram(get_config(name)).blocks}

    assert "TConv unit" not in kinds("sqcodec-6k-no-tconv")
    assert "TEConv gate" not in kinds("sqcodec-6k-no-teconv")
    assert {"TConv unit", "TEConv gate"} < kinds("sqcodec-6k")
