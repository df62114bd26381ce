"""THE DEFENDANT: anybody's cache, unmodified: how it is called, what it holds and sends, and a verdict."""
