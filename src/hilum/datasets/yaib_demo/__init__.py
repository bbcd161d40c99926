"""Cohorts that the authors of YAIB published of the two open demos."""
