"""Cells, executors, cache and progress: runs what an experiment lists, and judges what was stored."""
