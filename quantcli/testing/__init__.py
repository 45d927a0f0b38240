"""The adversary: seeded worlds, faults, crash points and independent checkers."""
