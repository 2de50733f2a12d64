"""Ablations: a codec trained in variants under one schedule, each scored on the same clips.

- `plan`: what a folder's ablation is of, fixed by its first run.
- `training`: the trainings, each in a process of its own, side by side.
- `clips`: the few clips of a quick evaluation.
- `outcome`: the JSON of it all, which `bench.report.ablation` makes tables and curves of.
- `run`: one after the other, going on from whatever a folder holds.
"""
