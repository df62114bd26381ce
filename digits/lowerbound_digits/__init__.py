"""The file digits.safetensors: weights of a small VAR that draws digits, which `lowerbound` reads."""
