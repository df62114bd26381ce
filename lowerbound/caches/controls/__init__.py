"""Controls: everything stored, nothing stored, and the recomputation of model R2."""
