"""Public keys: families of nearly orthogonal vectors whose one-sided coherence is computed exactly."""
