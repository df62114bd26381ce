"""Eviction: some tokens are kept as they are, the others dropped."""
