"""Recorded attention: a file of queries, keys, values and outputs, checked, inspected, compared and played."""
