"""The adversary: a search for inputs on which a cache breaks its promised error, and a shrinker for what it finds."""
