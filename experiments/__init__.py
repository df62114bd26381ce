"""One file a question: a spec, and the claim that it could refute. `python -m experiments NAME`."""
