"""Alpaca's wire: the only place that knows it."""
