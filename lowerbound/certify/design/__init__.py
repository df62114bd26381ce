"""The search for the hard instances that force the most bits by each theorem: their keys, values and parameters."""
