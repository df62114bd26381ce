"""KV caches: one idea per file, one folder per family."""
