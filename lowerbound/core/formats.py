"""Number formats: how many bits the formats take in which caches store their numbers."""

from __future__ import annotations

FP16_BITS = 16
"""Bits of a half-precision float, the format in which published KV caches store each number."""
FP32_BITS = 32
"""Bits of a single-precision float, for running sums and scores that fp16 would round too coarsely."""
