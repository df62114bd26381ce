"""The judge: a small trusted program, and the rules by which it checks certificates that other code found."""
