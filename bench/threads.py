"""One thread for each process that computes: what it computes then depends on no number of cores.

Threads share out the sums of a matrix product, which are then added in another order. Processes
beside each other use the cores better than threads within one, too: nobody waits for anybody.
"""

from __future__ import annotations

import os
import sys

from threadpoolctl import threadpool_limits

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Of the environment, by which libraries know how many threads to take."""


def limit_to_one() -> None:
    """Have libraries of this process, and of those that it starts, compute with one thread.

    Those that are loaded later read it in the environment; call it again after those that may
    have been told otherwise as they were loaded.
    """
    os.environ |= dict.fromkeys(VARIABLES, "1")
    threadpool_limits(limits=1)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
