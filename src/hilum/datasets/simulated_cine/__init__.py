"""Simulated cine-MRI frames of breathing: synthetic, with known displacement."""
