"""The pyramid of token maps in exact linear algebra: how maps are resized, and the ranks of the maps from token ids."""
