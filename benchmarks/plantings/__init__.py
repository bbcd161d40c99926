"""The simulated studies in which benchmarks/planted_defects.py plants what it looks for. *Synthetic* throughout."""
