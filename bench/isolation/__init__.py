"""Codecs and evaluators whose dependencies cannot live beside ours: environments of their own.

- `definition`: what such an environment is: requirements, a worker's script, its verbs (TOML).
- `environment`: makes one on disk, whole or not at all, and says what is in it.
- `known`: definitions by name: ours, in ``defined/``, and those that users made one of.
- `process`: calls a worker, a process of that environment: **start reading here**.
- `serve`: what runs in that other environment around the worker; imports nothing of ours.
- `codec`: an isolated codec behind the contract of `bench.codec`.
"""
