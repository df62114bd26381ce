"""Quantization: the cache keeps every token, in fewer bits per number."""
