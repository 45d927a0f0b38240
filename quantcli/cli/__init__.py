"""What is typed: the commands and the composition root, without logic."""
