"""The communication game: Alice sends one message, the state of a cache, and Bob answers questions about her input."""
