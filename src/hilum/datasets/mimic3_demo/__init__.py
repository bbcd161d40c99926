"""Raw tables of the open MIMIC-III demo."""
