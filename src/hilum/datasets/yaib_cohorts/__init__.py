"""Cohorts of credentialed databases, brought by the user in YAIB's triples."""
