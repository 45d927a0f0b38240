"""A deterministic, auditable trading desk made of small commands."""
