"""Caches whose error bound is proved for every input in a stated class, not only measured."""
