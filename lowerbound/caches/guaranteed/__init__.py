"""Caches whose error is proved for every input, not only measured."""
