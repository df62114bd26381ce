"""The laws of every cache, and its own known values. A package so that the laws can be counted."""
