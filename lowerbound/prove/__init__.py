"""The engine of the proof book: expressions, lemmas, who checks them, and what everything rests on."""
