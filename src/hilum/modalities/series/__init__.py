"""Sampled series: typed sample, readers, windows, scaling, simulator."""
