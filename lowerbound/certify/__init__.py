"""What is emitted for the kernel to judge."""
