"""KV caches, one idea a file."""
