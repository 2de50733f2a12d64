"""Ablations: a codec trained in variants under one schedule, each scored on the same clips.

- `plan`: what a folder's ablation is of, fixed by its first run.
- `training`: the trainings, each in a process of its own, side by side; `folder`: of one of them.
- `clips`: the few clips of a quick evaluation.
- `evaluated`: where the scores are; `outcome`: the JSON of it all, with `curves`, which
  `bench.report.ablation` makes tables and figures of.
- `run`: one after the other, going on from whatever a folder holds.
"""
