"""Controls: caches that store everything, store nothing, or (in model R2) recompute K and V from token ids."""
