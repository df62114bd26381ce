"""Coverage-guided fuzzing of what reads files from outside; `make fuzz`."""
