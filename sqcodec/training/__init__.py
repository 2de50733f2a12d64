"""Training: the corpus, the losses and the trainer."""
