"""Recurrent states: the number of slots or features is fixed and does not grow with the number of tokens."""
