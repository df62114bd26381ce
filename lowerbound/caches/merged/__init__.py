"""Merging: several tokens are replaced by one that stands for them."""
