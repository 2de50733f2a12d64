"""Training: the corpus, the losses and the trainer.

Audio: `sources`, `debian` (free audio in Debian's packages), `readers` (data sets on disk),
`decode`, `corpus` (one packed file), `corpora` (what ``--corpus`` may name), `demo`, `crops`,
`augment`. Learning: `initial`, `growth`, `losses`, `whisper` and `whisper_weights` (perceptual),
`discriminators` and `adversary`, `trainer`. A run: `config`, `checkpoints`, `log`, `processes`.
Command lines: `corpus_cli`, `train_cli`.
"""
