"""Low rank: every row is a combination of a few basis rows, or is corrected by a low-rank matrix."""
