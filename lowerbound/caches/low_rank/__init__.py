"""Low rank: rows as combinations of a few, sometimes with a correction."""
