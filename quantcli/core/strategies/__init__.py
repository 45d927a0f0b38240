"""Strategies: pure functions from bars to candidates, each with its own rules and words."""
