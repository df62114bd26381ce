"""Recurrent states: a fixed number of slots or features, whatever the number of tokens."""
