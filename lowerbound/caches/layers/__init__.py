"""Caches whose layers, heads or scales share one budget, so that one may keep more tokens than another."""
