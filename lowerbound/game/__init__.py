"""The communication game: Alice, one message, Bob."""
