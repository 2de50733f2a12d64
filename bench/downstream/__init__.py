"""What a codec leaves of words, speakers, emotions and events, as models hear it.

- `contract`: what an evaluator offers: evidence of each clip, never a score.
- `evaluators`: the models, a file each, imported only where they are used, and their registry.
- `tasks`: the four tasks; `data`: what each is asked on; `score`: what their scores are.
- `asr`, `asv`, `er`, `aec`: from evidence to the scores of a task.
- `wer`, `eer`, `accuracy`, `resampling`: the measures and their intervals.
- `trials`, `crops`, `embeddings`, `voxceleb`: of speakers; `labelled`, `classes`, `probe`: of
  emotions and events.
"""
