"""Sweeps: specifications, pure keyed units, engines that run them, and a store that loses nothing."""
