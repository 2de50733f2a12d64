"""What all tests share: properties are tried on the same examples every time."""

import os
from pathlib import Path

from hypothesis import settings

# Weights that someone keeps on this machine are no part of a test: no such folder can be.
os.environ["SQCODEC_WEIGHTS"] = str(Path(__file__) / "no-weights")

# A failure must be the next run's failure too; a busy machine's slowness is none.
settings.register_profile("project", derandomize=True, deadline=None, database=None)
settings.load_profile("project")
