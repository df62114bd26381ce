"""One file per question: a specification, and a claim that the results could refute. `python -m experiments NAME`."""
