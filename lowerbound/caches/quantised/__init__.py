"""Quantization: every token is kept, in fewer bits."""
