"""What is decided: pure functions without clock, entropy, environment, I/O or logging."""
