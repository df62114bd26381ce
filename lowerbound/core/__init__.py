"""The mathematical objects in the statement of the theorem: schedules, keys, values, attention, caches, bounds."""
