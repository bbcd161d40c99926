"""Metrics by family, and the one home of statistics."""
