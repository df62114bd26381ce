"""The pyramid of token maps in exact linear algebra: how maps are resized, and which dimensions token ids reach."""
