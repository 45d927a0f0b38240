"""Bringing bars and index values from their vendors into the store."""
