"""The site: pages that are derived from the library, the proof book and the tables of games."""
