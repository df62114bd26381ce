"""THE AUDIT: anybody's cache, unmodified, as defendant: how it is called, what it holds and sends, and a verdict."""
