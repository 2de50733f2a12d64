"""Data sets: what a clip is, and where clips come from.

- `manifest`: `Clip` and `Manifest`, and reading them from a CSV file.
- `mini`: the small set that is bundled with the package.
- `codec_superb`: the tree of Codec-SUPERB's data.
- `folder`: any folder of audio.
- `load`: which of them a user means.
"""
