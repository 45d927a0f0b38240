"""How the world is touched: files, SQLite, the broker, the clock, pages."""
