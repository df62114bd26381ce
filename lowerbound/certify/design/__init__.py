"""The search for the strongest hard instance of each theorem: addresses, values, keys, and their numbers."""
