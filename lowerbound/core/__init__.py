"""The mathematical objects that the theorem speaks about."""
