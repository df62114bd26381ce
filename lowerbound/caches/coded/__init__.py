"""Caches that exploit public structure: the keys, and the set of possible values, are public and cost no bits."""
