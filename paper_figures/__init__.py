"""One file per figure: it reads a table of results/, draws, and computes nothing. `python -m paper_figures NAME`."""
