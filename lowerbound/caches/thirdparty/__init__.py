"""Real third-party KV caches, played unmodified: each file drives one package, and imports it when a cache is made."""
