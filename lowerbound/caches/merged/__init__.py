"""Merging: one stored token replaces several, and carries their weight in the softmax."""
