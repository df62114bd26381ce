"""The upper bound: caches whose error is proved, and the number of bits that the cheapest of them needs."""
