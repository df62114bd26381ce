"""The upper side: caches whose error is proved, and how many bits the cheapest of them needs."""
