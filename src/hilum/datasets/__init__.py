"""Datasets: a folder each, with a card, a table of files and a loader. The bytes themselves are never committed."""
