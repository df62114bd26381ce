"""A next-scale network in NumPy: its layers, its pyramid of token maps, and what its cached rows can be."""
