"""Traces of one's own: one file a recording, a column of times and one a coordinate."""
