"""Weights of the first three principal components of breathing motion in twelve cine-MRI sequences."""
