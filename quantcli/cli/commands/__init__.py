"""One module per command; each defines `command`, and its docstring is the help text."""
