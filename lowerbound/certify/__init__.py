"""Statements with certificates for the kernel to judge: floors, witnesses, transcripts, and bounds on keys."""
