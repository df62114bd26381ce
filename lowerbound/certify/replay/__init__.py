"""Models R2 and R3: with public weights, which token ids must be kept, and documents that prove how many bits."""
