"""The benchmark: datasets, metrics, runner, store and command line."""
