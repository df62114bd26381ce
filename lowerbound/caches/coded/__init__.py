"""Caches of public structure: they store coded symbols of values, or a basis and coefficients, and no free keys."""
