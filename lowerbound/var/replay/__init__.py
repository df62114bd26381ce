"""Public weights: which token ids the last scale's answers determine, and the floors of models R2 and R3."""
