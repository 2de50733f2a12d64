"""The `sqcodec` program.

The command line is imported in `main`, not here: processes that training starts import this too.
"""

import os


def main() -> None:
    """Run the command line."""
    # Threads that spin while they wait for each other hold a core that other work needs: beside a
    # second program a training step took five times as long. OpenMP reads this once, before torch
    # starts it.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from sqcodec.cli import app

    app(prog_name="sqcodec")


if __name__ == "__main__":
    main()
