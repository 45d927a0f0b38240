"""The adversary: a seeded world that drives the real command line and tries to break it."""
