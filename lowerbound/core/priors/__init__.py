"""Structure priors: public finite classes of value matrices, counted exactly, with Bob's way to tell members apart."""
