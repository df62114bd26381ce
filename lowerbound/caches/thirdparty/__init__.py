"""Third-party KV caches, played unmodified. Each module drives one package and imports it only to make a cache."""
