"""The oracle: exact softmax attention, the fast paths that agree with it, and bounds on their rounding."""
