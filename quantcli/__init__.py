"""A deterministic, auditable trading desk made of small commands."""

__version__ = "0.1.0"
