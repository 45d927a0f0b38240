"""How a command works: one module per command, load, decide, save."""
