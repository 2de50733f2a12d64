"""What all tests share: properties are tried on the same examples every time."""

import os

from hypothesis import settings

# Weights that someone keeps on this machine are no part of a test; the folder is not there.
os.environ["SQCODEC_WEIGHTS"] = os.path.join(os.path.dirname(__file__), "no-weights")

# A failure must be the next run's failure too; a busy machine's slowness is none.
settings.register_profile("project", derandomize=True, deadline=None, database=None)
settings.load_profile("project")
