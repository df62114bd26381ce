"""The adversary: the strongest floors, the instances that carry them, and the inputs that break a cache."""
