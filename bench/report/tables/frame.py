"""Columns of the five tables, with the paper's headings and arrows, and the names of its rows.

Source: SQCodec paper, Tables 1 to 5.
"""

from __future__ import annotations

from bench.report.tables.model import Column

DAGGER = "†"
AT_24_KHZ = f"{DAGGER} input at 24 kHz; at 16 kHz without it."

_CODEC = (
    Column("bitrate_bps", "Bitrate", "bps", "lower", 0),
    Column("n_quantizers", "#Q", "", "lower", 0),
    Column("macs_g", "MACs", "G", "lower"),
    Column("params_m", "#Params", "M", "lower"),
)

SIGNAL_SCORES = (
    Column("sdr_db", "SDR", "", "higher"),
    Column("mel", "MEL", "", "lower"),
    Column("stoi", "STOI", "", "higher"),
    Column("pesq", "PESQ", "", "higher"),
    Column("audio_sdr_db", "Audio SDR", "", "higher"),
    Column("audio_mel", "Audio MEL", "", "lower"),
)
APPLICATION_SCORES = (
    Column("wer_asr_pct", "WER(ASR)", "%", "lower"),
    Column("eer_asv_pct", "EER(ASV)", "%", "lower"),
    Column("acc_er_pct", "Acc(ER)", "%", "higher"),
    Column("acc_aec_pct", "Acc(AEC)", "%", "higher"),
)
TABLE_1 = (*_CODEC, *SIGNAL_SCORES)
TABLE_2 = (*_CODEC, *APPLICATION_SCORES)

TABLE_3 = (
    Column("receptive_field_s", "Receptive field", "", None, 3),
    Column("sdr_db", "SDR", "", "higher", 3),
    Column("pesq", "PESQ", "", "higher", 3),
    Column("wer_asr_pct", "WER(ASR)", "%", "lower"),
    Column("eer_asv_pct", "EER(ASV)", "%", "lower"),
    Column("audio_sdr_db", "Audio SDR", "", "higher", 3),
    Column("acc_aec_pct", "Acc(AEC)", "%", "higher"),
)
ABLATIONS = {
    "SQCodec (6kbps)": "sqcodec-6k",
    "w/ 150 window size": "sqcodec-6k-window-150",
    "w/ 75 window size": "sqcodec-6k-window-75",
    "w/ 40 window size": "sqcodec-6k-window-40",
    "w/o TConv": "sqcodec-6k-no-tconv",
    "w/o TEConv": "sqcodec-6k-no-teconv",
    "w/o Perceptual Loss": "sqcodec-6k-no-perceptual-loss",
}
"""The paper's rows of Table 3, with the codec of each here."""

TABLE_4 = (
    Column("sqcodec", "SQCodec", number=False),
    Column("encodec", "Encodec", number=False),
    Column("dac", "DAC", number=False),
    Column("wavtokenizer", "WavTokenizer", number=False),
)

TABLE_5 = (
    Column("nominal_bitrate", "Bitrate", "bps", None, 0),
    Column("macs_g", "MACs", "G"),
    Column("params_m", "#Params", "M"),
    Column("encoder_rates", "Encoder rates", number=False),
    Column("decoder_rates", "Decoder rates", number=False),
    Column("window_sizes", "Transformer window size", number=False),
    Column("fsq_levels", "Codebook levels", number=False),
    Column("training_hours", "Training hours", "", None, 1),
)

TITLES = {
    "table1-signal": "Table 1. Signal-level evaluation",
    "table2-application": "Table 2. Application-level evaluation",
    "table3-ablation": "Table 3. Ablation study",
    "table4-training-data": "Table 4. Datasets used in training",
    "table5-configurations": "Table 5. Training configurations",
}


def bitrate_text(bitrate_bps: float) -> str:
    """480 as "480", 1500 as "1500", 3000 as "3k": as the paper's tables write them."""
    return f"{bitrate_bps:.0f}" if bitrate_bps < 3000 else f"{bitrate_bps / 1000:g}k"


def model_text(model: str, sample_rate: int) -> str:
    """The model, with the paper's mark if it works at 24 kHz."""
    return f"{model}{DAGGER}" if sample_rate == 24_000 else model
