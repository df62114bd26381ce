"""Eviction: the cache keeps some tokens unchanged and drops the others."""
