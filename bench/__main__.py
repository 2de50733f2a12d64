"""The `bench` program.

The command line is imported in `main`, not here: the processes of a run import this module too.
"""


def main() -> None:
    """Run the command line."""
    from bench.cli import app

    app(prog_name="bench")


if __name__ == "__main__":
    main()
