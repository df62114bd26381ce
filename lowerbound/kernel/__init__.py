"""The judge: a small program that is trusted, and the rules by which it checks what others found."""
