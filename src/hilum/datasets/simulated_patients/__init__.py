"""Simulated patients: synthetic, with known truth."""
