"""Cine-MRI frames of four free-breathing people, one sagittal slice each."""
