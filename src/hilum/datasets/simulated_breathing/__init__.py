"""Simulated breathing: synthetic, with known truth."""
