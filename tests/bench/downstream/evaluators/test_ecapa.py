"""ECAPA-TDNN through speechbrain's loading, on a small random checkpoint in its layout."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorUnavailableError
from bench.downstream.crops import five_crops
from bench.downstream.evaluators import ecapa
from bench.torchaudio_stub import make_importable

HYPERPARAMS = """
pretrained_path: speechbrain/spkrec-ecapa-voxceleb
n_mels: 80
out_n_neurons: 3
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [8, 8, 8, 8, 24]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 8
    res2net_scale: 4
    se_channels: 8
    lin_neurons: 12
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 12
    out_neurons: !ref <out_n_neurons>
mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
    classifier: !ref <classifier>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
        mean_var_norm_emb: !ref <mean_var_norm_emb>
        classifier: !ref <classifier>
        label_encoder: !ref <label_encoder>
    paths:
        embedding_model: !ref <pretrained_path>/embedding_model.ckpt
        mean_var_norm_emb: !ref <pretrained_path>/mean_var_norm_emb.ckpt
        classifier: !ref <pretrained_path>/classifier.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""


def small_network() -> torch.nn.Module:
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    torch.manual_seed(0)
    return ECAPA_TDNN(
        80,
        lin_neurons=12,
        channels=[8, 8, 8, 8, 24],
        attention_channels=8,
        res2net_scale=4,
        se_channels=8,
    ).eval()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint among the user's weights."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))
    make_importable()
    from speechbrain.lobes.models.ECAPA_TDNN import Classifier
    from speechbrain.processing.features import InputNormalization

    folder = tmp_path / "spkrec-ecapa-voxceleb"
    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(HYPERPARAMS)
    torch.save(small_network().state_dict(), folder / "embedding_model.ckpt")
    torch.save(Classifier(12, out_neurons=3).state_dict(), folder / "classifier.ckpt")
    normalisation = InputNormalization(norm_type="global", std_norm=False)
    normalisation._save(folder / "mean_var_norm_emb.ckpt")
    (folder / "label_encoder.txt").write_text(
        "'id1' => 0\n'id2' => 1\n'id3' => 2\n================\n'starting_index' => 0\n"
    )
    return folder


def clip(n_samples: int) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(n_samples).standard_normal(n_samples)).astype(np.float32)


@pytest.mark.usefixtures("folder")
def test_a_checkpoint_embeds() -> None:
    assert ecapa.missing() == ""
    encoder = ecapa.load()
    assert (encoder.info.name, encoder.info.task) == ("ecapa-voxceleb", "asv")
    together = encoder.judge([clip(60_000), clip(20_000)])
    assert [encoder.judge([clip(n)])[0] for n in (60_000, 20_000)] == together
    # The network by itself, on speechbrain's features less their mean.
    from speechbrain.lobes.features import Fbank

    with torch.inference_mode():
        features = Fbank(n_mels=80)(torch.from_numpy(five_crops(clip(60_000))))
        features = features - features.mean(dim=1, keepdim=True)
        expected = small_network()(features)[:, 0].numpy()
    np.testing.assert_allclose(together[0]["crops"], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("folder")
def test_a_clip_that_is_too_short() -> None:
    with pytest.raises(ValueError, match="too short to embed: 100 samples"):
        ecapa.load().judge([clip(100)])


def test_weights_that_do_not_fit(folder: Path) -> None:
    state = small_network().state_dict()
    state.pop("fc.conv.bias")
    torch.save(state, folder / "embedding_model.ckpt")
    with pytest.raises(EvaluatorUnavailableError, match=r"does not fit hyperparams.yaml: 1 names"):
        ecapa.load()
    (folder / "embedding_model.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(EvaluatorUnavailableError, match="cannot be loaded: "):
        ecapa.load()


def test_every_file_decides_the_revision(folder: Path) -> None:
    before = ecapa.load().info.revision
    text = (folder / "hyperparams.yaml").read_text()
    (folder / "hyperparams.yaml").write_text(text + "\n# another\n")
    assert ecapa.load().info.revision != before


def test_weights_that_are_not_there(folder: Path) -> None:
    (folder / "classifier.ckpt").unlink()
    assert "no weights of speechbrain/spkrec-ecapa-voxceleb: put " in ecapa.missing()
    with pytest.raises(EvaluatorUnavailableError, match="the hub is out of reach"):
        ecapa.load()
