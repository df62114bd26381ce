"""The rules: one file for each kind of certificate, each a short check of numbers that were found elsewhere."""
