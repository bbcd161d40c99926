"""The papers: every one a folder, every published figure a claim."""
