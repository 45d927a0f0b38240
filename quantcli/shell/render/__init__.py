"""How things are shown: pages and terminal output, each sink with its own escaping."""
