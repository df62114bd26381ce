"""Public keys: families of nearly orthogonal vectors, with exact coherence."""
