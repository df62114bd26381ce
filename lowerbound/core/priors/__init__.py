"""Structure priors: public finite classes of value matrices, their exact sizes, and how Bob identifies a member."""
