"""Benchmarks: the promises of speed, measured in one run on this machine; no test asserts them."""
