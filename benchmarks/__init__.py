"""Benchmarks: what is promised of speed, measured in one run on this machine; never asserted in a test."""
