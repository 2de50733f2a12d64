"""The `bench` program.

The command line is imported in `main`, not here: the processes of a run import this module too.
"""

import os


def main() -> None:
    """Run the command line."""
    # Threads that spin while they wait for each other hold a core that another process needs, of
    # this run or not: beside other work two threads were ten times slower than one. OpenMP
    # reads this once, before it starts, here and in the processes of a run.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from bench.cli import app

    app(prog_name="bench")


if __name__ == "__main__":
    main()
