"""One thin adapter per codec, all behind the contract of `bench.codec`."""
